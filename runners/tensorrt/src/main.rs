//! `nav-runner-tensorrt`: the worker process that builds and runs engines with TensorRT. Started by `nav`, never by people.

mod build;
mod dtype;
mod engine_file;
mod memory;
mod model;
mod native;
mod ports;
mod profile;
mod runner;
mod session;
mod settings;
mod timing;

use std::process::ExitCode;

use nav_runners::Runner;

/// What this executable can run, under the names that `nav` knows.
const RUNNERS: &[&dyn Runner] = &[&runner::TensorRt];

fn main() -> ExitCode {
    nav_worker::child::program(RUNNERS)
}
