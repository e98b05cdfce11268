//! The file: TOML, options of all commands at its top, and a table for each command. Every name in it must be
//! one that the command line has.

use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};

use clap::Command;
use nav_package_format::file::{self, FileError};
use toml::de::{DeTable, DeValue};

use super::options::{ConfigOption, options_of, user_commands};

/// The most that a file may take.
const MOST: u64 = 1 << 20;

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// The file cannot be opened.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file cannot be read, or is no text.
    #[error("cannot read {path}: {reason}", path = .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// Something in the file is wrong.
    #[error("{path}, line {line}: {reason}", path = .path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// The line.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// An environment variable is wrong.
    #[error("{variable}: {reason}")]
    Variable {
        /// The variable.
        variable: String,
        /// What is wrong.
        reason: String,
    },
}

/// A value in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The command whose table it is in; none at the top.
    command: Option<String>,
    /// The option.
    name: String,
    /// Its values as they would be typed; none for a flag that is off.
    pub(crate) values: Vec<String>,
    /// The line that it is on.
    pub(crate) line: usize,
}

/// A file that was read.
#[derive(Debug)]
pub(crate) struct ConfigFile {
    /// Where it is.
    pub(crate) path: PathBuf,
    entries: Vec<Entry>,
}

impl ConfigFile {
    /// Reads the file at this path.
    pub(crate) fn read(path: &Path, program: &Command) -> Result<Self, ConfigError> {
        let (open, _) = file::open(path)?;
        let mut text = String::new();
        let unreadable = |reason: String| ConfigError::Unreadable {
            path: path.to_owned(),
            reason,
        };
        open.take(MOST + 1)
            .read_to_string(&mut text)
            .map_err(|error| unreadable(error.to_string()))?;
        if text.len() as u64 > MOST {
            return Err(unreadable(format!("it has more than {MOST} bytes")));
        }
        Self::parse(path, &text, program)
    }

    fn parse(path: &Path, text: &str, program: &Command) -> Result<Self, ConfigError> {
        let reader = Reader { path, text };
        let table = DeTable::parse(text).map_err(|error| {
            let at = error.span().unwrap_or_default();
            reader.wrong(&at, error.message().to_owned())
        })?;
        let mut entries = Vec::new();
        let everywhere = options_of(program, None);
        for (key, value) in table.get_ref() {
            let name: &str = key.get_ref();
            let command = user_commands(program).find(|command| command.get_name() == name);
            let (Some(command), DeValue::Table(table)) = (command, value.get_ref()) else {
                let option = reader.option(&everywhere, name, &key.span(), "all commands")?;
                entries.push(reader.entry(option, value.get_ref(), &value.span())?);
                continue;
            };
            let options = options_of(program, Some(command));
            for (key, value) in table {
                let name: &str = key.get_ref();
                let option = reader.option(&options, name, &key.span(), command.get_name())?;
                entries.push(Entry {
                    command: Some(command.get_name().to_owned()),
                    ..reader.entry(option, value.get_ref(), &value.span())?
                });
            }
        }
        Ok(Self {
            path: path.to_owned(),
            entries,
        })
    }

    /// What the file says of an option of a command, or of all commands if none is given.
    pub(crate) fn entry(&self, command: Option<&str>, option: &str) -> Option<&Entry> {
        self.entries
            .iter()
            .find(|entry| entry.command.as_deref() == command && entry.name == option)
    }
}

/// What is being read, to say where something is wrong.
struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
}

impl Reader<'_> {
    fn wrong(&self, at: &Range<usize>, reason: String) -> ConfigError {
        ConfigError::Wrong {
            path: self.path.to_owned(),
            line: self.line(at),
            reason,
        }
    }

    fn line(&self, at: &Range<usize>) -> usize {
        let before = self.text.as_bytes().iter().take(at.start);
        1 + before.filter(|byte| **byte == b'\n').count()
    }

    fn option<'o>(
        &self,
        options: &'o [ConfigOption],
        name: &str,
        at: &Range<usize>,
        whose: &str,
    ) -> Result<&'o ConfigOption, ConfigError> {
        let found = options.iter().find(|option| option.name == name);
        found.ok_or_else(|| {
            let names: Vec<&str> = options.iter().map(|option| option.name.as_str()).collect();
            let reason = format!(
                "`{name}` is no option of {whose}; there are {}",
                names.join(", ")
            );
            self.wrong(at, reason)
        })
    }

    fn entry(
        &self,
        option: &ConfigOption,
        value: &DeValue<'_>,
        at: &Range<usize>,
    ) -> Result<Entry, ConfigError> {
        let wrong = |wanted: &str| {
            let found = value.type_str();
            self.wrong(at, format!("`{}` is {wanted}, not {found}", option.name))
        };
        let values = match value {
            DeValue::Boolean(on) if option.is_flag => {
                on.then(|| "true".to_owned()).into_iter().collect()
            }
            _ if option.is_flag => return Err(wrong("true or false")),
            DeValue::Array(items) if option.is_list => {
                let typed: Option<Vec<String>> =
                    items.iter().map(|item| typed(item.get_ref())).collect();
                typed.ok_or_else(|| wrong("a list of texts or numbers"))?
            }
            other => vec![typed(other).ok_or_else(|| wrong("a text or a number"))?],
        };
        Ok(Entry {
            command: None,
            name: option.name.clone(),
            values,
            line: self.line(at),
        })
    }
}

/// A value as it would be typed.
fn typed(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) if number.radix() == 10 => Some(number.as_str().to_owned()),
        DeValue::Float(number) => Some(number.as_str().to_owned()),
        DeValue::Boolean(value) => Some(value.to_string()),
        _ => None,
    }
}
