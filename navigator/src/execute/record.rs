//! The records of a candidate: what was attempted, how it ended, and the numbers.

use std::time::Duration;

use nav_package_format::Format;
use nav_package_format::package::record::{CONVERSION, CORRECTNESS, PERFORMANCE};
use nav_package_format::package::{Outcome, Record, Variant};
use nav_runners::gpu;

use super::built_for;
use super::entry::{End, Entry, Objection};
use super::site::Site;
use crate::plan::Origin;

/// Why nothing follows what failed.
const NOT_RIGHT: &str = "it is not known to be right";

impl Entry {
    /// The records, in the order of the steps.
    pub(crate) fn records(&self, site: &Site<'_>) -> Vec<Record> {
        let is_converted = self.candidate.origin != Origin::Untouched;
        let conversion = is_converted.then(|| {
            let mut record = self.record(site, CONVERSION, Outcome::Ok);
            match &self.conversion {
                // Another candidate, or an earlier run, may have made the file.
                None => {}
                Some(Ok(took)) => record.took_ms = Some(milliseconds(*took)),
                Some(Err(reason)) => {
                    record.outcome = Outcome::Failed;
                    record.reason = Some(reason.clone());
                }
            }
            record
        });
        let steps = [self.correctness(site), self.performance(site)];
        conversion.into_iter().chain(steps).collect()
    }

    fn correctness(&self, site: &Site<'_>) -> Record {
        let mut record = self.record(site, CORRECTNESS, Outcome::Ok);
        record.comparisons.clone_from(&self.proof.comparisons);
        match &self.proof.objection {
            Some(Objection::Failed(reason)) => {
                record.outcome = Outcome::Failed;
                record.reason = Some(reason.clone());
            }
            Some(Objection::Skipped(reason)) => {
                record.outcome = Outcome::Skipped;
                record.reason = Some(reason.clone());
            }
            None if !self.proof.is_made => {
                record.outcome = Outcome::Skipped;
                record.reason = Some("the time was up before it was its turn".to_owned());
            }
            None => {}
        }
        if record.outcome != Outcome::Skipped {
            record.took_ms = Some(milliseconds(self.proving));
        }
        record
    }

    fn performance(&self, site: &Site<'_>) -> Record {
        let mut record = self.record(site, PERFORMANCE, Outcome::Ok);
        record.measurements.clone_from(&self.measurements);
        let end = self.end.as_ref().map(|end| match end {
            End::Failed(reason) | End::Dropped(reason) => reason.clone(),
        });
        if self.measurements.is_empty() {
            let failed = matches!(self.end, Some(End::Failed(_)));
            record.outcome = if failed {
                Outcome::Failed
            } else {
                Outcome::Skipped
            };
            let why_not = if self.proof.is_made && self.proof.objection.is_none() {
                "the time was up before it was its turn"
            } else {
                NOT_RIGHT
            };
            record.reason = end.or_else(|| Some(why_not.to_owned()));
        } else {
            record.took_ms = Some(milliseconds(self.measuring));
            record.reason = end.map(|end| format!("measured no further: {end}"));
        }
        record
    }

    fn record(&self, site: &Site<'_>, step: &str, outcome: Outcome) -> Record {
        let candidate = &self.candidate;
        let mut record = Record::new(step, &candidate.variant, &candidate.runner, outcome);
        record.inputs = site.key(step, candidate, None).map(|key| key.0);
        record.peak_memory_bytes = self.peak.host;
        record.peak_device_memory_bytes = self.peak.device;
        let program = site.command.program.display().to_string();
        let arguments = site.command.arguments.iter();
        let arguments = arguments.map(|argument| argument.to_string_lossy().into_owned());
        let file = site.step_path(candidate).display().to_string();
        record.replay = [program]
            .into_iter()
            .chain(arguments)
            .chain([file])
            .collect();
        record
    }

    /// The variant, without its files.
    pub(crate) fn variant(&self, site: &Site<'_>) -> Variant {
        let candidate = &self.candidate;
        let format = site.model_file(candidate).format;
        let built_for = || {
            let version = site.host.version(&candidate.runner)?;
            built_for::of(&gpu::gpus(), candidate.device, version, site.plan.model)
        };
        Variant {
            name: self.candidate.variant.clone(),
            format: format.name().to_owned(),
            runner: self.candidate.runner.clone(),
            device: self.candidate.device,
            settings: self.candidate.settings.clone(),
            instances: self.candidate.instances,
            files: Vec::new(),
            built_for: (format == Format::TensorRt).then(built_for).flatten(),
        }
    }
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
