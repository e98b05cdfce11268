//! The columns of the matrix: each runner, in each way it can be run, and whether it works here.

use std::ffi::OsStr;
use std::fmt;
use std::path::PathBuf;

use nav_package_format::{Device, Format};
use nav_runners::{Libraries, Probe, RUNNERS, Runner, VendorRuntime};
use nav_worker::{Isolated, WorkerCommand, all_runners};

use crate::environment;
use crate::staged::Staged;

/// What makes this executable a worker.
pub(crate) const WORKER_ARGUMENT: &str = "__worker";

/// Where a runner runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// In the process of the tests.
    InProcess,
    /// In a process of its own.
    Worker,
}

/// The formats that the suites' graphs are written in.
const WRITTEN: &[Format] = &[Format::Onnx, Format::TorchScript];

/// The last part of the names of tests that ask whether a runner works at all.
pub(crate) const PROBE: &str = "probe";

impl Mode {
    /// The mode of a cell that is only there because its runner works.
    fn of_cell(name: &str) -> Option<Self> {
        let mut parts = name.split("::").skip(1);
        let (mode, of_column) = (parts.next()?, parts.next()?);
        let modes = [Self::InProcess, Self::Worker].into_iter();
        let mut modes = modes.filter(|_| of_column != PROBE);
        modes.find(|known| known.to_string() == mode)
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::InProcess => "in-process",
            Self::Worker => "worker",
        })
    }
}

/// A runner, run in one way.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    /// The runner, or the same behind a worker.
    pub(crate) runner: &'static dyn Runner,
    /// Where it runs.
    pub(crate) mode: Mode,
    /// Whether it works here.
    pub(crate) state: State,
    /// Where vendor libraries are.
    pub(crate) libraries: Libraries,
}

/// Whether a column can be filled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It can, on this device.
    Ready { version: String, device: Device },
    /// It works, but reads no models that the suites have.
    OtherFormats(String),
    /// It does not work here.
    Missing(String),
}

impl Column {
    /// `OnnxCPU::worker`.
    pub(crate) fn name(&self) -> String {
        format!("{}::{}", self.runner.name(), self.mode)
    }

    /// Whether it is TensorRT, and its library one that computes on the processor: a file beside that says what it pretends to be.
    pub(crate) fn is_double(&self) -> bool {
        let library = self.libraries.find(VendorRuntime::Tensorrt);
        let is_there = |library: PathBuf| library.with_file_name("double.conf").exists();
        self.runner.name() == "TensorRT" && library.is_ok_and(is_there)
    }

    fn new(runner: &'static dyn Runner, mode: Mode, probe: Probe, libraries: &Libraries) -> Self {
        let formats = runner.formats();
        let state = match probe {
            Probe::Missing {
                reason,
                how_to_get_it,
            } => State::Missing(format!("{reason} ({how_to_get_it})")),
            Probe::Ready { .. } if !formats.iter().any(|format| WRITTEN.contains(format)) => {
                let formats: Vec<String> = formats.iter().map(Format::to_string).collect();
                State::OtherFormats(format!("reads {} only", formats.join(", ")))
            }
            Probe::Ready {
                version, devices, ..
            } => State::Ready {
                version,
                device: devices.first().copied().unwrap_or_default(),
            },
        };
        Self {
            runner,
            mode,
            state,
            libraries: libraries.clone(),
        }
    }
}

/// Every column, or the one that the cell of this name is in.
pub(crate) fn columns(cell: Option<&str>) -> Vec<Column> {
    let libraries = environment::libraries();
    all_runners()
        .chain([&Staged as &'static dyn Runner])
        .filter(|runner| cell.is_none_or(|cell| cell.starts_with(&format!("{}::", runner.name()))))
        .flat_map(|runner| columns_of(runner, cell, &libraries))
        .collect()
}

fn columns_of(
    runner: &'static dyn Runner,
    cell: Option<&str>,
    libraries: &Libraries,
) -> Vec<Column> {
    let column = |runner, mode, probe| Column::new(runner, mode, probe, libraries);
    if runner.name() == Staged.name() {
        // No worker knows it.
        return vec![column(runner, Mode::InProcess, runner.probe(libraries))];
    }
    if !RUNNERS.iter().any(|known| known.name() == runner.name()) {
        // An executable of its own is a worker already.
        return vec![column(runner, Mode::Worker, runner.probe(libraries))];
    }
    let isolated: &'static dyn Runner = match isolated(runner) {
        // There are as many of these as there are runners, and they are needed to the end.
        Ok(isolated) => Box::leak(Box::new(isolated)),
        Err(missing) => return vec![column(runner, Mode::Worker, missing)],
    };
    // Cells have their names from a list that was made where the runner worked.
    match cell.and_then(Mode::of_cell) {
        Some(Mode::InProcess) => {
            return vec![column(runner, Mode::InProcess, runner.probe(libraries))];
        }
        Some(Mode::Worker) => {
            return vec![column(isolated, Mode::Worker, isolated.probe(libraries))];
        }
        None => {}
    }
    let in_worker = isolated.probe(libraries);
    // A library that is of no use stays out of this process, which can hold only one build of it.
    let here = match &in_worker {
        Probe::Ready { .. } => runner.probe(libraries),
        missing @ Probe::Missing { .. } => missing.clone(),
    };
    vec![
        column(runner, Mode::InProcess, here),
        column(isolated, Mode::Worker, in_worker),
    ]
}

fn isolated(runner: &'static dyn Runner) -> Result<Isolated, Probe> {
    let program = std::env::current_exe().map_err(|error| Probe::Missing {
        reason: format!("this program does not know where it is: {error}"),
        how_to_get_it: "run it from where it was built".to_owned(),
    })?;
    let command = WorkerCommand::new(program).with_argument(OsStr::new(WORKER_ARGUMENT));
    Ok(Isolated::new(runner, command))
}
