//! A command as a line that a shell reads as it was recorded, whatever its arguments hold.

/// The arguments as one line for a shell.
pub(super) fn line(arguments: &[String]) -> String {
    let quoted: Vec<String> = arguments.iter().map(|argument| quote(argument)).collect();
    quoted.join(" ")
}

fn quote(argument: &str) -> String {
    let plain =
        |character: char| character.is_ascii_alphanumeric() || "-_./:=@,+%".contains(character);
    if !argument.is_empty() && argument.chars().all(plain) {
        return argument.to_owned();
    }
    if argument.chars().any(is_unseen) {
        return spelled(argument);
    }
    format!("'{}'", argument.replace('\'', r"'\''"))
}

/// Characters that change what is seen without being seen: a reader would copy what they cannot read.
pub(super) fn is_unseen(character: char) -> bool {
    let steers = matches!(
        character,
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{ad}'
    );
    steers || character.is_control()
}

/// `$'...'`, which has a spelling for every character.
fn spelled(argument: &str) -> String {
    let mut text = "$'".to_owned();
    for character in argument.chars() {
        match character {
            '\\' | '\'' => text.extend(['\\', character]),
            character if is_unseen(character) => {
                let spelling = format!("\\u{:04x}", u32::from(character));
                text.push_str(&spelling);
            }
            character => text.push(character),
        }
    }
    text.push('\'');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_the_arguments_as_they_were() {
        let check = |argument: &str, expected: &str| assert_eq!(quote(argument), expected);
        check("--batch=8", "--batch=8");
        check("", "''");
        check("two words", "'two words'");
        check("it's; rm -rf $HOME", r"'it'\''s; rm -rf $HOME'");
        check("~", "'~'");
        check("a\nb'", r"$'a\u000ab\''");
        check("\u{202e}evil", r"$'\u202eevil'");
        let arguments = ["nav", "step", "my model"].map(str::to_owned);
        assert_eq!(line(&arguments), "nav step 'my model'");
    }
}
