//! What the server says while it runs: one line for each event, for people or for programs.

use clap::ValueEnum;
use serde_json::{Map, Value};

use crate::printer::Printer;

/// How events are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// For programs: an object on each line.
    Json,
}

/// Where events go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Log {
    format: LogFormat,
    printer: Printer,
}

impl Log {
    pub(super) const fn new(format: LogFormat, printer: Printer) -> Self {
        Self { format, printer }
    }

    /// Says that something happened, and what there is to know of it.
    pub(super) fn event(self, event: &str, fields: &[(&str, String)]) {
        self.printer.note(&line(self.format, event, fields));
    }
}

fn line(format: LogFormat, event: &str, fields: &[(&str, String)]) -> String {
    match format {
        LogFormat::Text => {
            let fields = fields.iter().map(|(name, value)| {
                if value.contains(' ') {
                    format!(" {name}={value:?}")
                } else {
                    format!(" {name}={value}")
                }
            });
            std::iter::once(event.to_owned()).chain(fields).collect()
        }
        LogFormat::Json => {
            let first = ("event".to_owned(), Value::from(event));
            let fields = fields
                .iter()
                .map(|(name, value)| ((*name).to_owned(), Value::from(value.as_str())));
            let object: Map<String, Value> = std::iter::once(first).chain(fields).collect();
            Value::Object(object).to_string()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_one_line_in_either_format() {
        let fields = [("model", "a".to_owned()), ("why", "b c\n".to_owned())];
        let check = |format, expected| assert_eq!(line(format, "loaded", &fields), expected);
        check(LogFormat::Text, r#"loaded model=a why="b c\n""#);
        check(
            LogFormat::Json,
            r#"{"event":"loaded","model":"a","why":"b c\n"}"#,
        );
    }
}
