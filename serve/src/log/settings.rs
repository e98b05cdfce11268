//! What is told, as clients may ask and, where they may, change it.

use super::Level;
use crate::refusal::{Refusal, RefusalKind};

/// What is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogSettings {
    /// Whether information is told.
    pub info: bool,
    /// Whether warnings are told.
    pub warning: bool,
    /// Whether errors are told.
    pub error: bool,
    /// How much more is told; 0 for nothing.
    pub verbose: u32,
    /// How times are told in lines for people.
    pub format: TimeFormat,
}

/// How times are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimeFormat {
    /// `I1121 14:12:07.123456`, as this protocol's clients know it.
    #[default]
    Default,
    /// `2026-11-21T14:12:07.123456Z I`.
    Iso8601,
}

/// A setting's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SettingValue {
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Uint(u32),
    /// A text.
    Text(String),
}

impl Default for LogSettings {
    fn default() -> Self {
        Self {
            info: true,
            warning: true,
            error: true,
            verbose: 0,
            format: TimeFormat::Default,
        }
    }
}

impl LogSettings {
    /// Nothing is told.
    pub(crate) const fn silent() -> Self {
        Self {
            info: false,
            warning: false,
            error: false,
            verbose: 0,
            format: TimeFormat::Default,
        }
    }

    pub(super) const fn tells(self, level: Level) -> bool {
        match level {
            Level::Error => self.error,
            Level::Warning => self.warning,
            Level::Info => self.info,
            Level::Verbose => self.verbose > 0,
        }
    }

    /// Every setting by its name.
    pub(crate) fn told(self) -> [(&'static str, SettingValue); 6] {
        let format = match self.format {
            TimeFormat::Default => "default",
            TimeFormat::Iso8601 => "ISO8601",
        };
        [
            // It goes where the operator lets it go, which is told to nobody.
            ("log_file", SettingValue::Text(String::new())),
            ("log_info", SettingValue::Bool(self.info)),
            ("log_warning", SettingValue::Bool(self.warning)),
            ("log_error", SettingValue::Bool(self.error)),
            ("log_verbose_level", SettingValue::Uint(self.verbose)),
            ("log_format", SettingValue::Text(format.to_owned())),
        ]
    }

    pub(super) fn set(&mut self, name: &str, value: SettingValue) -> Result<(), Refusal> {
        match name {
            "log_file" => {
                return Err(Refusal::new(
                    RefusalKind::Unsupported,
                    "log file location can not be updated through network protocol",
                ));
            }
            "log_info" => self.info = boolean(&value)?,
            "log_warning" => self.warning = boolean(&value)?,
            "log_error" => self.error = boolean(&value)?,
            "log_verbose_level" => {
                let SettingValue::Uint(level) = value else {
                    return Err(kind("unsigned-integer"));
                };
                self.verbose = level;
            }
            "log_format" => {
                let SettingValue::Text(name) = value else {
                    return Err(kind("string"));
                };
                self.format = match name.as_str() {
                    "default" => TimeFormat::Default,
                    "ISO8601" => TimeFormat::Iso8601,
                    _ => return Err(Refusal::invalid("log_format is default or ISO8601")),
                };
            }
            _ => return Err(Refusal::invalid("there is no such log setting")),
        }
        Ok(())
    }
}

fn boolean(value: &SettingValue) -> Result<bool, Refusal> {
    match value {
        SettingValue::Bool(value) => Ok(*value),
        _ => Err(kind("boolean")),
    }
}

fn kind(expected: &str) -> Refusal {
    Refusal::invalid(format!(
        "attempt to access JSON non-{expected} as {expected}"
    ))
}
