//! `nav optimize` as a user runs it, with ONNX Runtime where it is installed and without.

mod basics;
mod faults;
mod interrupts;
mod kills;
mod models;
mod native_code;

use std::path::PathBuf;
use std::process::Command;

use crate::nav::{Ended, Place};

/// Where ONNX Runtime is installed for this user: tests run in places of their own.
#[expect(
    clippy::disallowed_methods,
    reason = "only the environment knows where the user's runtimes are"
)]
fn onnxruntime() -> Option<PathBuf> {
    let folder = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let cache = folder("NAV_CACHE_FOLDER")
        .or_else(|| Some(folder("XDG_CACHE_HOME")?.join("nav")))
        .or_else(|| Some(folder("HOME")?.join(".cache/nav")))?;
    let runtime = nav_runners::VendorRuntime::Onnxruntime;
    let installed = cache
        .join("runtimes")
        .join(runtime.folder_name())
        .join("lib");
    let library = installed.join(runtime.main_library());
    let required = std::env::var("NAV_REQUIRE_RUNNERS").unwrap_or_default();
    assert!(
        library.is_file() || !required.contains("OnnxCPU"),
        "ONNX Runtime is not installed, and should be"
    );
    library.is_file().then_some(library)
}

/// `nav optimize` with these arguments and ONNX Runtime; nothing where that is not installed.
#[expect(
    clippy::print_stderr,
    reason = "a test that was not run is said, not hidden"
)]
fn command(place: &Place, arguments: &[&str]) -> Option<Command> {
    let Some(library) = onnxruntime() else {
        eprintln!("not run: ONNX Runtime is not installed");
        return None;
    };
    let mut command = place.command(&["optimize"]);
    command
        .arg("--library")
        .arg(format!("onnxruntime={}", library.display()))
        .args(arguments);
    Some(command)
}

/// Runs it to its end.
fn optimize(place: &Place, arguments: &[&str]) -> Option<Ended> {
    let output = command(place, arguments)?.output().unwrap();
    Some(Ended::of(&output))
}
