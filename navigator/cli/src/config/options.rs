//! What can be configured: the options of the commands, as the command line defines them.

use clap::{Arg, ArgAction, Command};

use crate::environment::SHARED;

/// An option that a file or the environment may set.
#[derive(Clone, Debug)]
pub(crate) struct ConfigOption {
    /// Its name on the command line, without the dashes, and in the file.
    pub(crate) name: String,
    /// What the command line calls it within the program.
    pub(crate) id: String,
    /// The environment variable that sets it.
    pub(crate) variable: String,
    /// Whether it is there or not there, without a value.
    pub(crate) is_flag: bool,
    /// Whether it may be given several times.
    pub(crate) is_list: bool,
    /// What it is when nobody says.
    pub(crate) default: Option<String>,
    /// The options that cannot stand beside it.
    pub(crate) conflicts: Vec<String>,
}

/// Options that make no sense in a file: what they ask for is done at once, or they name the file itself.
const NOT_CONFIGURABLE: &[&str] = &["help", "version", "config"];

/// The commands that users type.
pub(crate) fn user_commands(program: &Command) -> impl Iterator<Item = &Command> {
    program
        .get_subcommands()
        .filter(|command| !command.is_hide_set())
}

/// The options of a command, or of all commands if none is given.
pub(crate) fn options_of(program: &Command, command: Option<&Command>) -> Vec<ConfigOption> {
    let owner = command.unwrap_or(program);
    let prefix = command.map(|command| format!("{}_", command.get_name()));
    let prefix = prefix.unwrap_or_default();
    owner
        .get_arguments()
        .filter(|argument| argument.is_global_set() == command.is_none())
        .filter_map(|argument| option(owner, argument, &prefix))
        .collect()
}

fn option(owner: &Command, argument: &Arg, prefix: &str) -> Option<ConfigOption> {
    let name = argument.get_long()?;
    if NOT_CONFIGURABLE.contains(&name) {
        return None;
    }
    let defaults = argument.get_default_values().iter();
    let defaults: Vec<String> = defaults
        .map(|value| value.to_string_lossy().into_owned())
        .collect();
    let conflicts = owner.get_arg_conflicts_with(argument);
    // What cannot stand beside this one cannot stand the other way round either.
    let reverse = owner.get_arguments().filter(|other| {
        let theirs = owner.get_arg_conflicts_with(other);
        theirs.iter().any(|one| one.get_id() == argument.get_id())
    });
    let mut conflicts: Vec<String> = conflicts
        .into_iter()
        .chain(reverse)
        .map(|other| other.get_id().to_string())
        .collect();
    conflicts.sort_unstable();
    conflicts.dedup();
    Some(ConfigOption {
        name: name.to_owned(),
        id: argument.get_id().to_string(),
        variable: variable(prefix, name),
        is_flag: matches!(argument.get_action(), ArgAction::SetTrue),
        is_list: matches!(argument.get_action(), ArgAction::Append),
        default: (!defaults.is_empty()).then(|| defaults.join(", ")),
        conflicts,
    })
}

fn variable(prefix: &str, name: &str) -> String {
    let shared = SHARED.iter().find(|(option, _)| *option == name);
    shared.map_or_else(
        || {
            format!("nav_{prefix}{name}")
                .replace('-', "_")
                .to_ascii_uppercase()
        },
        |(_, variable)| (*variable).to_owned(),
    )
}
