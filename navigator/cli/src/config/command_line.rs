//! From what was typed to what is meant: the command line with what the environment and the file add to it.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{ArgMatches, Command, CommandFactory, FromArgMatches};

use super::file::{ConfigError, ConfigFile};
use super::layers::{Layered, Source, layered};
use super::options::user_commands;
use crate::args::Cli;
use crate::environment;

/// Why a command line means nothing.
#[derive(Debug)]
pub(crate) enum CommandLineError {
    /// What was typed, or what was added to it, is wrong. Prints itself.
    Typed(clap::Error),
    /// The file or a variable is wrong.
    Config(ConfigError),
}

impl From<ConfigError> for CommandLineError {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

/// Reads the command line with all its layers.
pub(crate) fn parse(arguments: Vec<OsString>) -> Result<Cli, CommandLineError> {
    let program = Cli::command();
    let look = |arguments: &[OsString]| {
        let matches = program.clone().try_get_matches_from(arguments);
        matches.map_err(CommandLineError::Typed)
    };
    let matches = look(&arguments)?;
    let added = additions(&program, &matches)?;
    let arguments = with(arguments, &added);
    let matches = look(&arguments).map_err(|error| told_whence(error, &added))?;
    Cli::from_arg_matches(&matches).map_err(CommandLineError::Typed)
}

/// The options of the command that was typed, with what decides each. Commands that users do not type have
/// none: what they need is handed to them.
fn additions(program: &Command, matches: &ArgMatches) -> Result<Vec<Layered>, ConfigError> {
    let Some((name, own)) = matches.subcommand() else {
        return Ok(Vec::new());
    };
    let Some(command) = user_commands(program).find(|command| command.get_name() == name) else {
        return Ok(Vec::new());
    };
    let file = config_file(program, own)?;
    layered(program, (command, own), file.as_ref(), &environment::named)
}

/// The file that was named, or the user's own if there is one. None is taken from the working directory:
/// it may name libraries to load.
pub(crate) fn config_file(
    program: &Command,
    matches: &ArgMatches,
) -> Result<Option<ConfigFile>, ConfigError> {
    let named = matches.get_one::<PathBuf>("config").cloned();
    let named = named.or_else(|| environment::value(&environment::CONFIG).map(PathBuf::from));
    let own = || {
        let folder = environment::user_config_folder()?;
        Some(folder.join("nav/nav.toml")).filter(|path| path.is_file())
    };
    let path = named.or_else(own);
    path.map(|path| ConfigFile::read(&path, program))
        .transpose()
}

/// Options are put before anything that is not one for sure.
fn with(arguments: Vec<OsString>, added: &[Layered]) -> Vec<OsString> {
    let end = arguments
        .iter()
        .position(|argument| argument == "--")
        .unwrap_or(arguments.len());
    let mut arguments = arguments;
    let rest = arguments.split_off(end);
    arguments.extend(added.iter().flat_map(Layered::to_arguments));
    arguments.extend(rest);
    arguments
}

/// A value that was not typed is told with where it comes from.
fn told_whence(error: CommandLineError, added: &[Layered]) -> CommandLineError {
    let CommandLineError::Typed(error) = error else {
        return error;
    };
    let text = error.to_string();
    let culprit = added.iter().find(|one| {
        let is_added = matches!(one.source, Source::Environment | Source::File(_));
        is_added && text.contains(&format!("'--{}", one.option.name))
    });
    let Some(culprit) = culprit else {
        return CommandLineError::Typed(error);
    };
    let whence = match culprit.source {
        Source::Environment => culprit.option.variable.clone(),
        _ => "the configuration file".to_owned(),
    };
    let text = format!("--{} comes from {whence}\n\n{text}", culprit.option.name);
    let kind = match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            return CommandLineError::Typed(error);
        }
        kind => kind,
    };
    CommandLineError::Typed(clap::Error::raw(kind, text))
}
