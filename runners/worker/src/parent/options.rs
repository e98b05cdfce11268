//! How a child is started and how much patience its parent has.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// The variables a child keeps from its parent's environment; every other is taken away. They say which
/// devices there are, where caches and temporary files go, and how text is shown. Search paths for
/// libraries and preloaded ones are not among them: libraries are opened by absolute path only.
pub const INHERITED_ENVIRONMENT: &[&str] = &[
    "CUDA_CACHE_PATH",
    "CUDA_DEVICE_ORDER",
    "CUDA_MODULE_LOADING",
    "CUDA_VISIBLE_DEVICES",
    "HOME",
    "LANG",
    "LC_ALL",
    "NAV_CUDA_DRIVER",
    "NVIDIA_VISIBLE_DEVICES",
    "PATH",
    "RUST_BACKTRACE",
    "TMPDIR",
    "TZ",
    "XDG_CACHE_HOME",
];

/// What every child is told besides. ONNX Runtime from 1.31 on keeps a record of what it is used for in the user's cache, and sends
/// it to its maker, unless this forbids it before the library is opened.
pub const SET_ENVIRONMENT: &[(&str, &str)] = &[("ORT_DISABLE_TELEMETRY", "1")];

/// Where the system's loader looks for libraries that a program is linked to, before it looks anywhere else.
const LIBRARY_FOLDERS: &str = "LD_LIBRARY_PATH";

/// The program that is the child.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerCommand {
    /// The executable, by absolute path.
    pub program: PathBuf,
    /// What it is told: `__worker` for `nav` itself.
    pub arguments: Vec<OsString>,
    /// The folder with the vendor's libraries that the program is linked to, by absolute path. The only one that the system's
    /// loader is told of.
    pub library_folder: Option<PathBuf>,
}

impl WorkerCommand {
    /// A program that is a worker whatever it is told.
    pub const fn new(program: PathBuf) -> Self {
        Self {
            program,
            arguments: Vec::new(),
            library_folder: None,
        }
    }

    /// The same with the libraries that the program is linked to in this folder.
    #[must_use]
    pub fn with_library_folder(mut self, folder: PathBuf) -> Self {
        self.library_folder = Some(folder);
        self
    }

    /// The same with one more argument.
    #[must_use]
    pub fn with_argument(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// The process, not started yet, with no more of this one's environment than it needs.
    pub fn to_process(&self) -> Command {
        // Handed on as they are, and never looked at.
        let kept = std::env::vars_os().filter(|(name, _)| {
            INHERITED_ENVIRONMENT
                .iter()
                .any(|inherited| name == inherited)
        });
        let mut process = Command::new(&self.program);
        process
            .args(&self.arguments)
            .env_clear()
            .envs(kept)
            .envs(SET_ENVIRONMENT.iter().copied());
        if let Some(folder) = &self.library_folder {
            process.env(LIBRARY_FOLDERS, folder);
        }
        process
    }
}

/// How long things may take, and how large they may get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkerOptions {
    /// From the start of the child until its model is loaded, and for opening a session.
    pub load_deadline: Duration,
    /// From a request to its answer. A child that takes longer is killed.
    pub run_deadline: Duration,
    /// How long a child may take to end by itself, once it is not needed or has closed a connection.
    pub shutdown_grace: Duration,
    /// How long to wait before a lost child is started again. Doubles with each loss in a row.
    pub first_backoff: Duration,
    /// The longest such wait.
    pub longest_backoff: Duration,
    /// The most memory that the outputs of one run may take, as the child asks for it.
    pub output_limit: usize,
}

impl Default for WorkerOptions {
    fn default() -> Self {
        Self {
            load_deadline: Duration::from_mins(5),
            run_deadline: Duration::from_mins(1),
            shutdown_grace: Duration::from_secs(5),
            first_backoff: Duration::from_millis(100),
            longest_backoff: Duration::from_secs(30),
            output_limit: 4 << 30,
        }
    }
}

impl WorkerOptions {
    /// How long to wait after this many losses in a row.
    pub(super) fn backoff(&self, losses: u32) -> Duration {
        let doublings = losses.saturating_sub(1).min(31);
        let wait = self.first_backoff.saturating_mul(1 << doublings);
        wait.min(self.longest_backoff)
    }
}

/// A duration for people: `5 s`, `1.5 s`, `200 ms`.
pub(super) fn for_people(duration: Duration) -> String {
    if duration < Duration::from_secs(1) {
        format!("{} ms", duration.as_millis())
    } else if duration.subsec_millis() == 0 {
        format!("{} s", duration.as_secs())
    } else {
        format!("{:.1} s", duration.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_its_limit() {
        let options = WorkerOptions {
            first_backoff: Duration::from_millis(100),
            longest_backoff: Duration::from_secs(1),
            ..WorkerOptions::default()
        };
        let waits: Vec<_> = [0, 1, 2, 3, 4, 5, 99]
            .map(|losses| options.backoff(losses).as_millis())
            .into();
        assert_eq!(waits, [100, 100, 200, 400, 800, 1000, 1000]);
    }

    #[test]
    fn durations_read_well() {
        let check = |milliseconds, expected: &str| {
            assert_eq!(for_people(Duration::from_millis(milliseconds)), expected);
        };
        check(5000, "5 s");
        check(200, "200 ms");
        check(1250, "1.2 s");
        check(90_000, "90 s");
    }
}
