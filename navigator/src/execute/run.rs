//! The order of things: the reference, who is right, who is fast, who is right at the largest batch.

use super::entry::{Entry, Objection};
use super::proof::{Part, Prepared, Proven, prepare, side_by_side};
use super::search::Search;
use super::site::Site;
use crate::optimize::{Event, Observer, OptimizeError, Stage};
use crate::pack::SampleFiles;

/// What came of a plan.
#[derive(Debug)]
pub(crate) struct Executed {
    /// Every candidate, in the order in which they were thought of.
    pub(crate) entries: Vec<Entry>,
    /// The one that says what is right, if any could.
    pub(crate) reference: Option<usize>,
    /// Inputs and right outputs.
    pub(crate) samples: Vec<SampleFiles>,
}

/// How many samples go into a package.
const MOST_SAMPLES: usize = 1;

/// Follows a plan.
pub(crate) fn execute(
    site: &Site<'_>,
    observer: &mut dyn Observer,
) -> Result<Executed, OptimizeError> {
    let entries: Vec<Entry> = site
        .plan
        .candidates
        .iter()
        .cloned()
        .map(Entry::new)
        .collect();
    let mut run = Run {
        site,
        entries,
        observer,
    };
    run.observer.event(&Event::Stage(Stage::Reference));
    let Some((reference, cases)) = run.establish_reference()? else {
        return Ok(Executed {
            entries: run.entries,
            reference: None,
            samples: Vec::new(),
        });
    };
    run.observer.event(&Event::Stage(Stage::Correctness));
    let others: Vec<usize> = (0..run.entries.len())
        .filter(|&index| index != reference)
        .collect();
    run.check(&others, &cases)?;
    let samples = cases.iter().take(MOST_SAMPLES).map(|prepared| SampleFiles {
        inputs: prepared.inputs.clone(),
        outputs: prepared.expected.clone(),
    });
    let samples = samples.collect();
    let mut search = Search::new(run, reference, cases);
    search.first()?;
    search.waves()?;
    search.grow()?;
    search.steady()?;
    search.prove_largest()?;
    search.settle()?;
    let mut entries = search.run.entries;
    // What follows is measured in processes of its own, which these would only disturb.
    for entry in &mut entries {
        entry.child = None;
    }
    Ok(Executed {
        entries,
        reference: Some(reference),
        samples,
    })
}

/// A plan being followed.
pub(super) struct Run<'run, 'site> {
    pub(super) site: &'run Site<'site>,
    pub(super) entries: Vec<Entry>,
    pub(super) observer: &'run mut dyn Observer,
}

impl Run<'_, '_> {
    /// Finds who says what is right: the untouched model on the first runner that can run it. While that one
    /// works, the others load.
    fn establish_reference(&mut self) -> Result<Option<(usize, Vec<Prepared>)>, OptimizeError> {
        let untouched: Vec<usize> = (0..self.entries.len())
            .filter(|&index| self.entries[index].candidate.is_untouched())
            .collect();
        for (attempt, &reference) in untouched.iter().enumerate() {
            if self.entries[reference].proof.objection.is_some() {
                continue;
            }
            let cases = prepare(self.site, &self.entries[reference], &self.site.plan.cases)?;
            let proven = self.try_reference(reference, &cases)?;
            self.report(reference);
            match proven {
                Proven::Right => {
                    let candidate = &self.entries[reference].candidate;
                    let is_independent = self
                        .entries
                        .iter()
                        .any(|entry| entry.candidate.runner != candidate.runner);
                    let event = Event::Reference {
                        variant: candidate.variant.clone(),
                        runner: candidate.runner.clone(),
                        is_first_choice: attempt == 0,
                        is_independent,
                    };
                    self.observer.event(&event);
                    return Ok(Some((reference, cases)));
                }
                Proven::Wrong => {
                    let reason = self.reason_of(reference);
                    self.skip_all(&format!("the model itself is at fault: {reason}"));
                    return Ok(None);
                }
                Proven::Lost => {}
            }
        }
        self.skip_all("no runner can say what is right");
        Ok(None)
    }

    fn try_reference(
        &mut self,
        reference: usize,
        cases: &[Prepared],
    ) -> Result<Proven, OptimizeError> {
        let site = self.site;
        let has_answers = cases.iter().all(|prepared| prepared.expected.exists());
        // While one works, the others load, if there is memory for all of them.
        let fits = self.entries.len() <= site.room();
        for (index, entry) in self.entries.iter_mut().enumerate() {
            if !fits && index != reference {
                continue;
            }
            let part = part(index, reference);
            let is_known = has_answers && entry.is_known(site, cases, part);
            if entry.proof.objection.is_none() && !is_known {
                entry.add_cases(cases, part);
                entry.start(site)?;
            }
        }
        let proven = std::sync::Mutex::new(Proven::Lost);
        let name = self.entries[reference].candidate.to_string();
        let beside = self
            .entries
            .iter()
            .filter(|entry| entry.child.is_some())
            .count();
        side_by_side(self.entries.iter_mut().collect(), |entry| {
            entry.load(site, beside);
            if entry.candidate.to_string() == name {
                let found = entry.prove(site, cases, Part::Reference);
                *proven
                    .lock()
                    .unwrap_or_else(std::sync::PoisonError::into_inner) = found;
            }
        });
        Ok(proven
            .into_inner()
            .unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// Starts, loads and compares these, as many side by side as there is memory for.
    pub(super) fn check(
        &mut self,
        indices: &[usize],
        cases: &[Prepared],
    ) -> Result<(), OptimizeError> {
        let room = self.site.room();
        for some in indices.chunks(room) {
            self.check_side_by_side(some, cases)?;
            // Those that come next need the memory; who is measured is started again.
            if self.entries.len() > room {
                for &index in some {
                    self.entries[index].child = None;
                }
            }
        }
        for &index in indices {
            self.report(index);
        }
        Ok(())
    }

    fn check_side_by_side(
        &mut self,
        indices: &[usize],
        cases: &[Prepared],
    ) -> Result<(), OptimizeError> {
        let site = self.site;
        for &index in indices {
            let entry = &mut self.entries[index];
            let is_known = entry.is_known(site, cases, Part::Compared);
            if entry.proof.objection.is_none() && !is_known {
                entry.add_cases(cases, Part::Compared);
                entry.start(site)?;
            }
        }
        let chosen = self.entries.iter_mut().enumerate();
        let chosen = chosen.filter(|(index, _)| indices.contains(index));
        let chosen: Vec<&mut Entry> = chosen.map(|(_, entry)| entry).collect();
        let beside = chosen.len();
        side_by_side(chosen, |entry| {
            entry.load(site, beside);
            if entry.proof.objection.is_none() {
                entry.prove(site, cases, Part::Compared);
            }
        });
        Ok(())
    }

    /// Tells the observer whether a candidate is right.
    fn report(&mut self, index: usize) {
        let entry = &self.entries[index];
        let fault = match &entry.proof.objection {
            Some(Objection::Failed(reason) | Objection::Skipped(reason)) => Some(reason.clone()),
            None => None,
        };
        let event = Event::Checked {
            variant: entry.candidate.variant.clone(),
            runner: entry.candidate.runner.clone(),
            fault,
        };
        self.observer.event(&event);
    }

    fn reason_of(&self, index: usize) -> String {
        match &self.entries[index].proof.objection {
            Some(Objection::Failed(reason) | Objection::Skipped(reason)) => reason.clone(),
            None => String::new(),
        }
    }

    fn skip_all(&mut self, reason: &str) {
        for entry in &mut self.entries {
            entry.child = None;
            let skipped = Objection::Skipped(reason.to_owned());
            entry.proof.objection.get_or_insert(skipped);
        }
    }
}

fn part(index: usize, reference: usize) -> Part {
    if index == reference {
        Part::Reference
    } else {
        Part::Compared
    }
}
