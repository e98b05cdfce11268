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

fn main() -> ExitCode {
    nav_worker::child::program(RUNNERS)
}
