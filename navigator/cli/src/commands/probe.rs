//! Whether a runner works, tried without harm to this process.

use nav_navigator::probe::probe_runner;
use nav_runners::{Probe, Runner};

use super::worker;
use crate::settings::Settings;

/// Tries a runner, with this program as the process that it may need.
pub(crate) fn probe(runner: &'static dyn Runner, settings: &Settings) -> anyhow::Result<Probe> {
    let command = worker::command()?;
    Ok(probe_runner(runner, &settings.libraries, &command))
}
