//! What is known of a candidate so far.

use std::time::Duration;

use nav_package_format::package::{Comparison, Measurement};

use super::child::Child;
use crate::plan::Candidate;
use crate::step::{OutputReport, Peak, StepCase};

/// A candidate and what became of it.
#[derive(Debug)]
pub(crate) struct Entry {
    /// What is tried.
    pub(crate) candidate: Candidate,
    /// Its process, while there is one.
    pub(super) child: Option<Child>,
    /// Whether its process has the model loaded.
    pub(super) is_loaded: bool,
    /// What its step file holds, once it is written.
    pub(super) cases: Vec<StepCase>,
    /// How many of the cases are in the file.
    pub(super) written: usize,
    /// What became of its conversion.
    pub(crate) conversion: Option<Result<Duration, String>>,
    /// Whether it is right.
    pub(crate) proof: Proof,
    /// What was measured, by batch.
    pub(crate) measurements: Vec<Measurement>,
    /// Why it was measured no further.
    pub(crate) end: Option<End>,
    /// How long comparing took.
    pub(crate) proving: Duration,
    /// How long measuring took.
    pub(crate) measuring: Duration,
    /// The most memory that its process held.
    pub(crate) peak: Peak,
}

/// Whether a candidate is right.
#[derive(Debug, Default)]
pub(crate) struct Proof {
    /// How far each output is off, over all that was compared.
    pub(crate) comparisons: Vec<Comparison>,
    /// Why it is not right, or why that is not known.
    pub(crate) objection: Option<Objection>,
    /// Whether anything was compared.
    pub(crate) is_made: bool,
}

/// Why a candidate is out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Objection {
    /// It failed.
    Failed(String),
    /// It was not tried.
    Skipped(String),
}

/// Why a candidate was measured no further.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It failed at a batch.
    Failed(String),
    /// It cannot win any more.
    Dropped(String),
}

impl Entry {
    /// A candidate of which nothing is known.
    pub(super) fn new(candidate: Candidate) -> Self {
        Self {
            candidate,
            child: None,
            is_loaded: false,
            cases: Vec::new(),
            written: 0,
            conversion: None,
            proof: Proof::default(),
            measurements: Vec::new(),
            end: None,
            proving: Duration::ZERO,
            measuring: Duration::ZERO,
            peak: Peak::default(),
        }
    }

    /// Whether it may still be chosen, and measured.
    pub(super) fn is_in(&self) -> bool {
        self.proof.objection.is_none() && self.proof.is_made && self.end.is_none()
    }

    /// Whether it is right, and nothing failed that it was measured at.
    pub(super) fn may_be_chosen(&self) -> bool {
        let has_failed = matches!(self.end, Some(End::Failed(_)));
        self.proof.objection.is_none() && self.proof.is_made && !has_failed
    }

    /// Puts it out: it failed.
    pub(super) fn fail(&mut self, reason: String) {
        self.child = None;
        self.proof
            .objection
            .get_or_insert(Objection::Failed(reason));
    }

    /// The measurement at a batch.
    pub(super) fn at(&self, batch: Option<usize>) -> Option<&Measurement> {
        let mut measurements = self.measurements.iter();
        measurements.find(|measurement| measurement.batch == batch)
    }

    /// Notes a measurement, in the order of batches, in place of an earlier one of that batch.
    pub(super) fn note(&mut self, measurement: Measurement) {
        self.measurements
            .retain(|known| known.batch != measurement.batch);
        self.measurements.push(measurement);
        self.measurements
            .sort_by_key(|measurement| measurement.batch);
    }

    /// Notes how much memory its process held.
    pub(super) fn note_memory(&mut self) {
        if let Some(child) = &self.child {
            self.peak = self.peak.or_more(child.peak);
        }
    }
}

impl Proof {
    /// Notes how far the outputs of a case are off.
    pub(super) fn note(&mut self, case: &str, outputs: &[OutputReport]) {
        self.is_made = true;
        for report in outputs {
            let seen = self.comparison_of(report);
            if report.difference.largest_absolute > seen.largest_absolute
                || seen.largest_absolute.is_none()
            {
                seen.largest_absolute = report.difference.largest_absolute;
                let worst = report.difference.worst.as_ref();
                seen.worst = worst.map(|worst| format!("{case}: {worst}"));
            }
            let relative = [seen.largest_relative, report.difference.largest_relative];
            seen.largest_relative = relative.into_iter().flatten().reduce(f64::max);
            seen.within &= report.difference.breach.is_none();
            seen.tolerance.absolute = seen.tolerance.absolute.max(report.tolerance.absolute);
        }
    }

    fn comparison_of(&mut self, report: &OutputReport) -> &mut Comparison {
        let known = self
            .comparisons
            .iter()
            .position(|one| one.output == report.output);
        let place = known.unwrap_or(self.comparisons.len());
        if known.is_none() {
            self.comparisons.push(Comparison {
                output: report.output.clone(),
                dtype: report.dtype,
                tolerance: report.tolerance.clone(),
                largest_absolute: None,
                largest_relative: None,
                within: true,
                worst: None,
            });
        }
        &mut self.comparisons[place]
    }
}
