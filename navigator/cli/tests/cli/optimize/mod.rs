//! `nav optimize` as a user runs it, with ONNX Runtime where it is installed and without.

mod basics;
mod faults;
mod interrupts;
mod kills;
mod models;
mod native_code;

use std::process::Command;

use crate::nav::{Ended, Place, onnxruntime};

/// `nav optimize` with these arguments and ONNX Runtime; nothing where that is not installed.
fn command(place: &Place, arguments: &[&str]) -> Option<Command> {
    let library = onnxruntime()?;
    let mut command = place.command(&["optimize"]);
    command.arg("--library").arg(library).args(arguments);
    Some(command)
}

/// Runs it to its end.
fn optimize(place: &Place, arguments: &[&str]) -> Option<Ended> {
    let output = command(place, arguments)?.output().unwrap();
    Some(Ended::of(&output))
}
