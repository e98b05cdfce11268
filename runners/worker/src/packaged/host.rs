//! What variants need of this host.

use std::sync::Arc;

use nav_package_format::cache::Cache;
use nav_runners::{Libraries, Runner};

use crate::parent::{WorkerCommand, hosted};

/// What variants need of this host.
#[derive(Clone, Debug)]
pub struct Host {
    /// Where models are extracted to.
    pub cache: Arc<Cache>,
    /// Where vendor libraries are.
    pub libraries: Libraries,
    /// What starts the processes that models are to run in, if they are to run in processes of their own.
    pub worker: Option<WorkerCommand>,
}

impl Host {
    /// The runner itself, or the same in a process of its own.
    pub fn hosted(&self, runner: &'static dyn Runner) -> Box<dyn Runner> {
        hosted(runner, self.worker.as_ref())
    }
}
