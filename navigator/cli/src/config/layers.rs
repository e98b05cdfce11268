//! The layers: what was typed, the environment, the file, and which one decides.

use std::ffi::{OsStr, OsString};

use clap::parser::ValueSource;
use clap::{ArgMatches, Command};

use super::file::{ConfigError, ConfigFile};
use super::options::{ConfigOption, options_of};

/// Where an option's value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// It was typed.
    Flag,
    /// The environment.
    Environment,
    /// The file, at this line.
    File(usize),
    /// Nobody said.
    Default,
}

/// An option with its value.
#[derive(Debug)]
pub(crate) struct Layered {
    /// The option.
    pub(crate) option: ConfigOption,
    /// Its values as they would be typed. A flag that is on has `true`.
    pub(crate) values: Vec<String>,
    /// Where they come from.
    pub(crate) source: Source,
}

impl Layered {
    /// What to add to the command line so that it is as if the option had been typed.
    pub(crate) fn to_arguments(&self) -> Vec<OsString> {
        if !matches!(self.source, Source::Environment | Source::File(_)) {
            return Vec::new();
        }
        let name = &self.option.name;
        let typed = |value: &String| {
            if self.option.is_flag {
                OsString::from(format!("--{name}"))
            } else {
                OsString::from(format!("--{name}={value}"))
            }
        };
        self.values.iter().map(typed).collect()
    }
}

/// Every option of a command, with what decides it. `variable` looks into the environment.
pub(crate) fn layered(
    program: &Command,
    (command, matches): (&Command, &ArgMatches),
    file: Option<&ConfigFile>,
    variable: &dyn Fn(&str) -> Option<OsString>,
) -> Result<Vec<Layered>, ConfigError> {
    let everywhere = options_of(program, None);
    let own = options_of(program, Some(command));
    let all = || everywhere.iter().chain(&own);
    let typed = |id: &str| matches.value_source(id) == Some(ValueSource::CommandLine);
    let mut layered: Vec<Layered> = Vec::new();
    for (position, option) in all().enumerate() {
        let owner = (position >= everywhere.len()).then(|| command.get_name());
        let values = |values: Vec<String>, source| Layered {
            option: option.clone(),
            values,
            source,
        };
        if typed(&option.id) {
            layered.push(values(raw(matches, option), Source::Flag));
        } else if let Some(text) = variable(&option.variable) {
            let read = from_environment(option, &text)?;
            layered.push(values(read, Source::Environment));
        } else if let Some(entry) = file.and_then(|file| file.entry(owner, &option.name)) {
            layered.push(values(entry.values.clone(), Source::File(entry.line)));
        } else {
            let default = option.default.clone().into_iter().collect();
            layered.push(values(default, Source::Default));
        }
    }
    drop_overruled(&mut layered);
    Ok(layered)
}

/// What was said nearer to the user overrules what cannot stand beside it.
fn drop_overruled(layered: &mut [Layered]) {
    let rank = |source: &Source| match source {
        Source::Flag => 3,
        Source::Environment => 2,
        Source::File(_) => 1,
        Source::Default => 0,
    };
    let said: Vec<(String, u8)> = layered
        .iter()
        .filter(|one| !one.values.is_empty())
        .map(|one| (one.option.id.clone(), rank(&one.source)))
        .collect();
    for one in layered {
        let own = rank(&one.source);
        let mut stronger = said.iter().filter(|(_, rank)| *rank > own);
        if own > 0 && stronger.any(|(id, _)| one.option.conflicts.contains(id)) {
            one.source = Source::Default;
            one.values = one.option.default.clone().into_iter().collect();
        }
    }
}

fn raw(matches: &ArgMatches, option: &ConfigOption) -> Vec<String> {
    if option.is_flag {
        return vec!["true".to_owned()];
    }
    let values = matches.get_raw(&option.id).into_iter().flatten();
    values
        .map(|value| value.to_string_lossy().into_owned())
        .collect()
}

/// A list is divided by commas; a flag is on for `1` and `true`, off for `0` and `false`.
fn from_environment(option: &ConfigOption, text: &OsStr) -> Result<Vec<String>, ConfigError> {
    let wrong = |reason: &str| ConfigError::Variable {
        variable: option.variable.clone(),
        reason: reason.to_owned(),
    };
    let text = text.to_str().ok_or_else(|| wrong("it is not UTF-8"))?;
    match text {
        "1" | "true" if option.is_flag => Ok(vec!["true".to_owned()]),
        "0" | "false" if option.is_flag => Ok(Vec::new()),
        _ if option.is_flag => Err(wrong("it is neither 1, true, 0 nor false")),
        _ if option.is_list => Ok(text.split(',').map(str::to_owned).collect()),
        _ => Ok(vec![text.to_owned()]),
    }
}
