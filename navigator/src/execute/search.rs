//! The search: what everybody does at few batches, what can be made of those that lead, how far batches grow for
//! the best of them.

mod settle;
mod steady;

use std::collections::HashSet;
use std::time::Duration;

use super::entry::{End, Entry, Objection};
use super::measuring::{AtBatch, measure};
use super::proof::{Part, Prepared, prepare};
use super::run::Run;
use crate::optimize::{Event, Goal, OptimizeError, Stage};
use crate::plan::{Case, CaseData, Wave};
use crate::profile::{Growth, Prospect, Standing, drop_hopeless, rows};

/// What a second batch may take, when it is measured for everybody.
const SECOND_BATCH_LIMIT_MS: f64 = 100.0;

/// What is better by less than this is built on no more than what is plainer.
const CLEARLY: f64 = 0.05;

/// When each part of the search ends, in percent of the time that proving leaves.
const FIRST_ENDS: u32 = 35;
const WAVES_END: u32 = 60;
const GROWTH_ENDS: u32 = 80;
const SETTLED: u32 = 90;

/// The fewest runs that tell anything: one to set up, two to measure.
const LEAST_RUNS: u32 = 3;

/// A search over candidates that are right.
pub(super) struct Search<'run, 'site> {
    pub(super) run: Run<'run, 'site>,
    reference: usize,
    cases: Vec<Prepared>,
    /// When it began: proving may have taken most of the time, and what is left is shared.
    begun: Duration,
    /// How often something was measured anew.
    round: u32,
}

impl<'run, 'site> Search<'run, 'site> {
    pub(super) fn new(run: Run<'run, 'site>, reference: usize, cases: Vec<Prepared>) -> Self {
        let begun = run.site.elapsed();
        Self {
            run,
            reference,
            cases,
            begun,
            round: 0,
        }
    }

    /// Everybody, at the smallest batch and one more. If proving left no time for that, the untouched model alone: a
    /// result, whatever the time.
    pub(super) fn first(&mut self) -> Result<(), OptimizeError> {
        self.run.observer.event(&Event::Stage(Stage::First));
        if self.begun < self.run.site.plan.time_budget {
            let everybody: Vec<usize> = (0..self.run.entries.len()).collect();
            self.compare(&everybody, FIRST_ENDS)?;
        }
        let reference = &self.run.entries[self.reference];
        if reference.is_in() && reference.measurements.is_empty() {
            let skipped = "all but the untouched model".to_owned();
            self.run.observer.event(&Event::OutOfTime { skipped });
            let smallest = self.run.site.plan.batches.first.first().copied().flatten();
            self.measure_now(&[self.reference], smallest, 1, self.begun)?;
        }
        Ok(())
    }

    /// When a part of the search ends that gets this percent of the time.
    fn deadline(&self, percent: u32) -> Duration {
        part_of(self.begun, self.run.site.plan.time_budget, percent)
    }

    /// What is tried on top of those that lead.
    pub(super) fn waves(&mut self) -> Result<(), OptimizeError> {
        let plan = self.run.site.plan;
        let mut names: Vec<&str> = plan.waves.iter().map(|wave| wave.name.as_str()).collect();
        let mut seen = HashSet::new();
        names.retain(|name| seen.insert(*name));
        for name in names {
            if self.run.site.elapsed() >= self.deadline(WAVES_END) {
                self.run.observer.event(&Event::OutOfTime {
                    skipped: name.to_owned(),
                });
                break;
            }
            // The same for all runners at once, so that they are measured side by side.
            let waves = plan.waves.iter().filter(|wave| wave.name == name);
            let mut added = Vec::new();
            for wave in waves {
                added.extend(self.add(wave));
            }
            if added.is_empty() {
                continue;
            }
            let stage = Event::Stage(Stage::Wave(name.to_owned()));
            self.run.observer.event(&stage);
            let cases = self.cases.clone();
            self.run.check(&added, &cases)?;
            let mut everybody = self.still_in();
            everybody.extend(&added);
            everybody.sort_unstable();
            everybody.dedup();
            self.compare(&everybody, WAVES_END)?;
        }
        Ok(())
    }

    /// The candidates of a wave, on top of those that lead on its runner.
    fn add(&mut self, wave: &Wave) -> Vec<usize> {
        let leaders = self.leaders(&wave.runner);
        let mut added = Vec::new();
        for leader in leaders {
            for candidate in wave.on(&self.run.entries[leader].candidate.clone()) {
                let is_known = self.run.entries.iter().any(|known| {
                    known.candidate.runner == candidate.runner
                        && known.candidate.variant == candidate.variant
                });
                if !is_known {
                    added.push(self.run.entries.len());
                    self.run.entries.push(Entry::new(candidate));
                }
            }
        }
        added
    }

    /// Who does most on a runner, and who is fastest there, if the noise lets that be told.
    fn leaders(&self, runner: &str) -> Vec<usize> {
        let best = |score: fn(&Entry) -> f64| {
            let of_runner = self
                .still_in()
                .into_iter()
                .filter(|&index| self.run.entries[index].candidate.runner == runner);
            of_runner.max_by(|&a, &b| {
                let (a, b) = (&self.run.entries[a], &self.run.entries[b]);
                // Of equals the first, which is the plainest.
                score(a)
                    .total_cmp(&score(b))
                    .then(std::cmp::Ordering::Greater)
            })
        };
        let (Some(busiest), Some(fastest)) = (best(throughput_of), best(latency_of)) else {
            return Vec::new();
        };
        let latency = |index: usize| -latency_of(&self.run.entries[index]);
        if latency(fastest) < latency(busiest) * (1.0 - CLEARLY) {
            return vec![busiest, fastest];
        }
        // What is no better than what is plainer is not worth building on.
        if self.is_nearly_best(self.reference, busiest, runner) {
            return vec![self.reference];
        }
        vec![busiest]
    }

    /// Whether the noise leaves open that this one does as much as the best.
    fn is_nearly_best(&self, index: usize, best: usize, runner: &str) -> bool {
        let entry = &self.run.entries[index];
        entry.candidate.runner == runner
            && throughput_of(entry) > throughput_of(&self.run.entries[best]) * (1.0 - CLEARLY)
    }

    /// Measures these at the first batches, and drops those that cannot win.
    fn compare(&mut self, indices: &[usize], ends: u32) -> Result<(), OptimizeError> {
        let deadline = self.deadline(ends);
        let Some(&smallest) = self.run.site.plan.batches.first.first() else {
            return Ok(());
        };
        self.measure_missing(indices, smallest, deadline)?;
        let second = self.second_batch(smallest);
        self.measure_missing(indices, second, deadline)?;
        self.drop_hopeless();
        Ok(())
    }

    fn measure_missing(
        &mut self,
        indices: &[usize],
        batch: Option<usize>,
        deadline: Duration,
    ) -> Result<(), OptimizeError> {
        let missing = indices.iter().copied().filter(|&index| {
            let entry = &self.run.entries[index];
            entry.is_in() && entry.at(batch).is_none()
        });
        let missing: Vec<usize> = missing.collect();
        self.measure(&missing, batch, 1, deadline)
    }

    /// The largest of the few first batches of which a run does not take too long.
    fn second_batch(&self, smallest: Option<usize>) -> Option<usize> {
        let batches = &self.run.site.plan.batches;
        let second = batches.first.last().copied().flatten();
        let known = self.run.entries[self.reference].at(smallest);
        let Some(known) = known.filter(|_| batches.growing) else {
            return second;
        };
        let takes = |batch: Option<usize>| known.latency.p50_ms * rows(batch) / rows(smallest);
        let fitting = batches.all.iter().copied();
        let fitting = fitting
            .filter(|&batch| batch <= second && takes(batch) <= SECOND_BATCH_LIMIT_MS)
            .max();
        // One step at least: what one sample does says little of what many do.
        fitting.flatten().max(batches.all.get(1).copied().flatten())
    }

    /// Grows the batches of the best.
    pub(super) fn grow(&mut self) -> Result<(), OptimizeError> {
        let plan = self.run.site.plan;
        if plan.batches.all.len() < 2 || plan.goals.iter().all(|goal| *goal == Goal::MinLatency) {
            return Ok(());
        }
        self.run.observer.event(&Event::Stage(Stage::Growth));
        let finalists = self.finalists();
        for index in 0..self.run.entries.len() {
            if self.run.entries[index].is_in() && !finalists.contains(&index) {
                self.drop_one(
                    index,
                    "others do better at the first batches and promise more at larger ones"
                        .to_owned(),
                );
            }
        }
        let deadline = self.deadline(GROWTH_ENDS);
        let mut growths: Vec<Growth> = finalists.iter().map(|_| Growth::default()).collect();
        for &batch in &plan.batches.all {
            if self.run.site.elapsed() >= deadline {
                self.run.observer.event(&Event::OutOfTime {
                    skipped: format!("batch {} and larger", batch.unwrap_or(1)),
                });
                break;
            }
            let growing = finalists.iter().zip(&growths);
            let growing = growing.filter(|(index, growth)| {
                let entry = &self.run.entries[**index];
                let goes_on = growth.goes_on() || !plan.batches.growing;
                goes_on && entry.is_in() && entry.at(batch).is_none()
            });
            let growing: Vec<usize> = growing.map(|(index, _)| *index).collect();
            self.measure(&growing, batch, 1, deadline)?;
            let beaten = self.beaten(&finalists, batch);
            for (&index, growth) in finalists.iter().zip(&mut growths) {
                match self.run.entries[index].at(batch) {
                    Some(measurement) if !beaten.contains(&index) => growth.note(measurement),
                    _ => growth.end(),
                }
            }
            if growths.iter().all(|growth| !growth.goes_on()) && plan.batches.growing {
                break;
            }
        }
        Ok(())
    }

    /// Those that others beat at everything at this batch, and so will at larger ones: they lead at a smaller one only.
    /// Never the reference, whose best everything is compared with, and nobody where batches are given.
    fn beaten(&self, finalists: &[usize], batch: Option<usize>) -> Vec<usize> {
        let plan = self.run.site.plan;
        if !plan.batches.growing || batch == plan.batches.all.first().copied().flatten() {
            return Vec::new();
        }
        let measured = finalists.iter().filter_map(|&index| {
            let entry = &self.run.entries[index];
            let standing = Standing {
                measurements: vec![*entry.at(batch)?],
                ..self.standing(index)
            };
            Some((index, standing))
        });
        let (indices, standings): (Vec<usize>, Vec<Standing>) = measured.unzip();
        let beaten = indices.into_iter().zip(drop_hopeless(&standings));
        let beaten = beaten.filter(|(index, reason)| reason.is_some() && *index != self.reference);
        beaten.map(|(index, _)| index).collect()
    }

    /// The few that are best at something, or promise most at the largest batch, and the reference, which everything is compared with.
    fn finalists(&self) -> Vec<usize> {
        let mut finalists = vec![self.reference];
        let ranked = |score: &dyn Fn(usize) -> f64| {
            let mut ranked = self.still_in();
            ranked.sort_by(|&a, &b| score(b).total_cmp(&score(a)));
            ranked
        };
        let throughput = |index: usize| throughput_of(&self.run.entries[index]);
        finalists.extend(ranked(&throughput).into_iter().take(2));
        let promised = |index: usize| {
            let promised = self.prospect(index).map(|prospect| prospect.likely);
            promised.unwrap_or_else(|| throughput(index))
        };
        finalists.extend(ranked(&promised).into_iter().take(2));
        let latency = |index: usize| -latency_of(&self.run.entries[index]);
        let fastest = ranked(&|index| -latency(index)).first().copied();
        // One of the others that is as fast, but for the noise, does as well.
        let others = finalists.iter().map(|&index| latency(index));
        let others = others.fold(f64::INFINITY, f64::min);
        finalists.extend(fastest.filter(|&index| latency(index) < others * (1.0 - CLEARLY)));
        finalists.sort_unstable();
        finalists.dedup();
        finalists.retain(|&index| self.run.entries[index].is_in());
        finalists
    }

    /// Compares those that may be chosen with the reference at the largest batch that they were measured at.
    pub(super) fn prove_largest(&mut self) -> Result<(), OptimizeError> {
        self.run.observer.event(&Event::Stage(Stage::Largest));
        let site = self.run.site;
        let mut by_batch: Vec<(Option<usize>, Vec<usize>)> = Vec::new();
        for (index, entry) in self.run.entries.iter().enumerate() {
            if entry.proof.objection.is_some() {
                continue;
            }
            let Some(largest) = entry.measurements.last().map(|one| one.batch) else {
                continue;
            };
            match by_batch.iter_mut().find(|(batch, _)| *batch == largest) {
                Some((_, indices)) => indices.push(index),
                None => by_batch.push((largest, vec![index])),
            }
        }
        for (batch, indices) in by_batch {
            let case = site.plan.case_of_batch(batch);
            if self.cases.iter().any(|known| known.case.data == case.data) {
                continue;
            }
            let mut everybody = indices.clone();
            everybody.push(self.reference);
            let takes = self.estimate(&everybody, batch) * 2;
            if site.elapsed() + takes > site.plan.time_budget {
                self.forget_unproven(&indices);
                continue;
            }
            self.prove_case(&case, &indices)?;
        }
        Ok(())
    }

    /// What there is no time to prove does not count: batches beyond those that were compared.
    fn forget_unproven(&mut self, indices: &[usize]) {
        let compared = self.cases.iter().filter_map(|known| match known.case.data {
            CaseData::Generated { batch, .. } => batch,
            CaseData::Rows { batch } => Some(batch),
            CaseData::Given { .. } => None,
        });
        let largest = compared.max();
        for &index in indices {
            let entry = &mut self.run.entries[index];
            entry
                .measurements
                .retain(|measurement| measurement.batch <= largest);
        }
        self.run.observer.event(&Event::OutOfTime {
            skipped: "comparing at the largest batch, so that larger batches do not count"
                .to_owned(),
        });
    }

    fn prove_case(&mut self, case: &Case, indices: &[usize]) -> Result<(), OptimizeError> {
        let site = self.run.site;
        let reference = self.reference;
        let cases = prepare(
            site,
            &self.run.entries[reference],
            std::slice::from_ref(case),
        )?;
        let entry = &mut self.run.entries[reference];
        if !entry.is_known(site, &cases, Part::Reference) && entry.child.is_none() {
            entry.start(site)?;
            entry.load(site, 1);
        }
        let before = entry.proof.objection.clone();
        entry.prove(site, &cases, Part::Reference);
        if entry.proof.objection != before && !indices.contains(&reference) {
            // It fails where it was not even measured: nothing is known of the others there.
            let reason = match &entry.proof.objection {
                Some(Objection::Failed(reason) | Objection::Skipped(reason)) => reason.clone(),
                None => String::new(),
            };
            entry.proof.objection = before;
            for &index in indices {
                self.run.entries[index].fail(format!(
                    "the reference gives nothing to compare with: {reason}"
                ));
            }
            return Ok(());
        }
        let others: Vec<usize> = indices
            .iter()
            .copied()
            .filter(|&index| index != reference)
            .collect();
        self.run.check(&others, &cases)
    }

    fn measure(
        &mut self,
        indices: &[usize],
        batch: Option<usize>,
        patience: u32,
        deadline: Duration,
    ) -> Result<(), OptimizeError> {
        if indices.is_empty() {
            return Ok(());
        }
        let site = self.run.site;
        if site.elapsed() + self.estimate(indices, batch) * LEAST_RUNS > deadline {
            let skipped = format!(
                "batch {} of {} candidates",
                batch.unwrap_or(1),
                indices.len()
            );
            self.run.observer.event(&Event::OutOfTime { skipped });
            return Ok(());
        }
        self.measure_now(indices, batch, patience, deadline)
    }

    /// Measures these, however little time there is.
    fn measure_now(
        &mut self,
        indices: &[usize],
        batch: Option<usize>,
        patience: u32,
        deadline: Duration,
    ) -> Result<(), OptimizeError> {
        let site = self.run.site;
        let case = site.plan.case_of_batch(batch);
        let at = AtBatch {
            batch,
            inputs: site.inputs(&case)?,
            data: case.data,
            patience,
            round: self.round,
            deadline,
        };
        self.run.observer.event(&Event::Measuring {
            candidates: indices.len(),
            batch,
            elapsed: site.elapsed(),
            budget: site.plan.time_budget,
        });
        let chosen = self.run.entries.iter_mut().enumerate();
        let chosen = chosen.filter(|(index, _)| indices.contains(index));
        measure(site, chosen.map(|(_, entry)| entry).collect(), &at)?;
        for &index in indices {
            let entry = &self.run.entries[index];
            let event = Event::Measured {
                variant: entry.candidate.variant.clone(),
                runner: entry.candidate.runner.clone(),
                batch,
                measurement: entry.at(batch).copied(),
                failure: match &entry.end {
                    Some(End::Failed(reason)) => Some(reason.clone()),
                    _ => None,
                },
            };
            self.run.observer.event(&event);
        }
        Ok(())
    }

    /// How long one run of each of these takes at a batch, all in all, judging by smaller batches. Nothing, where
    /// nothing is known.
    fn estimate(&self, indices: &[usize], batch: Option<usize>) -> Duration {
        let reference = self.run.entries[self.reference].measurements.last();
        let each = indices.iter().filter_map(|&index| {
            let own = self.run.entries[index].measurements.last();
            let known = own.or(reference)?;
            Some(known.latency.p50_ms * rows(batch) / rows(known.batch))
        });
        let milliseconds: f64 = each.sum();
        Duration::try_from_secs_f64(milliseconds / 1e3).unwrap_or(Duration::MAX)
    }

    fn still_in(&self) -> Vec<usize> {
        (0..self.run.entries.len())
            .filter(|&index| {
                self.run.entries[index].is_in() && !self.run.entries[index].measurements.is_empty()
            })
            .collect()
    }

    fn standing(&self, index: usize) -> Standing {
        Standing {
            name: self.run.entries[index].candidate.to_string(),
            measurements: self.run.entries[index].measurements.clone(),
            prospect: self.prospect(index),
        }
    }

    /// What the largest batch promises, where batches are of interest.
    fn prospect(&self, index: usize) -> Option<Prospect> {
        let plan = self.run.site.plan;
        if plan.goals.iter().all(|goal| *goal == Goal::MinLatency) {
            return None;
        }
        let largest = plan.batches.all.last().copied().flatten()?;
        Prospect::at(largest, &self.run.entries[index].measurements)
    }

    fn drop_hopeless(&mut self) {
        let still_in = self.still_in();
        let standings: Vec<Standing> = still_in.iter().map(|&index| self.standing(index)).collect();
        for (index, reason) in still_in.into_iter().zip(drop_hopeless(&standings)) {
            if let Some(reason) = reason.filter(|_| index != self.reference) {
                self.drop_one(index, reason);
            }
        }
    }

    fn drop_one(&mut self, index: usize, reason: String) {
        let held = self
            .run
            .entries
            .iter()
            .filter(|entry| entry.child.is_some());
        let held: u64 = held.filter_map(|entry| entry.peak.host).sum();
        let is_tight = held > self.run.site.host.memory_bytes / 2;
        let entry = &mut self.run.entries[index];
        // It is still to be compared at its largest batch, and starting it again takes longer than waiting.
        if index != self.reference && is_tight {
            entry.child = None;
        }
        entry.end = Some(End::Dropped(reason.clone()));
        let event = Event::Dropped {
            variant: entry.candidate.variant.clone(),
            runner: entry.candidate.runner.clone(),
            reason,
        };
        self.run.observer.event(&event);
    }
}

/// A part, in percent, of the time between these two.
fn part_of(begun: Duration, budget: Duration, percent: u32) -> Duration {
    begun + budget.saturating_sub(begun) * percent / 100
}

fn throughput_of(entry: &Entry) -> f64 {
    let throughputs = entry.measurements.iter().map(|one| one.throughput);
    throughputs.fold(0.0, f64::max)
}

/// The higher, the lower its latency.
fn latency_of(entry: &Entry) -> f64 {
    let latencies = entry.measurements.iter().map(|one| -one.latency.p50_ms);
    latencies.fold(f64::NEG_INFINITY, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_proving_leaves_of_the_time_is_what_is_shared() {
        let check = |begun: u64, ends: u64| {
            let found = part_of(Duration::from_secs(begun), Duration::from_secs(100), 35);
            assert_eq!(found, Duration::from_secs(ends), "{begun}");
        };
        check(0, 35);
        check(60, 74);
        // There is none left: it ends as it begins.
        check(100, 100);
        check(130, 130);
    }
}
