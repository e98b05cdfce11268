//! Whether candidates are right: the reference gives what is right, and everybody else is compared with it.

use std::path::PathBuf;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::child::Loss;
use super::entry::{Entry, Objection};
use super::site::Site;
use crate::optimize::OptimizeError;
use crate::plan::Case;
use crate::step::{Answer, Peak, Report, Request, StepCase};
use crate::workspace::WorkspaceError;

/// A case with its files.
#[derive(Clone, Debug)]
pub(super) struct Prepared {
    pub(super) case: Case,
    pub(super) inputs: PathBuf,
    /// What is right; written by the reference.
    pub(super) expected: PathBuf,
}

/// What part a candidate has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// It says what is right.
    Reference,
    /// It is compared.
    Compared,
}

/// How proving a candidate went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proven {
    /// All is as it should be.
    Right,
    /// Outputs are not as they should be.
    Wrong,
    /// There are no outputs to judge by.
    Lost,
}

/// What came of a case, as the journal keeps it.
#[derive(Debug, Serialize, Deserialize)]
struct Noted {
    outcome: Result<Report, String>,
    #[serde(flatten)]
    peak: Peak,
}

impl Part {
    const fn kind(self) -> &'static str {
        match self {
            Self::Reference => "reference",
            Self::Compared => "check",
        }
    }
}

/// Makes the files of cases.
pub(super) fn prepare(
    site: &Site<'_>,
    reference: &Entry,
    cases: &[Case],
) -> Result<Vec<Prepared>, OptimizeError> {
    let prepared = cases.iter().map(|case| {
        Ok(Prepared {
            case: case.clone(),
            inputs: site.inputs(case)?,
            expected: site.expected(&reference.candidate, case),
        })
    });
    prepared.collect()
}

impl Entry {
    /// Starts its process, if it has none. Must be called by the thread that outlives the process.
    pub(super) fn start(&mut self, site: &Site<'_>) -> Result<(), OptimizeError> {
        if self.child.is_some() {
            return Ok(());
        }
        self.write_step(site)?;
        self.is_loaded = false;
        match site.start(&self.candidate) {
            Ok(child) => self.child = Some(child),
            Err(loss) => self.fail(loss.into_reason()),
        }
        Ok(())
    }

    /// Has its process convert and load the model, if that is still to be done, as one of so many side by side.
    pub(super) fn load(&mut self, site: &Site<'_>, beside: usize) {
        let Some(child) = self.child.as_mut().filter(|_| !self.is_loaded) else {
            return;
        };
        let model = site.model_file(&self.candidate);
        if model.path != site.source.file.path && !model.path.exists() {
            let started = Instant::now();
            match child.ask(
                &Request::Convert,
                "convert the model",
                site.step_limit_beside(beside),
            ) {
                Ok(_) => self.conversion = Some(Ok(started.elapsed())),
                Err(loss) => {
                    let reason = loss.into_reason();
                    self.conversion = Some(Err(reason.clone()));
                    self.child = None;
                    let skipped = format!("the conversion failed: {reason}");
                    self.proof.objection = Some(Objection::Skipped(skipped));
                    return;
                }
            }
        }
        match child.ask(
            &Request::Load,
            "load the model",
            site.step_limit_beside(beside),
        ) {
            Ok(_) => self.is_loaded = true,
            Err(loss) => self.fail(loss.into_reason()),
        }
    }

    /// Whether all that these cases would tell is known from an earlier run.
    pub(super) fn is_known(&self, site: &Site<'_>, cases: &[Prepared], part: Part) -> bool {
        cases
            .iter()
            .all(|prepared| self.recall(site, prepared, part).is_some())
    }

    /// Runs cases, one after the other, until one shows a fault.
    pub(super) fn prove(&mut self, site: &Site<'_>, cases: &[Prepared], part: Part) -> Proven {
        let started = Instant::now();
        let mut proven = Proven::Right;
        for prepared in cases {
            if self.proof.objection.is_some() {
                proven = Proven::Lost;
                break;
            }
            self.add_cases(std::slice::from_ref(prepared), part);
            // Without it the step cannot be replayed; the run itself goes on.
            let _unwritten = self.write_step(site);
            let (noted, is_new) = match self.recall(site, prepared, part) {
                Some(noted) => (noted, false),
                None => (self.run_case(site, prepared, part), true),
            };
            self.peak = self.peak.or_more(noted.peak);
            if is_new
                && let Some(key) = site.key(part.kind(), &self.candidate, Some(&prepared.case.data))
            {
                // What cannot be noted is done again after a kill; the run itself goes on.
                let _unnoted = site.journal.note(key, &noted);
            }
            proven = self.judge(&prepared.case.name, noted.outcome, part);
            if proven != Proven::Right {
                break;
            }
        }
        self.proving += started.elapsed();
        proven
    }

    fn judge(&mut self, case: &str, outcome: Result<Report, String>, part: Part) -> Proven {
        match outcome {
            Ok(report) => {
                self.proof.note(case, &report.outputs);
                let nothing = report
                    .outputs
                    .iter()
                    .find(|output| part == Part::Reference && !output.difference.has_numbers);
                let fault = report.fault.map(|fault| fault.to_string());
                let fault = fault.or_else(|| {
                    let output = &nothing?.output;
                    Some(format!(
                        "output `{output}`: it holds no finite number, so nothing can be compared with it"
                    ))
                });
                match fault {
                    None => Proven::Right,
                    Some(fault) => {
                        self.fail(format!("{case}: {fault}"));
                        Proven::Wrong
                    }
                }
            }
            Err(reason) => {
                self.fail(format!("{case}: {reason}"));
                Proven::Lost
            }
        }
    }

    fn run_case(&mut self, site: &Site<'_>, prepared: &Prepared, part: Part) -> Noted {
        let inputs = prepared.inputs.clone();
        let request = match part {
            Part::Reference => Request::Reference {
                inputs,
                outputs: Some(prepared.expected.clone()),
            },
            Part::Compared => Request::Check {
                inputs,
                expected: prepared.expected.clone(),
            },
        };
        let doing = format!("run {}", prepared.case.name);
        let outcome = match &mut self.child {
            None => Err("there is no process to run it".to_owned()),
            Some(child) => match child.ask(&request, &doing, site.step_limit()) {
                Ok(Answer::Checked(report)) => Ok(report),
                Ok(_) => Err("it answered something else".to_owned()),
                Err(Loss::Refused(reason) | Loss::Gone(reason)) => Err(reason),
            },
        };
        self.note_memory();
        Noted {
            outcome,
            peak: self.peak,
        }
    }

    fn recall(&self, site: &Site<'_>, prepared: &Prepared, part: Part) -> Option<Noted> {
        if part == Part::Reference && !prepared.expected.exists() {
            return None;
        }
        site.journal
            .recall(site.key(part.kind(), &self.candidate, Some(&prepared.case.data))?)
    }

    /// Adds cases to what its step file will hold.
    pub(super) fn add_cases(&mut self, cases: &[Prepared], part: Part) {
        for prepared in cases {
            let case = step_case(prepared, part);
            if !self.cases.contains(&case) {
                self.cases.push(case);
            }
        }
    }

    /// Writes the step file, if it lacks a case: what is done can be done again.
    fn write_step(&mut self, site: &Site<'_>) -> Result<(), WorkspaceError> {
        if self.written < self.cases.len() || self.written == 0 {
            let step = site.step_file(&self.candidate, self.cases.clone());
            let path = site.step_path(&self.candidate);
            site.workspace.write(&path, &step)?;
            self.written = self.cases.len();
        }
        Ok(())
    }
}

fn step_case(prepared: &Prepared, part: Part) -> StepCase {
    StepCase {
        name: prepared.case.name.clone(),
        inputs: prepared.inputs.clone(),
        expected: (part == Part::Compared).then(|| prepared.expected.clone()),
    }
}

/// Does the same with several entries side by side, each on a thread of its own.
pub(super) fn side_by_side(entries: Vec<&mut Entry>, work: impl Fn(&mut Entry) + Sync) {
    if let [_] = entries.as_slice() {
        entries.into_iter().for_each(work);
        return;
    }
    std::thread::scope(|scope| {
        for entry in entries {
            let work = &work;
            let thread = std::thread::Builder::new().name("nav-prove".to_owned());
            let slot = std::sync::Mutex::new(Some(entry));
            let run = move || {
                if let Some(entry) = slot.lock().ok().and_then(|mut slot| slot.take()) {
                    work(entry);
                }
            };
            // Without a thread the entry is left as it is, which is not proven.
            let _started = thread.spawn_scoped(scope, run);
        }
    });
}
