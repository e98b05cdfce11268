//! What all steps of one run share: the plan, the folder, the clock, and how processes are started.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use nav_package_format::{Device, RunnerSettings, Signature, TensorData};
use nav_runners::{Declaration, Libraries, LoadOptions, ModelFile};
use nav_worker::WorkerCommand;
use serde::Serialize;

use super::child::{Child, Loss};
use crate::check::Tolerances;
use crate::convert::{self, Conversion, Python};
use crate::optimize::{ModelSource, OptimizeError, Stopwatch};
use crate::plan::{Candidate, Case, CaseData, HostFacts, Origin, Plan};
use crate::samples::SampleSource;
use crate::step::{ConversionStep, StepCase, StepFile, write_tensors};
use crate::workspace::{Journal, Key, Workspace};

/// What all steps share.
#[derive(Debug)]
pub(crate) struct Site<'run> {
    pub(crate) plan: &'run Plan,
    pub(crate) source: &'run ModelSource,
    pub(crate) host: &'run HostFacts,
    pub(crate) libraries: &'run Libraries,
    pub(crate) command: &'run WorkerCommand,
    pub(crate) samples: &'run SampleSource,
    pub(crate) workspace: &'run Workspace,
    pub(crate) journal: Journal,
    pub(crate) started: Instant,
    pub(crate) measured: &'run Stopwatch,
}

/// What the outcome of any step of a candidate depends on.
#[derive(Serialize)]
struct Basis<'a> {
    model: nav_package_format::Digest,
    #[serde(skip_serializing_if = "Option::is_none")]
    declared: Option<&'a Signature>,
    candidate: &'a Candidate,
    #[serde(skip_serializing_if = "Option::is_none")]
    python: Option<&'a Python>,
    runner_version: Option<&'a str>,
    host: nav_package_format::Digest,
    program: &'static str,
}

/// What the file of a converted model depends on, whichever settings it is run with.
#[derive(Serialize)]
struct ConvertedBasis<'a> {
    model: nav_package_format::Digest,
    /// Inputs and outputs are named in the file, and their open dimensions too.
    signature: &'a Signature,
    conversion: &'a str,
    /// One Python writes other files than another.
    python: Option<&'a Python>,
    runner_version: Option<&'a str>,
    told: Option<RunnerSettings>,
    host: Option<nav_package_format::Digest>,
    program: &'static str,
}

/// What the data of a case depends on besides.
#[derive(Serialize)]
struct DataBasis<'a> {
    data: &'a CaseData,
    seed: u64,
    samples: nav_package_format::Digest,
}

impl Site<'_> {
    /// How long the run has taken.
    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// The most time that a step may take now: its own limit, and what is left of the budget. A little is
    /// left whatever the time, so that what is asked for at the end can be answered.
    pub(crate) fn step_limit(&self) -> Duration {
        let left = self.plan.time_budget.saturating_sub(self.elapsed());
        self.plan
            .step_limit
            .min(left.max(self.plan.time_budget / 20))
    }

    /// The same for one of several steps side by side, each of which has a share of the processor only. So much of
    /// what is left stays that others can be tried.
    pub(crate) fn step_limit_beside(&self, beside: usize) -> Duration {
        let turns = beside.div_ceil(self.host.threads.max(1));
        let turns = u32::try_from(turns).unwrap_or(u32::MAX);
        let left = self.plan.time_budget.saturating_sub(self.elapsed());
        let longer = self.plan.step_limit.saturating_mul(turns).min(left * 3 / 5);
        longer.max(self.step_limit())
    }

    /// The key of a piece of work of a candidate.
    pub(crate) fn key(
        &self,
        kind: &str,
        candidate: &Candidate,
        data: Option<&CaseData>,
    ) -> Option<Key> {
        let basis = Basis {
            model: self.plan.model,
            declared: self.source.declared.as_ref(),
            candidate,
            python: match &candidate.origin {
                Origin::Untouched => None,
                Origin::Converted(name) => self.python_of(name),
            },
            runner_version: self.host.version(&candidate.runner),
            host: self.host.identity(),
            program: env!("CARGO_PKG_VERSION"),
        };
        let data = data.map(|data| DataBasis {
            data,
            seed: self.plan.seed,
            samples: self.samples.digest(),
        });
        // What another limit on memory ended may go well with this one.
        let memory = self
            .plan
            .is_memory_limit_given
            .then_some(self.plan.memory_limit);
        Key::of(kind, &(basis, data, &self.plan.tolerances, memory))
    }

    /// The model file of a candidate.
    pub(crate) fn model_file(&self, candidate: &Candidate) -> ModelFile {
        match &candidate.origin {
            Origin::Untouched => self.source.file.clone(),
            Origin::Converted(name) => {
                let conversion = convert::find(name);
                let format = conversion.map_or(self.plan.format, Conversion::to);
                // What a conversion would have the runner told may say how its file is made, and so may the host then.
                let told = conversion
                    .map(|conversion| conversion.settings(&candidate.runner, &self.plan.extents));
                let told = told.filter(|told| *told != RunnerSettings::default());
                let host = told.is_some().then(|| self.host.identity());
                let short = short_key(&ConvertedBasis {
                    model: self.plan.model,
                    signature: &self.plan.signature,
                    conversion: name,
                    python: self.python_of(name),
                    runner_version: self.host.version(&candidate.runner),
                    told,
                    host,
                    program: env!("CARGO_PKG_VERSION"),
                });
                ModelFile {
                    path: self
                        .workspace
                        .converted(&format!("{name}-{short}.{format}")),
                    format,
                }
            }
        }
    }

    /// The Python that does a conversion, where one does.
    fn python_of(&self, conversion: &str) -> Option<&Python> {
        let conversion = convert::find(conversion)?;
        let python = self.plan.python.as_ref();
        python.filter(|_| conversion.needs_python())
    }

    /// What the runner of a candidate is told of its model, where the file does not say it.
    pub(crate) fn declaration(&self, candidate: &Candidate) -> Option<Declaration> {
        let format = self.model_file(candidate).format;
        self.source
            .declaration()
            .filter(|_| !format.says_signature())
    }

    /// The step of a candidate, with the cases that are known by now.
    pub(crate) fn step_file(&self, candidate: &Candidate, cases: Vec<StepCase>) -> StepFile {
        let conversion = match &candidate.origin {
            Origin::Untouched => None,
            Origin::Converted(name) => Some(ConversionStep {
                name: name.clone(),
                from: self.source.file.clone(),
                python: self.plan.python.clone(),
            }),
        };
        StepFile {
            schema: StepFile::SCHEMA,
            variant: candidate.variant.clone(),
            runner: candidate.runner.clone(),
            model: self.model_file(candidate),
            options: LoadOptions {
                device: candidate.device,
                settings: candidate.settings.clone(),
                libraries: self.libraries.clone(),
                declared: self.declaration(candidate),
                save_to: None,
            },
            instances: candidate.instances,
            conversion,
            signature: self.plan.signature.clone(),
            tolerances: Tolerances {
                rules: self.plan.tolerances.clone(),
            },
            memory_limit: self.plan.memory_limit,
            cases,
        }
    }

    /// Where the step file of a candidate is.
    pub(crate) fn step_path(&self, candidate: &Candidate) -> PathBuf {
        let name = format!("{}-{}", candidate.variant, candidate.runner);
        self.workspace.step(&name)
    }

    /// The inputs of a case, in a file.
    pub(crate) fn inputs(&self, case: &Case) -> Result<PathBuf, OptimizeError> {
        let path = self.workspace.sample(&self.file_name(case));
        if !path.exists() {
            let made = self.samples.make(&case.data)?;
            let views = made
                .iter()
                .map(|(name, tensor)| (name.as_str(), TensorData::view(tensor)));
            write_tensors(&path, views).map_err(|source| OptimizeError::Tensors {
                path: path.clone(),
                source,
            })?;
        }
        Ok(path)
    }

    /// Where the outputs of the reference, which is this candidate, are for a case.
    pub(crate) fn expected(&self, reference: &Candidate, case: &Case) -> PathBuf {
        let version = self.host.version(&reference.runner);
        let short = short_key(&(self.plan.model, version, reference, self.file_name(case)));
        self.workspace.reference(&format!("{}-{short}", case.name))
    }

    /// A name for files of a case: what it is called, and what its data depends on.
    fn file_name(&self, case: &Case) -> String {
        let basis = DataBasis {
            data: &case.data,
            seed: self.plan.seed,
            samples: self.samples.digest(),
        };
        format!("{}-{}", case.name, short_key(&(self.plan.model, basis)))
    }

    /// How many processes may hold the model at once: weights, what a runtime makes of them, and room to work.
    pub(super) fn room(&self) -> usize {
        let files = &self.source.inspection;
        let external = files.external_files.iter().map(|file| file.bytes);
        let weights = external.fold(files.file.bytes, u64::saturating_add);
        let mut candidates = self.plan.candidates.iter();
        let uses_gpu = candidates.any(|candidate| candidate.device != Device::Cpu);
        let gpu = self.host.gpu_memory_bytes.filter(|_| uses_gpu);
        room(weights, self.host.memory_bytes, gpu)
    }

    /// Starts the process of a candidate's step. It ends with the thread that calls this.
    pub(super) fn start(&self, candidate: &Candidate) -> Result<Child, Loss> {
        Child::start(
            self.command,
            &self.step_path(candidate),
            self.plan.memory_limit,
        )
    }
}

/// How many processes may hold a model with so many bytes of weights, in this memory of the host, and in this of a GPU.
fn room(weights: u64, host: u64, gpu: Option<u64>) -> usize {
    const EACH: u64 = 64 << 20;
    // A context of CUDA, and what its libraries compute in.
    const EACH_ON_GPU: u64 = 1 << 30;
    let holds = |each: u64| weights.saturating_mul(3).saturating_add(each);
    let on_host = host / holds(EACH);
    let on_gpu = gpu.map_or(u64::MAX, |gpu| gpu / holds(EACH_ON_GPU));
    usize::try_from(on_host.min(on_gpu))
        .unwrap_or(usize::MAX)
        .max(2)
}

/// The first digits of the digest of what a file depends on, to be part of its name.
fn short_key(basis: &impl Serialize) -> String {
    let digest = Key::of("file", basis).map(|key| key.0.to_string());
    digest.unwrap_or_default().chars().take(12).collect()
}

#[cfg(test)]
mod tests {
    use nav_package_format::Digest;

    use super::*;

    #[test]
    fn as_many_hold_the_model_as_the_memory_has_room_for_that_has_least() {
        let check = |weights: u64, host: u64, gpu: Option<u64>, expected: usize| {
            assert_eq!(
                room(weights << 20, host << 30, gpu.map(|it| it << 30)),
                expected
            );
        };
        check(100, 24, None, 67);
        check(100, 24, Some(16), 12);
        check(100, 4, Some(80), 11);
        // Two are compared, whatever they take.
        check(8000, 24, Some(16), 2);
    }

    #[test]
    fn a_converted_file_is_used_again_only_for_what_it_was_made_of() {
        let own = Signature::default();
        let other = Signature {
            inputs: vec![nav_package_format::TensorSpec {
                name: "x".to_owned(),
                dtype: nav_package_format::DType::Fp32,
                dims: None,
                optional: false,
            }],
            outputs: Vec::new(),
        };
        let one = Python::new("/usr/bin/python3".into());
        let another = Python::new("/opt/python/bin/python3".into());
        let freer = Python {
            unconfined: true,
            ..one.clone()
        };
        let basis = || ConvertedBasis {
            model: Digest::of(b"model"),
            signature: &own,
            conversion: "onnx-exported",
            python: Some(&one),
            runner_version: Some("1.0"),
            told: None,
            host: None,
            program: "1.0",
        };
        let first = short_key(&basis());
        assert_eq!(first, short_key(&basis()));
        let differs = |basis: ConvertedBasis<'_>| assert_ne!(first, short_key(&basis));
        differs(ConvertedBasis {
            model: Digest::of(b"another"),
            ..basis()
        });
        differs(ConvertedBasis {
            signature: &other,
            ..basis()
        });
        differs(ConvertedBasis {
            conversion: "onnx-optimized",
            ..basis()
        });
        differs(ConvertedBasis {
            python: Some(&another),
            ..basis()
        });
        differs(ConvertedBasis {
            python: Some(&freer),
            ..basis()
        });
        differs(ConvertedBasis {
            python: None,
            ..basis()
        });
        differs(ConvertedBasis {
            runner_version: Some("1.1"),
            ..basis()
        });
        differs(ConvertedBasis {
            told: Some(RunnerSettings::default()),
            ..basis()
        });
        differs(ConvertedBasis {
            host: Some(Digest::of(b"host")),
            ..basis()
        });
        differs(ConvertedBasis {
            program: "1.1",
            ..basis()
        });
    }
}
