//! The command line: what can be typed. Each command's own arguments are in the file of that command.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::commands::{
    config, doctor, infer, inspect, keygen, optimize, perf, report, runtime, serve, show, sign,
    step, unpack, verify,
};
use crate::environment::VARIABLES;
use crate::exit::Exit;

/// Optimise models, prove them, package them, run them.
#[derive(Debug, Parser)]
#[command(name = "nav", version, after_help = after_help(), max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What can be said with every command.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Everywhere")]
pub(crate) struct GlobalArgs {
    /// Options that need not be typed, as TOML [nav/nav.toml in the user's configuration folder].
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Never download anything.
    #[arg(long, global = true)]
    pub(crate) offline: bool,
    /// Say nothing but errors and data.
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// Folder for runtimes and caches.
    #[arg(long, global = true, value_name = "FOLDER")]
    pub(crate) cache_folder: Option<PathBuf>,
    /// Use a vendor library that is on this machine: its file, or the folder it is in.
    #[arg(long, global = true, value_name = "NAME=PATH")]
    pub(crate) library: Vec<String>,
    /// Use this executable for a vendor runner.
    #[arg(long, global = true, value_name = "NAME=PATH")]
    pub(crate) worker: Vec<String>,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Tell which runners work on this host, and what mends the others.
    Doctor(doctor::DoctorArgs),
    /// List, install or remove vendor libraries.
    Runtime(runtime::RuntimeArgs),
    /// Tell what is inside a model, without loading it.
    Inspect(inspect::InspectArgs),
    /// Run a model once, on one runner.
    Infer(Box<infer::InferArgs>),
    /// Find the best way to run a model on this host, and prove it.
    Optimize(Box<optimize::OptimizeArgs>),
    /// Serve models over HTTP and gRPC, as Triton's clients expect it.
    Serve(Box<serve::ServeArgs>),
    /// Measure a model under load: on any server of the KServe v2 protocol, or in this process.
    Perf(Box<perf::PerfArgs>),
    /// Tell what a package holds, how its variants did, and which one to take.
    Show(show::ShowArgs),
    /// Write all that a package says as one page of HTML.
    Report(report::ReportArgs),
    /// Check every byte of a package, who signed it, and whether it would be loaded here.
    Verify(Box<verify::VerifyArgs>),
    /// Write the files of a package into a new folder.
    Unpack(unpack::UnpackArgs),
    /// Make a pair of keys to sign packages with.
    Keygen(keygen::KeygenArgs),
    /// Sign a package.
    Sign(sign::SignArgs),
    /// Tell the options of a command and where each value comes from.
    Config(config::ConfigArgs),
    /// Do one step of an optimization.
    #[command(name = "__step", hide = true)]
    Step(step::StepArgs),
    /// Measure a model as it would be served.
    #[command(name = "__serving", hide = true)]
    Serving,
    /// Serve a model to a parent process over standard input.
    #[command(name = "__worker", hide = true)]
    Worker,
}

fn after_help() -> String {
    let codes = Exit::ALL
        .iter()
        .map(|exit| format!("  {}  {}", exit.code(), exit.meaning()));
    let codes: Vec<String> = codes.collect();
    let variables = VARIABLES
        .iter()
        .map(|variable| format!("  {:<17} {}", variable.name, variable.meaning));
    let variables: Vec<String> = variables.collect();
    format!(
        "Exit codes:\n  0  done\n{}\n\nEnvironment (flags win, and it wins over the configuration file):\n{}",
        codes.join("\n"),
        variables.join("\n")
    )
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
