//! Where `nav runtime install` puts runtimes, by the same rules as in `nav` itself, and runners out of them.

use std::ffi::OsString;
use std::path::Path;

use nav_package_format::Format;
use nav_runners::onnx_cpu::OnnxCpu;
use nav_runners::{Libraries, LoadOptions, ModelFile, RunnerHandle};
use nav_worker::packaged::Home;

/// The libraries of this user.
pub fn libraries() -> Libraries {
    let home = match value("NAV_CACHE_FOLDER") {
        Some(folder) => Home::at(Path::new(&folder)).ok(),
        None => Home::of_user(value("XDG_CACHE_HOME"), value("HOME")),
    };
    home.as_ref().map(Home::libraries).unwrap_or_default()
}

/// A runner for this ONNX model on the processor, with so many threads or as many as it takes by itself.
pub fn onnx(path: &Path, threads: Option<usize>) -> RunnerHandle {
    let mut options = LoadOptions {
        libraries: libraries(),
        ..LoadOptions::default()
    };
    options.settings.intra_threads = threads;
    let model = ModelFile {
        path: path.to_owned(),
        format: Format::Onnx,
    };
    RunnerHandle::new(Box::new(OnnxCpu), model, options)
}

#[expect(
    clippy::disallowed_methods,
    reason = "a bench has no settings of its own to be told by"
)]
fn value(variable: &str) -> Option<OsString> {
    std::env::var_os(variable).filter(|value| !value.is_empty())
}
