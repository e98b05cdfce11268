//! What a step can be asked to do, whoever asks.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use nav_package_format::numpy::NumpyError;
use nav_package_format::{Device, TensorData};
use nav_runners::monitor::Monitor;
use nav_worker::contain;
use rustix::fs::{FlockOperation, flock};

use super::bench::{Bench, BenchError, Length, Outputs};
use super::file::StepFile;
use super::inputs::{Inputs, read_tensors, write_tensors};
use super::memory::{Family, Peak};
use super::protocol::{Answer, Fault, OutputReport, Report, Request, Said};
use crate::check::{Difference, Observed, first_fault};
use crate::convert::{self, ConvertError, Job};
use crate::samples::extents_of;

/// How many inputs are kept: measuring asks for the same over and over.
const KEPT: usize = 2;

/// A step at work.
#[derive(Debug)]
pub(super) struct Work {
    step: StepFile,
    bench: Option<Bench>,
    inputs: HashMap<PathBuf, Arc<Inputs>>,
    /// Who tells of the memory of GPUs, once somebody was looked for.
    monitor: OnceCell<Option<Monitor>>,
    family: Family,
}

#[derive(Debug, thiserror::Error)]
enum WorkError {
    #[error(transparent)]
    Bench(#[from] BenchError),
    #[error("{path}: {source}", path = .path.display())]
    File { path: PathBuf, source: NumpyError },
    #[error("the model is not loaded")]
    NotLoaded,
    #[error("the converted model cannot be put in its place: {0}")]
    Place(std::io::Error),
    #[error("there is no conversion {name}")]
    NoConversion { name: String },
    #[error(transparent)]
    Convert(#[from] ConvertError),
}

impl Work {
    pub(super) fn new(step: StepFile) -> Self {
        Self {
            step,
            bench: None,
            inputs: HashMap::new(),
            monitor: OnceCell::new(),
            family: Family::of(std::process::id()),
        }
    }

    pub(super) const fn step(&self) -> &StepFile {
        &self.step
    }

    /// Does what is asked for.
    pub(super) fn answer(&mut self, request: &Request) -> Said {
        let answer = self.obey(request);
        Said {
            answer: answer.unwrap_or_else(|error| Answer::Failed(error.to_string())),
            peak: self.peak(),
        }
    }

    /// What this process and those that it started have held. Runtimes keep what they took of a GPU's memory, so what is held of it
    /// after a request is the most so far.
    fn peak(&mut self) -> Peak {
        let device = match self.step.options.device {
            Device::Cpu => None,
            Device::Cuda(_) => {
                let monitor = self.monitor.get_or_init(|| Monitor::open().ok());
                monitor
                    .as_ref()
                    .and_then(|it| it.held_by(&self.family.members()))
            }
        };
        Peak {
            host: self.family.memory().map(|memory| memory.peak),
            device,
        }
    }

    fn obey(&mut self, request: &Request) -> Result<Answer, WorkError> {
        match request {
            Request::Convert => self.convert(),
            Request::Load => {
                self.bench = Some(Bench::load(&self.step)?);
                Ok(Answer::Done)
            }
            Request::Reference { inputs, outputs } => {
                let (inputs, first, again) = self.run_twice(inputs)?;
                let report = self.report(&inputs, &first, &again, None);
                if let Some(path) = outputs {
                    let views = first
                        .iter()
                        .map(|(name, tensor)| (name.as_str(), tensor.view()));
                    write_tensors(path, views).map_err(|source| WorkError::File {
                        path: path.clone(),
                        source,
                    })?;
                }
                Ok(Answer::Checked(report))
            }
            Request::Check { inputs, expected } => {
                let right = read_tensors(expected).map_err(|source| WorkError::File {
                    path: expected.clone(),
                    source,
                })?;
                let (inputs, first, again) = self.run_twice(inputs)?;
                Ok(Answer::Checked(self.report(
                    &inputs,
                    &first,
                    &again,
                    Some(&right),
                )))
            }
            Request::Measure {
                inputs,
                warm_up_us,
                length_us,
            } => {
                let inputs = self.inputs(inputs)?;
                let length = Length {
                    warm_up: Duration::from_micros(*warm_up_us),
                    measured: Duration::from_micros(*length_us),
                };
                Ok(Answer::Measured(self.bench()?.measure(&inputs, length)?))
            }
        }
    }

    fn convert(&self) -> Result<Answer, WorkError> {
        let Some(conversion) = &self.step.conversion else {
            return Ok(Answer::Done);
        };
        let found = convert::find(&conversion.name);
        let found = found.ok_or_else(|| WorkError::NoConversion {
            name: conversion.name.clone(),
        })?;
        let to = &self.step.model.path;
        // Candidates on several runners want the same file: one makes it, and the others wait.
        let lock = File::create(to.with_extension("lock")).map_err(WorkError::Place)?;
        flock(&lock, FlockOperation::LockExclusive)
            .map_err(|errno| WorkError::Place(errno.into()))?;
        if to.exists() {
            return Ok(Answer::Done);
        }
        let unfinished = to.with_extension(format!("{}.unfinished", std::process::id()));
        // The last case has more than one row, where there is one that has.
        let example = self.step.cases.last().map(|case| case.inputs.as_path());
        let job = Job {
            model: &conversion.from,
            to: &unfinished,
            libraries: &self.step.options.libraries,
            device: self.step.options.device,
            settings: &self.step.options.settings,
            signature: &self.step.signature,
            example,
            python: conversion.python.as_ref(),
        };
        let converted = contain(|| found.convert(&job));
        converted.map_err(BenchError::Panicked)??;
        std::fs::rename(&unfinished, to).map_err(WorkError::Place)?;
        Ok(Answer::Done)
    }

    fn bench(&self) -> Result<&Bench, WorkError> {
        self.bench.as_ref().ok_or(WorkError::NotLoaded)
    }

    /// The inputs of a file.
    fn inputs(&mut self, path: &Path) -> Result<Arc<Inputs>, WorkError> {
        if let Some(known) = self.inputs.get(path) {
            return Ok(Arc::clone(known));
        }
        let signature = self.bench()?.signature();
        let inputs = Inputs::read(path, signature).map_err(|source| WorkError::File {
            path: path.to_owned(),
            source,
        })?;
        if self.inputs.len() >= KEPT {
            self.inputs.clear();
        }
        self.inputs.insert(path.to_owned(), Arc::clone(&inputs));
        Ok(inputs)
    }

    fn run_twice(&mut self, path: &Path) -> Result<(Arc<Inputs>, Outputs, Outputs), WorkError> {
        let inputs = self.inputs(path)?;
        let bench = self.bench()?;
        let first = bench.run(&inputs)?;
        let again = bench.run(&inputs)?;
        Ok((inputs, first, again))
    }

    /// What becomes of the outputs of two runs.
    fn report(
        &self,
        inputs: &Inputs,
        first: &[(String, TensorData)],
        again: &[(String, TensorData)],
        right: Option<&[(String, TensorData)]>,
    ) -> Report {
        let signature = &self.step.signature;
        let extents = extents_of(&signature.inputs, &inputs.tensors);
        let mut report = Report::default();
        for spec in &signature.outputs {
            let given = find(first, &spec.name).zip(find(again, &spec.name));
            let Some((found, second)) = given else {
                if !spec.optional {
                    report.blame("declared", &spec.name, "it is missing");
                }
                continue;
            };
            let expected = right.and_then(|right| find(right, &spec.name));
            if right.is_some() && expected.is_none() {
                report.blame("agreement", &spec.name, "the reference does not give it");
                continue;
            }
            let original = expected.unwrap_or(found).view();
            let tolerance = self.step.tolerances.of(&spec.name, original);
            let fault = first_fault(&Observed {
                spec,
                extents: &extents,
                found: found.view(),
                again: second.view(),
                expected: expected.map(TensorData::view),
                tolerance: &tolerance,
            });
            if let Some((check, text)) = fault {
                report.blame(check, &spec.name, &text);
            }
            let is_comparable =
                found.dtype() == original.dtype() && found.shape() == original.shape();
            report.outputs.push(OutputReport {
                output: spec.name.clone(),
                dtype: found.dtype(),
                difference: if is_comparable {
                    Difference::between(found.view(), original, &tolerance)
                } else {
                    Difference::default()
                },
                tolerance,
            });
        }
        report
    }
}

fn find<'a>(outputs: &'a [(String, TensorData)], name: &str) -> Option<&'a TensorData> {
    let mut named = outputs.iter();
    named
        .find(|(output, _)| output == name)
        .map(|(_, tensor)| tensor)
}

impl Report {
    /// Notes a fault; the first one stays.
    fn blame(&mut self, check: &str, output: &str, text: &str) {
        self.fault.get_or_insert_with(|| Fault {
            check: check.to_owned(),
            output: output.to_owned(),
            text: text.to_owned(),
        });
    }
}

#[cfg(test)]
mod tests {
    use nav_package_format::{Format, Signature};
    use nav_runners::{LoadOptions, ModelFile};

    use super::super::file::ConversionStep;
    use super::*;
    use crate::check::Tolerances;
    use crate::convert::python::fake_that;

    #[test]
    fn steps_that_want_the_same_file_make_it_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        // A Python that notes that it was asked where it is, and writes something.
        let script = "read -r line\nto=${line#*\\\"to\\\":\\\"}\necho made >\"${to%%\\\"*}\"";
        let python = fake_that(folder.path(), "echo asked >>\"${0%/*}/asked\"", script);
        let model = |name: &str, format| ModelFile {
            path: path(name),
            format,
        };
        let step = StepFile {
            schema: StepFile::SCHEMA,
            variant: "onnx-exported".to_owned(),
            runner: "OnnxCPU".to_owned(),
            model: model("made.onnx", Format::Onnx),
            options: LoadOptions::default(),
            instances: 1,
            conversion: Some(ConversionStep {
                name: "onnx-exported".to_owned(),
                from: model("model.pt", Format::TorchScript),
                python: Some(python),
            }),
            signature: Signature::default(),
            tolerances: Tolerances { rules: Vec::new() },
            memory_limit: u64::MAX,
            cases: vec![super::super::file::StepCase {
                name: "batch 1".to_owned(),
                inputs: path("inputs.npz"),
                expected: None,
            }],
        };
        std::thread::scope(|scope| {
            let steps = (0..3).map(|_| {
                scope.spawn(|| {
                    let said = Work::new(step.clone()).answer(&Request::Convert);
                    assert_eq!(said.answer, Answer::Done);
                })
            });
            let steps: Vec<_> = steps.collect();
            for step in steps {
                step.join().unwrap();
            }
        });
        let asked = std::fs::read_to_string(path("asked")).unwrap();
        assert_eq!(asked, "asked\n");
        assert_eq!(
            std::fs::read_to_string(path("made.onnx")).unwrap(),
            "made\n"
        );
    }
}
