//! The end of a search: those that may be chosen are measured once more, until the choice is of one that was.

use std::collections::HashSet;

use nav_package_format::package::{Choice, Evaluation, Measurement, choose};

use super::{SETTLED, Search};
use crate::execute::entry::End;
use crate::optimize::{Event, OptimizeError, Stage};

/// How many candidates are measured once more at the end.
const FINALISTS: usize = 4;

/// How often the one that is chosen may change by being measured longer.
const SETTLING_ROUNDS: usize = 4;

/// How much more patience there is with those that may be chosen.
const LAST_PATIENCE: u32 = 6;

impl Search<'_, '_> {
    /// Measures those that may be chosen once more, and longer, if the noise leaves it open who is best. Who looked
    /// best by luck looks worse then, and another is chosen: that one is measured as long before it counts.
    pub(in crate::execute) fn settle(&mut self) -> Result<(), OptimizeError> {
        self.settle_batch()?;
        let mut settled = HashSet::new();
        for _ in 0..SETTLING_ROUNDS {
            let Some((chosen, best)) = self.favourite() else {
                return Ok(());
            };
            let rivals = self.rivals(chosen, &best);
            let is_open = rivals.iter().any(|&index| {
                let measured = self.run.entries[index].at(best.batch);
                measured.is_some_and(|measured| measured.noisy)
            });
            let is_late = self.run.site.elapsed() >= self.deadline(SETTLED);
            if !is_open || is_late || !settled.insert((chosen, best.batch)) {
                return Ok(());
            }
            if settled.len() == 1 {
                self.run.observer.event(&Event::Stage(Stage::Settling));
            }
            for &index in &rivals {
                // Those that seemed hopeless, and do as well as the best as far as can be told, are not.
                let entry = &mut self.run.entries[index];
                entry.end.take_if(|end| matches!(end, End::Dropped(_)));
            }
            self.measure(&rivals, best.batch, LAST_PATIENCE, self.deadline(SETTLED))?;
        }
        Ok(())
    }

    /// A choice falls to a smaller batch where it is not sure that a larger one does more. If either is noisy, both are measured
    /// longer, so that noise alone costs no throughput.
    fn settle_batch(&mut self) -> Result<(), OptimizeError> {
        let Some((chosen, choice)) = self.choice() else {
            return Ok(());
        };
        let entry = &self.run.entries[chosen];
        let most = entry.measurements.iter();
        let most = most.max_by(|a, b| a.throughput.total_cmp(&b.throughput));
        let Some((own, most)) = entry.at(choice.max_batch).zip(most) else {
            return Ok(());
        };
        let is_open = own.throughput < most.throughput && (own.noisy || most.noisy);
        if own.batch == most.batch || !is_open {
            return Ok(());
        }
        let batches = [own.batch, most.batch];
        self.run.observer.event(&Event::Stage(Stage::Settling));
        let deadline = self.deadline(SETTLED);
        for batch in batches {
            self.measure(&[chosen], batch, LAST_PATIENCE, deadline)?;
        }
        Ok(())
    }

    /// Who would be chosen now, and what speaks for it.
    fn favourite(&self) -> Option<(usize, Measurement)> {
        let (chosen, choice) = self.choice()?;
        Some((chosen, choice.measurement))
    }

    /// Who would be chosen now, and the choice.
    pub(super) fn choice(&self) -> Option<(usize, Choice)> {
        let site = self.run.site;
        let entries = self.run.entries.iter();
        let evaluations =
            entries.map(|entry| Evaluation::of(&entry.variant(site), &entry.records(site)));
        let evaluations: Vec<Evaluation> = evaluations.collect();
        let strategies: Vec<_> = site.plan.goals.iter().map(|goal| goal.strategy()).collect();
        let strategies: Vec<_> = strategies.iter().map(AsRef::as_ref).collect();
        let choice = choose(&strategies, &evaluations).ok()?;
        let chosen = evaluations
            .iter()
            .position(|evaluation| choice.runtime.is_of(evaluation))?;
        Some((chosen, choice))
    }

    /// The favourite, what everything is compared with, and those of which the noise leaves open whether they are
    /// better, the better ones first.
    fn rivals(&self, chosen: usize, best: &Measurement) -> Vec<usize> {
        let throughput = |index: usize| {
            let measured = self.run.entries[index].at(best.batch);
            measured.map_or(0.0, |measured| measured.throughput)
        };
        let others = (0..self.run.entries.len()).filter(|&index| {
            let entry = &self.run.entries[index];
            index != chosen
                && entry.may_be_chosen()
                && entry
                    .at(best.batch)
                    .is_some_and(|measured| index == self.reference || overlap(best, measured))
        });
        let mut others: Vec<usize> = others.collect();
        others.sort_by(|&a, &b| {
            let is_reference = |index: usize| index == self.reference;
            let by_rank = is_reference(b).cmp(&is_reference(a));
            by_rank.then(throughput(b).total_cmp(&throughput(a)))
        });
        others.truncate(FINALISTS - 1);
        others.insert(0, chosen);
        others
    }
}

/// Whether the noise leaves open which of two measurements is better.
fn overlap(best: &Measurement, other: &Measurement) -> bool {
    let doubt = best.uncertainty.unwrap_or(0.5) + other.uncertainty.unwrap_or(0.5);
    other.throughput * (1.0 + doubt) >= best.throughput
        || other.latency.p50_ms <= best.latency.p50_ms * (1.0 + doubt)
}
