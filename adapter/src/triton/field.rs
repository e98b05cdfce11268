//! The fields of a configuration: one table, of which the type, the way through the environment, the documentation and
//! the test that walks all of them are made.

use super::config::TritonConfig;
use super::error::ConfigError;
use super::value::Value;
use crate::environment::Environment;

/// What begins the variables of fields, the first one that is set counting.
pub(super) const PREFIXES: [&str; 2] = ["NAV_TRITON_CONFIG_", "PYTRITON_TRITON_CONFIG_"];

/// A field.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it does here.
    pub effect: Effect,
    /// A text that its variable may have.
    pub example: &'static str,
    /// Whether there are several variables for it, with `_0`, `_1` and so on behind their names.
    pub is_list: bool,
    pub(super) get: fn(&TritonConfig) -> Option<Vec<String>>,
    pub(super) fill: fn(&mut TritonConfig, &Environment) -> Result<(), ConfigError>,
}

/// What a field does here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// What it says.
    Honoured,
    /// Nothing, for this reason, which is told when it is set.
    Nothing(&'static str),
    /// To set it is an error, for this reason.
    Refused(&'static str),
}

impl Field {
    /// The values that it has, as texts, if it is set.
    pub fn texts(&self, config: &TritonConfig) -> Option<Vec<String>> {
        (self.get)(config)
    }
}

/// The value of a field in the environment.
pub(super) fn one<V: Value>(
    name: &str,
    environment: &Environment,
) -> Result<Option<V>, ConfigError> {
    for prefix in PREFIXES {
        let variable = format!("{prefix}{}", name.to_ascii_uppercase());
        if let Some(value) = environment.get(&variable) {
            return read(variable, value).map(Some);
        }
    }
    Ok(None)
}

/// The values of a field in the environment that has several.
pub(super) fn several<V: Value>(
    name: &str,
    environment: &Environment,
) -> Result<Option<Vec<V>>, ConfigError> {
    for prefix in PREFIXES {
        let variable = |index: usize| format!("{prefix}{}_{index}", name.to_ascii_uppercase());
        let mut values = Vec::new();
        while let Some(value) = environment.get(&variable(values.len())) {
            values.push(read(variable(values.len()), value)?);
        }
        if !values.is_empty() {
            return Ok(Some(values));
        }
    }
    Ok(None)
}

fn read<V: Value>(variable: String, value: &str) -> Result<V, ConfigError> {
    V::of_text(value).map_err(|expected| ConfigError::Variable {
        variable,
        value: value.to_owned(),
        expected,
    })
}
