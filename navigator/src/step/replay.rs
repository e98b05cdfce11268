//! A step done again, alone: what a person runs to see for themselves.

use std::path::Path;

use serde::Serialize;

use super::file::{StepFile, StepFileError};
use super::limits;
use super::memory::Peak;
use super::protocol::{Answer, Request};
use super::work::Work;

/// For how long the first case is measured.
const LENGTH_US: u64 = 500_000;

/// For how long it is run before anything counts.
const WARM_UP_US: u64 = 50_000;

/// What became of a step.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Replayed {
    /// The variant.
    pub variant: String,
    /// The runner.
    pub runner: String,
    /// What was done, in order, and what came of it. Nothing follows what failed.
    pub done: Vec<Done>,
    /// The most memory that was held.
    #[serde(flatten)]
    pub peak: Peak,
    /// Whether all went well.
    pub is_ok: bool,
}

/// Something that was done.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Done {
    /// What.
    pub what: String,
    /// What came of it. Latencies are in nanoseconds.
    pub answer: Answer,
}

/// Does a step again: converts, loads, runs every case, and measures the first.
pub fn replay(file: &Path) -> Result<Replayed, StepFileError> {
    let step = StepFile::read(file)?;
    limits::apply(&step);
    let mut replayed = Replayed {
        variant: step.variant.clone(),
        runner: step.runner.clone(),
        done: Vec::new(),
        peak: Peak::default(),
        is_ok: true,
    };
    let mut work = Work::new(step);
    for (what, request) in requests(work.step()) {
        let said = work.answer(&request);
        replayed.peak = replayed.peak.or_more(said.peak);
        let went_wrong = match &said.answer {
            Answer::Failed(_) => true,
            Answer::Checked(report) => report.fault.is_some(),
            Answer::Done | Answer::Measured(_) => false,
        };
        replayed.done.push(Done {
            what,
            answer: said.answer,
        });
        if went_wrong {
            replayed.is_ok = false;
            break;
        }
    }
    Ok(replayed)
}

fn requests(step: &StepFile) -> Vec<(String, Request)> {
    let mut requests = Vec::new();
    if step.conversion.is_some() && !step.model.path.exists() {
        requests.push(("convert".to_owned(), Request::Convert));
    }
    requests.push(("load".to_owned(), Request::Load));
    for case in &step.cases {
        let inputs = case.inputs.clone();
        let request = match &case.expected {
            Some(expected) => Request::Check {
                inputs,
                expected: expected.clone(),
            },
            None => Request::Reference {
                inputs,
                outputs: None,
            },
        };
        requests.push((format!("check {}", case.name), request));
    }
    if let Some(case) = step.cases.first() {
        let request = Request::Measure {
            inputs: case.inputs.clone(),
            warm_up_us: WARM_UP_US,
            length_us: LENGTH_US,
        };
        requests.push((format!("measure {}", case.name), request));
    }
    requests
}
