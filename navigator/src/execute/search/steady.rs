//! Whether the machine is still what it was: batches are compared that were measured one after the other, and a processor that
//! others use, or that a host moves about, may do twice as much at one time as at another.

use nav_package_format::package::{Choice, Measurement};

use super::super::entry::{End, Entry};
use super::{FIRST_ENDS, Search};
use crate::optimize::{Event, OptimizeError, Stage};

/// How much the choice's throughput may differ when it is measured anew, besides what is not sure of either.
const STEADY: f64 = 0.1;

/// How often everything is measured anew at most.
const MOST: u32 = 2;

impl Search<'_, '_> {
    /// Measures the choice anew, and if the machine became another in the meantime, everything.
    pub(in crate::execute) fn steady(&mut self) -> Result<(), OptimizeError> {
        for again in 0..MOST {
            let Some((chosen, choice)) = self.choice() else {
                return Ok(());
            };
            self.round = 2 * again + 1;
            if !self.has_changed(chosen, &choice)? || !self.has_time() {
                return Ok(());
            }
            let stage = Event::Stage(Stage::Again);
            self.run.observer.event(&stage);
            self.round = 2 * again + 2;
            self.forget();
            let everybody: Vec<usize> = (0..self.run.entries.len()).collect();
            self.compare(&everybody, FIRST_ENDS)?;
            self.grow()?;
        }
        Ok(())
    }

    /// Measures the choice once more, and says whether it is not what it was.
    fn has_changed(&mut self, chosen: usize, choice: &Choice) -> Result<bool, OptimizeError> {
        let batch = choice.measurement.batch;
        let before = self.run.entries[chosen].at(batch).copied();
        self.measure(&[chosen], batch, 1, self.deadline(FIRST_ENDS))?;
        let now = self.run.entries[chosen].at(batch).copied();
        let both = before.zip(now);
        Ok(both.is_some_and(|(before, now)| differ(&before, &now)))
    }

    /// Everything once more takes no longer than it did.
    fn has_time(&self) -> bool {
        self.run.site.elapsed() < self.deadline(FIRST_ENDS / 2)
    }

    /// Forgets what was measured of those that may still win, or might have.
    fn forget(&mut self) {
        for entry in &mut self.run.entries {
            if may_win(entry) {
                entry.measurements.clear();
                entry.end = None;
            }
        }
    }
}

fn may_win(entry: &Entry) -> bool {
    entry.proof.objection.is_none() && !matches!(entry.end, Some(End::Failed(_)))
}

fn differ(before: &Measurement, now: &Measurement) -> bool {
    let doubt = before.uncertainty.unwrap_or(0.5) + now.uncertainty.unwrap_or(0.5) + STEADY;
    let (less, more) = if before.throughput < now.throughput {
        (before.throughput, now.throughput)
    } else {
        (now.throughput, before.throughput)
    };
    less * (1.0 + doubt) < more
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_sure_is_no_change_and_what_is_twice_as_much_is() {
        let measured = |throughput: f64, uncertainty: Option<f64>| Measurement {
            throughput,
            uncertainty,
            ..Measurement::default()
        };
        let check = |before: (f64, Option<f64>), now: (f64, Option<f64>), expected: bool| {
            let (before, now) = (measured(before.0, before.1), measured(now.0, now.1));
            assert_eq!(differ(&before, &now), expected, "{before:?} {now:?}");
            assert_eq!(differ(&now, &before), expected, "{now:?} {before:?}");
        };
        check((100.0, Some(0.01)), (100.0, Some(0.01)), false);
        check((100.0, Some(0.01)), (111.0, Some(0.01)), false);
        check((100.0, Some(0.01)), (113.0, Some(0.01)), true);
        check((200.0, Some(0.02)), (100.0, Some(0.02)), true);
        check((130.0, Some(0.2)), (100.0, Some(0.02)), false);
        check((150.0, None), (100.0, Some(0.02)), false);
    }
}
