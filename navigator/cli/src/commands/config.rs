//! `nav config show`: every option of a command, its value, and where it comes from.

use std::ffi::OsStr;
use std::path::Path;

use clap::{Args, Command, CommandFactory, Subcommand};
use serde::Serialize;

use crate::args::Cli;
use crate::config::{Layered, Source, config_file, layered, user_commands};
use crate::environment;
use crate::exit::UsageError;
use crate::printer::Printer;
use crate::render;

/// The arguments of `nav config`.
#[derive(Args, Debug)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Tell every option of a command, its value, and where it comes from.
    Show(ShowArgs),
}

#[derive(Args, Debug)]
struct ShowArgs {
    /// The command, as it would be typed, with any of its options.
    #[arg(required = true, num_args = 1.., trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// The version of the JSON that is printed.
const SCHEMA: u32 = 1;

#[derive(Debug, Serialize)]
struct Shown {
    schema: u32,
    command: String,
    file: Option<String>,
    options: Vec<ShownOption>,
}

/// An option with its value.
#[derive(Debug, Serialize)]
pub(crate) struct ShownOption {
    /// Its name on the command line and in the file.
    pub(crate) option: String,
    /// Its values; none where it is left to the program.
    pub(crate) values: Vec<String>,
    /// Where they come from.
    pub(crate) source: String,
    /// The variable that sets it.
    pub(crate) variable: String,
}

/// Reads the command line that was given, and tells its layers. A file that was named before it is as if it were named
/// in it.
pub(crate) fn run(args: &ConfigArgs, named: Option<&Path>) -> anyhow::Result<()> {
    let Action::Show(args) = &args.action;
    // What a command must be given is no matter here.
    let program = Cli::command()
        .mut_subcommands(|command| command.mut_args(|argument| argument.required(false)));
    let name = args.command.first().map(String::as_str).unwrap_or_default();
    let known = || user_commands(&program);
    let Some(command) = known().find(|command| command.get_name() == name) else {
        let all: Vec<&str> = known().map(Command::get_name).collect();
        let text = format!("there is no command `{name}`; there are {}", all.join(", "));
        return Err(UsageError(text).into());
    };
    let mut typed = vec![OsStr::new("nav")];
    typed.extend(
        named
            .iter()
            .flat_map(|path| [OsStr::new("--config"), path.as_os_str()]),
    );
    typed.extend(args.command.iter().map(OsStr::new));
    let matches = program.clone().try_get_matches_from(typed);
    let matches = matches.map_err(|error| UsageError(error.to_string()))?;
    let Some((_, own)) = matches.subcommand() else {
        return Err(UsageError(format!("`{name}` is no command")).into());
    };
    let file = config_file(&program, own)?;
    let layers = layered(&program, (command, own), file.as_ref(), &environment::named)?;
    let path = file.map(|file| file.path.display().to_string());
    let options: Vec<ShownOption> = layers
        .into_iter()
        .map(|layer| shown(layer, path.as_deref().unwrap_or_default()))
        .collect();
    if args.json {
        Printer::json(&Shown {
            schema: SCHEMA,
            command: name.to_owned(),
            file: path,
            options,
        })?;
    } else {
        Printer::data(&render::options(&options))?;
    }
    Ok(())
}

fn shown(layer: Layered, file: &str) -> ShownOption {
    let source = match layer.source {
        Source::Flag => "flag".to_owned(),
        Source::Environment => layer.option.variable.clone(),
        Source::File(line) => format!("{file}, line {line}"),
        Source::Default => "default".to_owned(),
    };
    ShownOption {
        option: layer.option.name,
        values: layer.values,
        source,
        variable: layer.option.variable,
    }
}
