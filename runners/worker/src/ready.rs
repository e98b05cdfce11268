//! The best runner for a kind of model that works on this host, found by trying them in the order of preference.

use nav_package_format::{Device, Format};
use nav_runners::{Probe, Runner};

use crate::external::all_runners;

/// No runner for this kind of model works here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no runner for {format} models is ready{}", listed(passed_over))]
pub struct NoneReady {
    /// The kind of model.
    pub format: Format,
    /// Each runner that reads it, and why it does not work.
    pub passed_over: Vec<(&'static str, String)>,
}

/// The first runner that reads this kind of model and works, and the first device that it works on. `probe` tries one;
/// what it fails of ends the search.
pub fn first_ready<E>(
    format: Format,
    mut probe: impl FnMut(&'static dyn Runner) -> Result<Probe, E>,
) -> Result<Result<(&'static dyn Runner, Device), NoneReady>, E> {
    let mut passed_over = Vec::new();
    for runner in all_runners().filter(|runner| runner.formats().contains(&format)) {
        match probe(runner)? {
            Probe::Ready { devices, .. } => {
                let device = devices.first().copied().unwrap_or_default();
                return Ok(Ok((runner, device)));
            }
            Probe::Missing { reason, .. } => passed_over.push((runner.name(), reason)),
        }
    }
    Ok(Err(NoneReady {
        format,
        passed_over,
    }))
}

fn listed(passed_over: &[(&str, String)]) -> String {
    if passed_over.is_empty() {
        return String::new();
    }
    let reasons = passed_over
        .iter()
        .map(|(runner, reason)| format!("{runner}: {reason}"));
    format!(" ({})", reasons.collect::<Vec<_>>().join("; "))
}
