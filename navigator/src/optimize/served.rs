//! The choice, and the untouched model, measured through the server's own batching. What an earlier run measured so is not
//! measured again.

use std::path::Path;
use std::time::Duration;

use nav_package_format::package::record::SERVING;
use nav_package_format::package::{Measurement, Outcome, Record, Serving};
use nav_runners::LoadOptions;
use serde::Serialize;

use crate::execute::{Entry, Executed, Site};
use crate::plan::Candidate;
use crate::serving::{ServingMeasurer, ServingTrial};
use crate::workspace::Key;

/// How long each is measured at least, if it takes that long to be sure.
const BUDGET: Duration = Duration::from_millis(200);

/// How many batches in a row of a model that takes long tell what it does.
const BATCHES: u32 = 16;

/// What the outcome of a trial depends on, besides what steps of the candidate do.
#[derive(Serialize)]
struct Basis<'a> {
    candidate: nav_package_format::Digest,
    serving: &'a Serving,
    budget: Duration,
}

/// One that is to be measured.
struct Wanted<'a> {
    entry: &'a Entry,
    serving: Serving,
    key: Option<Key>,
    known: Option<Measurement>,
}

/// The records of the choice, which is to be served in this way, and of the untouched model.
pub(super) fn serve(
    site: &Site<'_>,
    executed: &Executed,
    server: &dyn ServingMeasurer,
    serving: &Serving,
) -> Vec<Record> {
    // The first sample is of one row.
    let Some(sample) = executed.samples.first() else {
        return Vec::new();
    };
    let entries = executed.entries.iter().enumerate();
    let entries = entries.filter(|(index, entry)| {
        Some(*index) == executed.reference || is_chosen(&entry.candidate, serving)
    });
    let wanted: Vec<Wanted<'_>> = entries
        .map(|(_, entry)| Wanted::of(site, entry, serving))
        .collect();
    let unknown: Vec<&Wanted<'_>> = wanted.iter().filter(|one| one.known.is_none()).collect();
    let trials: Vec<ServingTrial> = unknown
        .iter()
        .map(|wanted| wanted.trial(site, &sample.inputs))
        .collect();
    // With nothing to measure, nobody is asked.
    let mut measured = if trials.is_empty() {
        Vec::new()
    } else {
        server.measure(&trials)
    }
    .into_iter();
    let records = wanted.iter().map(|wanted| {
        let found = match wanted.known {
            Some(known) => Ok(known),
            None => match measured.next() {
                Some(Ok(found)) => {
                    site.measured.add(found.took);
                    wanted.note(site, &found.measurement);
                    Ok(found.measurement)
                }
                Some(Err(reason)) => Err(reason),
                None => Err("nothing was measured".to_owned()),
            },
        };
        wanted.record(found)
    });
    records.collect()
}

fn is_chosen(candidate: &Candidate, serving: &Serving) -> bool {
    candidate.variant == serving.variant && candidate.runner == serving.runner
}

impl<'a> Wanted<'a> {
    fn of(site: &Site<'_>, entry: &'a Entry, serving: &Serving) -> Self {
        let candidate = &entry.candidate;
        let serving = if is_chosen(candidate, serving) {
            serving.clone()
        } else {
            Serving {
                variant: candidate.variant.clone(),
                runner: candidate.runner.clone(),
                instances: candidate.instances,
                threads: candidate.settings.intra_threads,
                ..serving.clone()
            }
        };
        let first = site.plan.cases.first();
        let basis = site.key(SERVING, candidate, first.map(|case| &case.data));
        let key = basis.and_then(|candidate| {
            let basis = Basis {
                candidate: candidate.0,
                serving: &serving,
                budget: BUDGET,
            };
            Key::of(SERVING, &basis)
        });
        Self {
            known: key.and_then(|key| site.journal.recall(key)),
            entry,
            serving,
            key,
        }
    }

    fn trial(&self, site: &Site<'_>, inputs: &Path) -> ServingTrial {
        let candidate = &self.entry.candidate;
        ServingTrial {
            runner: candidate.runner.clone(),
            model: site.model_file(candidate),
            options: LoadOptions {
                device: candidate.device,
                settings: candidate.settings.clone(),
                libraries: site.libraries.clone(),
                declared: site.declaration(candidate),
                save_to: None,
            },
            serving: self.serving.clone(),
            inputs: inputs.to_owned(),
            budget: self.budget(site),
        }
    }

    /// Long enough for some batches, and no more than half of what is left for both.
    fn budget(&self, site: &Site<'_>) -> Duration {
        let mut known = self.entry.measurements.iter().rev();
        let batch = known.find(|measured| measured.batch <= self.serving.max_batch);
        let milliseconds = batch.map_or(0.0, |measured| measured.latency.p50_ms);
        let run = Duration::try_from_secs_f64(milliseconds / 1e3).unwrap_or_default();
        let left = site.plan.time_budget.saturating_sub(site.elapsed());
        (run * BATCHES).min(left / 4).max(BUDGET)
    }

    fn note(&self, site: &Site<'_>, measurement: &Measurement) {
        if let Some(key) = self.key {
            // What cannot be noted is done again after a kill; the run itself goes on.
            let _unnoted = site.journal.note(key, measurement);
        }
    }

    fn record(&self, found: Result<Measurement, String>) -> Record {
        let candidate = &self.entry.candidate;
        let mut record = Record::new(SERVING, &candidate.variant, &candidate.runner, Outcome::Ok);
        match found {
            Ok(measurement) => record.measurements.push(measurement),
            Err(reason) => {
                record.outcome = Outcome::Failed;
                record.reason = Some(reason);
            }
        }
        record
    }
}
