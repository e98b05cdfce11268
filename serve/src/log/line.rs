//! One event as a line, for people or for programs.

use std::fmt::Write;
use std::time::SystemTime;

use super::Level;
use super::calendar::Moment;
use super::settings::TimeFormat;
use crate::wire::string;

/// How events are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs: an object on each line.
    Json,
}

/// An event.
pub(super) struct Line<'a> {
    pub(super) time: SystemTime,
    pub(super) level: Level,
    pub(super) event: &'a str,
    pub(super) fields: &'a [(&'a str, String)],
}

impl Line<'_> {
    pub(super) fn text(&self, format: LogFormat, times: TimeFormat) -> String {
        match format {
            LogFormat::Text => self.plain(times),
            LogFormat::Json => self.json(),
        }
    }

    fn plain(&self, times: TimeFormat) -> String {
        let letter = match self.level {
            Level::Error => 'E',
            Level::Warning => 'W',
            Level::Info | Level::Verbose => 'I',
        };
        let mut out = match times {
            TimeFormat::Default => letter.to_string(),
            TimeFormat::Iso8601 => String::new(),
        };
        let now = Moment::from(self.time);
        // A string takes whatever is written; so everywhere here.
        match times {
            TimeFormat::Default => write!(out, "{:02}{:02} ", now.month, now.day).ok(),
            TimeFormat::Iso8601 => {
                write!(out, "{:04}-{:02}-{:02}T", now.year, now.month, now.day).ok()
            }
        };
        clock(&mut out, now);
        if times == TimeFormat::Iso8601 {
            write!(out, "Z {letter}").ok();
        }
        write!(out, " {}", self.event).ok();
        for (name, value) in self.fields {
            let is_word = |character: char| character.is_alphanumeric() || is_plain(character);
            if value.chars().all(is_word) && !value.is_empty() {
                write!(out, " {name}={value}").ok();
            } else {
                // Whatever a client calls its request, it begins no line of its own.
                write!(out, " {name}={value:?}").ok();
            }
        }
        out
    }

    fn json(&self) -> String {
        let level = match self.level {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Info => "info",
            Level::Verbose => "verbose",
        };
        let now = Moment::from(self.time);
        let mut time = format!("{:04}-{:02}-{:02}T", now.year, now.month, now.day);
        clock(&mut time, now);
        let mut out = format!("{{\"time\":\"{time}Z\",\"level\":\"{level}\",\"event\":");
        string(&mut out, self.event);
        for (name, value) in self.fields {
            out.push(',');
            string(&mut out, name);
            out.push(':');
            string(&mut out, value);
        }
        out.push('}');
        visible(&out)
    }
}

/// What stands in a line for people as it is.
const fn is_plain(character: char) -> bool {
    character.is_ascii_graphic() && character != '"'
}

/// JSON with every character escaped that shows nothing but changes what is seen of others. They are in strings only.
fn visible(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for character in json.chars() {
        let is_hidden = character.is_control()
            || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
        if is_hidden {
            write!(out, "\\u{:04x}", u32::from(character)).ok();
        } else {
            out.push(character);
        }
    }
    out
}

fn clock(out: &mut String, now: Moment) {
    let Moment {
        hour,
        minute,
        second,
        microsecond,
        ..
    } = now;
    write!(out, "{hour:02}:{minute:02}:{second:02}.{microsecond:06}").ok();
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn events_are_one_line_in_every_format() {
        let fields = [("model", "a".to_owned()), ("why", "b c\n".to_owned())];
        let line = Line {
            time: SystemTime::UNIX_EPOCH + Duration::from_micros(1_795_270_327_000_042),
            level: Level::Warning,
            event: "loaded",
            fields: &fields,
        };
        let check = |format, times, expected| assert_eq!(line.text(format, times), expected);
        check(
            LogFormat::Text,
            TimeFormat::Default,
            r#"W1121 14:12:07.000042 loaded model=a why="b c\n""#,
        );
        check(
            LogFormat::Text,
            TimeFormat::Iso8601,
            r#"2026-11-21T14:12:07.000042Z W loaded model=a why="b c\n""#,
        );
        let hidden = [
            ("id", "a\u{202e}b\u{9b}2J\u{7f}".to_owned()),
            ("user", "grün".to_owned()),
        ];
        let line_of_hidden = Line {
            fields: &hidden,
            ..line
        };
        let check_hidden = |format, expected: &str| {
            let text = line_of_hidden.text(format, TimeFormat::Default);
            assert!(text.ends_with(expected), "{text}");
        };
        check_hidden(
            LogFormat::Text,
            r#" id="a\u{202e}b\u{9b}2J\u{7f}" user=grün"#,
        );
        check_hidden(
            LogFormat::Json,
            r#","id":"a\u202eb\u009b2J\u007f","user":"grün"}"#,
        );
        check(
            LogFormat::Json,
            TimeFormat::Default,
            r#"{"time":"2026-11-21T14:12:07.000042Z","level":"warning","event":"loaded","model":"a","why":"b c\n"}"#,
        );
    }
}
