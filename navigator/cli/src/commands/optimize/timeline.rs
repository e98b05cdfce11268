//! Where the time of a run went, for people and for programs.

use std::time::Duration;

use nav_navigator::optimize::{Phase, Stage};
use serde::Serialize;

use super::progress::words;

/// The parts of a run, in order.
#[derive(Debug, Serialize)]
pub(super) struct Timeline {
    /// From the start to the package.
    took_ms: f64,
    /// How much of it was measuring.
    measuring_ms: f64,
    phases: Vec<Part>,
}

/// A part of a run.
#[derive(Debug, Serialize)]
struct Part {
    what: String,
    began_ms: f64,
    took_ms: f64,
    measuring_ms: f64,
}

impl Timeline {
    /// Of these parts, and the packing that went on until now.
    pub(super) fn of(phases: &[Phase], now: Duration) -> Self {
        let mut parts: Vec<Part> = phases.iter().map(Part::of).collect();
        let packed = phases
            .last()
            .map_or(Duration::ZERO, |last| last.began + last.took);
        parts.push(Part {
            what: "packing".to_owned(),
            began_ms: milliseconds(packed),
            took_ms: milliseconds(now.saturating_sub(packed)),
            measuring_ms: 0.0,
        });
        Self {
            took_ms: milliseconds(now),
            measuring_ms: parts.iter().map(|part| part.measuring_ms).sum(),
            phases: parts,
        }
    }
}

impl Part {
    fn of(phase: &Phase) -> Self {
        let what = match &phase.stage {
            None => "looking at the model and the host".to_owned(),
            Some(stage @ Stage::Wave(name)) => format!("{} ({name})", words(stage)),
            Some(stage) => words(stage).to_owned(),
        };
        Self {
            what,
            began_ms: milliseconds(phase.began),
            took_ms: milliseconds(phase.took),
            measuring_ms: milliseconds(phase.measuring),
        }
    }
}

impl std::fmt::Display for Timeline {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (took, measuring) = (self.took_ms / 1e3, self.measuring_ms / 1e3);
        write!(f, "{took:.2} s, {measuring:.2} s of it measuring")
    }
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
