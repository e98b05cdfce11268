//! Whether a runner works, tried without harm to this process.

use nav_runners::{Probe, Runner};
use nav_worker::Isolated;

use super::worker;
use crate::settings::Settings;

/// Tries a runner. One that would open a vendor's library is tried in a process of its own: one that
/// crashes harms nobody, and a library that was only tried does not stay open here, where there is
/// room for one.
pub(crate) fn probe(runner: &'static dyn Runner, settings: &Settings) -> anyhow::Result<Probe> {
    let libraries = &settings.libraries;
    let opens_library = runner
        .vendor_runtime()
        .is_some_and(|runtime| libraries.find(runtime).is_ok());
    if opens_library {
        Ok(Isolated::new(runner, worker::command()?).probe(libraries))
    } else {
        Ok(runner.probe(libraries))
    }
}
