//! The one door to the terminal: data on stdout, talk on stderr. Names and reasons out of models and packages pass
//! here too, and nothing in them may command the terminal.

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use serde::Serialize;

/// Says things, or keeps quiet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Printer {
    quiet: bool,
}

impl Printer {
    /// A printer; a quiet one says errors and data only.
    pub(crate) fn new(quiet: bool) -> Self {
        Self { quiet }
    }

    /// Writes lines of data, for people.
    pub(crate) fn data(line: &str) -> io::Result<()> {
        Self::write(&harmless(line))
    }

    fn write(line: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(line.as_bytes())?;
        if !line.ends_with('\n') {
            out.write_all(b"\n")?;
        }
        out.flush()
    }

    /// Writes data as JSON.
    pub(crate) fn json(value: &impl Serialize) -> io::Result<()> {
        let text = serde_json::to_string_pretty(value).map_err(io::Error::from)?;
        Self::write(&text)
    }

    /// Says something about what is going on.
    pub(crate) fn note(self, line: &str) {
        if !self.quiet {
            Self::error(line);
        }
    }

    /// Says what went wrong.
    pub(crate) fn error(line: &str) {
        // Nothing is left to do about a standard error that is closed.
        drop(writeln!(io::stderr().lock(), "{}", harmless(line)));
    }

    /// Whether a person may be watching the talk.
    pub(crate) fn is_watched(self) -> bool {
        !self.quiet && io::stderr().is_terminal()
    }

    /// A progress bar over bytes, invisible where nobody watches.
    pub(crate) fn bytes_bar(self) -> ProgressBar {
        let bar = ProgressBar::with_draw_target(Some(0), self.target());
        let style = "{msg} {bar:30} {bytes}/{total_bytes} {eta}";
        bar.with_style(ProgressStyle::with_template(style).unwrap_or_else(|_| plain_style()))
    }

    /// A progress bar over a time budget, invisible where nobody watches.
    pub(crate) fn time_bar(self, budget: Duration) -> ProgressBar {
        let length = u64::try_from(budget.as_millis()).unwrap_or(u64::MAX);
        let bar = ProgressBar::with_draw_target(Some(length), self.target());
        let style = "{bar:20} {elapsed} of at most {len}  {wide_msg}";
        let style = ProgressStyle::with_template(style).unwrap_or_else(|_| plain_style());
        let budget = format!("{}s", budget.as_secs());
        let told = move |_: &ProgressState, text: &mut dyn std::fmt::Write| {
            // Nothing is left to do about a text that cannot be made.
            let _written = text.write_str(&budget);
        };
        bar.with_style(style.with_key("len", told))
    }

    /// A sign of life for something of unknown length, invisible where nobody watches.
    pub(crate) fn spinner(self) -> ProgressBar {
        let bar = ProgressBar::with_draw_target(None, self.target());
        let style = ProgressStyle::with_template("{spinner} {msg} {elapsed}");
        let bar = bar.with_style(style.unwrap_or_else(|_| plain_style()));
        bar.enable_steady_tick(Duration::from_millis(120));
        bar
    }

    fn target(self) -> ProgressDrawTarget {
        if self.is_watched() {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        }
    }
}

/// The text with its control characters, but for ends of lines and tabs, as people write them: a terminal would obey
/// them. Marks that turn the direction of writing would have a text read otherwise than it is.
fn harmless(text: &str) -> Cow<'_, str> {
    let is_harmful = |character: char| match character {
        '\n' | '\t' => false,
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        _ => character.is_control(),
    };
    if !text.contains(is_harmful) {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        if is_harmful(character) {
            plain.extend(character.escape_unicode());
        } else {
            plain.push(character);
        }
    }
    Cow::Owned(plain)
}

fn plain_style() -> ProgressStyle {
    ProgressStyle::default_bar()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_command_a_terminal_is_written_out() {
        let check = |text: &str, expected: &str| assert_eq!(harmless(text), expected);
        check("größe\tx\n日本", "größe\tx\n日本");
        check("\u{1b}[2Jx\u{7}\r", "\\u{1b}[2Jx\\u{7}\\u{d}");
        check("\u{9b}31m", "\\u{9b}31m");
        check("gpj.\u{202e}exe", "gpj.\\u{202e}exe");
    }
}
