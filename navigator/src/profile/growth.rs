//! Whether a larger batch is worth measuring: as long as batches bring something, and one step further.

use nav_package_format::package::Measurement;

/// How much more throughput a larger batch must bring to count as growth.
const GROWTH: f64 = 1.03;

/// How many steps in a row may bring nothing before measuring stops.
const FLAT_STEPS: usize = 2;

/// The growth of a candidate's throughput over its batches.
#[derive(Clone, Debug, Default)]
pub struct Growth {
    best: f64,
    flat: usize,
    ended: bool,
}

impl Growth {
    /// Notes the next larger batch.
    pub fn note(&mut self, measurement: &Measurement) {
        if measurement.throughput > self.best * GROWTH {
            self.flat = 0;
        } else {
            self.flat += 1;
        }
        self.best = self.best.max(measurement.throughput);
    }

    /// Notes that there is no larger batch: it did not fit into memory, or failed.
    pub const fn end(&mut self) {
        self.ended = true;
    }

    /// Whether a larger batch is worth measuring.
    pub const fn goes_on(&self) -> bool {
        !self.ended && self.flat < FLAT_STEPS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_grow_while_throughput_does_and_past_one_flat_step() {
        let check = |throughputs: &[f64], expected: usize| {
            let mut growth = Growth::default();
            let measured = throughputs.iter().take_while(|&&throughput| {
                let goes_on = growth.goes_on();
                growth.note(&Measurement {
                    throughput,
                    ..Measurement::default()
                });
                goes_on
            });
            assert_eq!(measured.count(), expected, "{throughputs:?}");
        };
        check(&[100.0, 190.0, 370.0, 700.0], 4);
        check(&[100.0, 101.0, 102.0, 500.0], 3);
        // One flat step hides what comes after it.
        check(&[100.0, 100.0, 180.0, 181.0, 182.0, 300.0], 5);
        check(&[100.0, 90.0, 80.0], 3);
    }

    #[test]
    fn what_did_not_fit_is_the_end() {
        let mut growth = Growth::default();
        growth.end();
        assert!(!growth.goes_on());
    }
}
