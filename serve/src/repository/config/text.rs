//! Configurations as they are written: `config.pbtxt`, and the JSON that comes with a request to load. Bounded in size
//! and in depth. Knows nothing of what a configuration means.

use prost_reflect::DynamicMessage;
use serde::de::DeserializeSeed;

use super::ConfigError;
use crate::proto::{ModelConfig, dynamic};

/// The most bytes of a configuration.
pub(crate) const MOST_BYTES: usize = 1 << 20;
/// How deep messages may be in each other. The schema needs 7.
const MOST_DEPTH: usize = 16;

/// The configuration of this `config.pbtxt`.
pub(crate) fn of_text(bytes: &[u8]) -> Result<ModelConfig, ConfigError> {
    check_size(bytes.len())?;
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = before.split(|byte| *byte == b'\n').count();
        ConfigError::NotText { line }
    })?;
    let text = prepared(text)?;
    let message = parse(&text).map_err(|reason| ConfigError::Syntax {
        line: line_of(&text, &reason),
        reason,
    })?;
    typed(&message)
}

/// The configuration of this JSON text.
pub(crate) fn of_json(text: &str) -> Result<ModelConfig, ConfigError> {
    check_size(text.len())?;
    let wrong = |error: serde_json::Error| ConfigError::Json(error.to_string());
    let mut reader = serde_json::Deserializer::from_str(text);
    let message = empty()?
        .descriptor_of()
        .deserialize(&mut reader)
        .map_err(wrong)?;
    reader.end().map_err(wrong)?;
    typed(&message)
}

/// A configuration as `config.pbtxt` has it.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn to_text(config: &ModelConfig) -> Result<String, ConfigError> {
    let mut message = empty()?;
    // What was a message of this kind is one.
    message.transcode_from(config).ok();
    Ok(message.to_text_format())
}

trait Described {
    fn descriptor_of(&self) -> prost_reflect::MessageDescriptor;
}

impl Described for DynamicMessage {
    fn descriptor_of(&self) -> prost_reflect::MessageDescriptor {
        prost_reflect::ReflectMessage::descriptor(self)
    }
}

const fn check_size(bytes: usize) -> Result<(), ConfigError> {
    if bytes <= MOST_BYTES {
        return Ok(());
    }
    Err(ConfigError::TooLarge {
        bytes,
        limit: MOST_BYTES,
    })
}

/// The text with a colon before each list, which people leave out and the reader wants. Counts what is open too, since
/// the reader would go as deep as the text does.
fn prepared(text: &str) -> Result<String, ConfigError> {
    let mut out = String::with_capacity(text.len() + 64);
    let (mut depth, mut line) = (0_usize, 1);
    let mut last = ' ';
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '{' | '<' | '[' => depth += 1,
            '}' | '>' | ']' => depth = depth.saturating_sub(1),
            '\n' => line += 1,
            _ => {}
        }
        if depth > MOST_DEPTH {
            let reason = format!("messages are more than {MOST_DEPTH} deep in each other");
            return Err(ConfigError::Syntax { line, reason });
        }
        let is_named = last.is_ascii_alphanumeric() || last == '_';
        if character == '[' && is_named {
            out.push(':');
        }
        out.push(character);
        if !character.is_whitespace() && character != '#' {
            last = character;
        }
        // What is not read as it stands is taken over whole.
        let quote = match character {
            '#' => None,
            '"' | '\'' => Some(character),
            _ => continue,
        };
        while let Some(inner) = characters.next() {
            out.push(inner);
            match inner {
                '\\' if quote.is_some() => out.extend(characters.next()),
                '\n' => {
                    line += 1;
                    break;
                }
                inner if Some(inner) == quote => break,
                _ => {}
            }
        }
    }
    Ok(out)
}

fn parse(text: &str) -> Result<DynamicMessage, String> {
    let mut message = empty().map_err(|error| error.to_string())?;
    let parsed = message.merge_text_format(text);
    parsed.map_err(|error| error.to_string())?;
    Ok(message)
}

/// The line that is at fault: with it, and not without it, the text fails for this reason.
fn line_of(text: &str, reason: &str) -> usize {
    if reason.ends_with("end of input") {
        return text.lines().count();
    }
    let ends: Vec<usize> = text.match_indices('\n').map(|(end, _)| end + 1).collect();
    let is_before = |end: &usize| {
        let beginning = text.get(..*end).unwrap_or(text);
        parse(beginning).map_or_else(|other| other != reason, |_| true)
    };
    ends.partition_point(is_before) + 1
}

fn empty() -> Result<DynamicMessage, ConfigError> {
    // The schema is the program's own, and has it.
    dynamic::<ModelConfig>().ok_or_else(|| ConfigError::Json("there is no schema".to_owned()))
}

fn typed(message: &DynamicMessage) -> Result<ModelConfig, ConfigError> {
    let typed = message.transcode_to();
    typed.map_err(|error| ConfigError::Json(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let text = "name: \"m\" # { not open\nmax_batch_size: 4\ninput [ { name: 'x' data_type: TYPE_FP32 dims: [ -1, 3 ] } ]\n";
        let config = of_text(text.as_bytes()).unwrap();
        assert_eq!((config.name.as_str(), config.max_batch_size), ("m", 4));
        assert_eq!(config.input[0].dims, [-1, 3]);
        assert_eq!(
            of_text(to_text(&config).unwrap().as_bytes()).unwrap(),
            config
        );
        let json = r#"{"name":"m","max_batch_size":4,"input":[{"name":"x","data_type":"TYPE_FP32","dims":["-1",3]}]}"#;
        assert_eq!(of_json(json).unwrap(), config);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        let check = |text: &str, expected: &str| {
            let error = of_text(text.as_bytes()).unwrap_err().to_string();
            assert_eq!(error, expected, "{text}");
        };
        let unknown = "line 2: field 'max_batch' not found for message 'inference.ModelConfig'";
        check("name: \"m\"\nmax_batch: 3\nbackend: 'x'\n", unknown);
        check(
            "name: \"a\"\n\n\nname: \"b\"",
            "line 4: 'name' is already set",
        );
        check(
            "input {\n name: 3\n}\n",
            "line 2: expected a string, but found '3'",
        );
        check(
            "input {\n name: 'x'\n",
            "line 2: expected '}' or a field name, but reached end of input",
        );
        check(
            "\nmax_batch_size: 99999999999\n",
            "line 2: expected value to be a signed 32-bit integer, but the value 99999999999 is out of range",
        );
    }

    #[test]
    fn size_and_depth_are_bounded() {
        let deep = "[x/inference.ModelConfig] {".repeat(30_000);
        let error = of_text(deep.as_bytes()).unwrap_err().to_string();
        assert_eq!(
            error,
            "line 1: messages are more than 16 deep in each other"
        );
        let long = vec![b' '; MOST_BYTES + 1];
        assert!(matches!(of_text(&long), Err(ConfigError::TooLarge { .. })));
        let error = of_text(b"name: 'a'\n\xff").unwrap_err().to_string();
        assert_eq!(error, "line 2 is not UTF-8");
        let nested = format!("{}1{}", "[".repeat(1000), "]".repeat(1000));
        assert!(of_json(&format!(r#"{{"input":{nested}}}"#)).is_err());
    }
}
