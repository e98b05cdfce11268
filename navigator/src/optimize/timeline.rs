//! Where the time of an optimization goes: its parts, and how much of each was measuring and not getting ready to.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::event::{Event, Observer, Stage};

/// A part of an optimization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phase {
    /// What was done; nothing, while the model was looked at and the plan made.
    pub stage: Option<Stage>,
    /// When it began, since the start.
    pub began: Duration,
    /// How long it took.
    pub took: Duration,
    /// How much of that was measuring.
    pub measuring: Duration,
}

/// How long measuring took so far.
#[derive(Debug, Default)]
pub(crate) struct Stopwatch {
    nanoseconds: AtomicU64,
}

impl Stopwatch {
    pub(crate) fn add(&self, time: Duration) {
        let time = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.nanoseconds.fetch_add(time, Ordering::Relaxed);
    }

    fn total(&self) -> Duration {
        Duration::from_nanos(self.nanoseconds.load(Ordering::Relaxed))
    }
}

/// Hands events on, and notes when each stage began.
pub(super) struct Timeline<'run> {
    started: Instant,
    measured: &'run Stopwatch,
    observer: &'run mut dyn Observer,
    begun: Vec<Begun>,
}

struct Begun {
    stage: Option<Stage>,
    at: Duration,
    measured: Duration,
}

impl<'run> Timeline<'run> {
    pub(super) fn new(
        started: Instant,
        measured: &'run Stopwatch,
        observer: &'run mut dyn Observer,
    ) -> Self {
        Self {
            started,
            measured,
            observer,
            begun: vec![Begun {
                stage: None,
                at: Duration::ZERO,
                measured: Duration::ZERO,
            }],
        }
    }

    fn now(&self, stage: Option<Stage>) -> Begun {
        Begun {
            stage,
            at: self.started.elapsed(),
            measured: self.measured.total(),
        }
    }

    /// All parts so far, the last of which ends now.
    pub(super) fn phases(&self) -> Vec<Phase> {
        let end = self.now(None);
        let ends = self.begun.iter().skip(1).chain([&end]);
        let phases = self.begun.iter().zip(ends).map(|(begun, end)| Phase {
            stage: begun.stage.clone(),
            began: begun.at,
            took: end.at.saturating_sub(begun.at),
            measuring: end.measured.saturating_sub(begun.measured),
        });
        phases.collect()
    }
}

impl Observer for Timeline<'_> {
    fn event(&mut self, event: &Event) {
        if let Event::Stage(stage) = event {
            let begun = self.now(Some(stage.clone()));
            self.begun.push(begun);
        }
        self.observer.event(event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_follow_each_other_without_gaps_and_know_what_was_measured_in_them() {
        let stopwatch = Stopwatch::default();
        let mut nobody = ();
        let mut timeline = Timeline::new(Instant::now(), &stopwatch, &mut nobody);
        timeline.event(&Event::Stage(Stage::Reference));
        timeline.event(&Event::Stage(Stage::Growth));
        stopwatch.add(Duration::from_millis(7));
        timeline.event(&Event::Stage(Stage::Serving));
        let phases = timeline.phases();
        let stages: Vec<Option<Stage>> = phases.iter().map(|phase| phase.stage.clone()).collect();
        let expected = [Stage::Reference, Stage::Growth, Stage::Serving].map(Some);
        assert_eq!(stages[0], None);
        assert_eq!(stages[1..], expected);
        for pair in phases.windows(2) {
            assert_eq!(pair[0].began + pair[0].took, pair[1].began);
        }
        let measuring: Vec<u128> = phases.iter().map(|it| it.measuring.as_millis()).collect();
        assert_eq!(measuring, [0, 0, 7, 0]);
    }
}
