//! What larger batches promise. A runtime that costs much to call and little for each sample looks bad at small batches and is the best at
//! large ones, as GPUs are: so it is the growth of a run's time that tells, and not its time at the batches that everybody is measured at.

use nav_package_format::package::Measurement;

use super::standing::{least, most};

/// What a candidate would do in a second at a batch that was not measured, if its time went on growing as it does up to the largest that was.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prospect {
    /// As far as was measured.
    pub likely: f64,
    /// At best, if the noise hides it.
    pub most: f64,
    /// At worst.
    pub least: f64,
}

/// How many times smaller the batch is that the largest is compared with: neighbours differ by little more than the noise.
const APART: f64 = 4.0;

impl Prospect {
    /// What is promised at `batch` by measurements at smaller ones. Nothing, where there are not two of them.
    pub fn at(batch: usize, measured: &[Measurement]) -> Option<Self> {
        let batch = rows(Some(batch));
        let large = measured
            .iter()
            .max_by(|a, b| rows(a.batch).total_cmp(&rows(b.batch)))
            .filter(|large| rows(large.batch) < batch)?;
        let small = measured
            .iter()
            .filter(|small| rows(small.batch) * APART <= rows(large.batch))
            .max_by(|a, b| rows(a.batch).total_cmp(&rows(b.batch)))?;
        // Time is that of a run divided by how many instances run side by side.
        let line = |small_takes: f64, large_takes: f64| {
            let of_each = (large_takes - small_takes) / (rows(large.batch) - rows(small.batch));
            batch / (large_takes + of_each.max(0.0) * (batch - rows(large.batch)))
        };
        let (quick, slow) = (
            |it: &Measurement| rows(it.batch) / most(it),
            |it: &Measurement| rows(it.batch) / least(it),
        );
        let as_measured = |it: &Measurement| rows(it.batch) / it.throughput;
        Some(Self {
            likely: line(as_measured(small), as_measured(large)),
            most: line(slow(small), quick(large)),
            least: line(quick(small), slow(large)),
        })
    }
}

/// How many samples a batch has.
pub(crate) fn rows(batch: Option<usize>) -> f64 {
    f64::from(u32::try_from(batch.unwrap_or(1)).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(all: &[(usize, f64)]) -> Vec<Measurement> {
        let all = all.iter().map(|&(batch, throughput)| Measurement {
            batch: Some(batch),
            throughput,
            uncertainty: Some(0.0),
            ..Measurement::default()
        });
        all.collect()
    }

    #[test]
    fn time_that_grows_by_little_promises_much() {
        let check = |all: &[(usize, f64)], expected: Option<f64>| {
            let found = Prospect::at(64, &measured(all)).map(|it| it.likely.round());
            assert_eq!(found, expected, "{all:?}");
        };
        // Ten milliseconds at 1, ten at 8: ten at 64.
        check(&[(1, 100.0), (8, 800.0)], Some(6400.0));
        // Each sample takes ten.
        check(&[(1, 100.0), (8, 100.0)], Some(100.0));
        // Two for the call, one for each sample.
        check(&[(1, 1000.0 / 3.0), (8, 800.0)], Some(970.0));
        // A run is no quicker at a larger batch: that is noise.
        check(&[(1, 100.0), (8, 900.0)], Some(7200.0));
        // The last batches tell, a few steps apart.
        check(
            &[(1, 100.0), (2, 200.0), (4, 400.0), (8, 800.0), (16, 800.0)],
            Some(1067.0),
        );
        check(&[(8, 800.0)], None);
        check(&[(4, 800.0), (8, 800.0)], None);
        check(&[(8, 800.0), (64, 800.0)], None);
        check(&[], None);
    }

    #[test]
    fn noise_widens_what_may_come() {
        let mut all = measured(&[(1, 100.0), (8, 400.0)]);
        let sure = Prospect::at(64, &all).unwrap();
        for one in &mut all {
            one.uncertainty = Some(0.2);
        }
        let unsure = Prospect::at(64, &all).unwrap();
        assert!(unsure.least < sure.least && sure.least < sure.likely);
        assert!(sure.likely < sure.most && sure.most < unsure.most);
    }
}
