//! The `nav` command: arguments to settings to command, errors to exit codes.

mod args;
mod commands;
mod config;
mod duration;
mod environment;
mod exit;
mod models;
mod printer;
mod render;
mod runner;
mod secret;
mod settings;
mod strategy;
mod trust;

use std::process::ExitCode;

use crate::args::{Cli, Command};
use crate::config::CommandLineError;
use crate::exit::Exit;
use crate::printer::Printer;
use crate::settings::Settings;

fn main() -> ExitCode {
    // Runtimes that this process opens itself are told what those of its children are.
    for (name, value) in nav_worker::parent::SET_ENVIRONMENT {
        // There is no other thread yet.
        let _is_set = nav_native::environment::set_while_alone(name, value);
    }
    let cli = match config::parse(std::env::args_os().collect()) {
        Ok(cli) => cli,
        Err(CommandLineError::Typed(error)) => {
            // Help is printed this way too. Nothing is left to do about a closed pipe.
            drop(error.print());
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(u8::MAX));
        }
        Err(CommandLineError::Config(error)) => {
            Printer::error(&format!("error: {error}"));
            return Exit::Usage.into();
        }
    };
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => exit::tell(&error).into(),
    }
}

fn run(cli: Cli) -> anyhow::Result<()> {
    let settings = Settings::resolve(&cli.global)?;
    let printer = Printer::new(settings.quiet);
    match cli.command {
        Command::Doctor(args) => commands::doctor::run(&args, &settings),
        Command::Runtime(args) => commands::runtime::run(&args, &settings, printer),
        Command::Inspect(args) => commands::inspect::run(&args),
        Command::Infer(args) => commands::infer::run(&args, &settings, printer),
        Command::Optimize(args) => commands::optimize::run(&args, &settings, printer),
        Command::Serve(args) => commands::serve::run(&args, &settings, printer),
        Command::Perf(args) => commands::perf::run(&args, &settings, printer),
        Command::Show(args) => commands::show::run(&args),
        Command::Report(args) => commands::report::run(&args, printer),
        Command::Verify(args) => commands::verify::run(&args, &settings, printer),
        Command::Unpack(args) => commands::unpack::run(&args, printer),
        Command::Keygen(args) => commands::keygen::run(&args, printer),
        Command::Sign(args) => commands::sign::run(&args, printer),
        Command::Config(args) => commands::config::run(&args, cli.global.config.as_deref()),
        Command::Step(args) => commands::step::run(&args),
        Command::Serving => commands::serving::run(),
        Command::Worker => commands::worker::run(),
    }
}

/// `nav ... | head` is no failure.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
        .any(|cause| cause.kind() == std::io::ErrorKind::BrokenPipe)
}
