//! `nav-runner-torch`: the worker process that runs TorchScript with libtorch. Started by `nav`, never by people.

mod dtype;
mod memory;
mod model;
mod native;
mod outputs;
mod runner;
mod session;
mod settings;

use std::process::ExitCode;

use nav_runners::Runner;

/// What this executable can run, under the names that `nav` knows.
const RUNNERS: &[&dyn Runner] = &[&runner::TORCH_SCRIPT_CUDA, &runner::TORCH_SCRIPT_CPU];

#[expect(
    clippy::print_stderr,
    reason = "the last words of a process, which its parent hands on"
)]
fn main() -> ExitCode {
    match nav_worker::child::run(RUNNERS) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
