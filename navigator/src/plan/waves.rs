//! Waves: settings that are tried on top of the candidates that lead when their turn comes, so that the search
//! costs the sum of the knobs and not their product.

use std::collections::{BTreeMap, BTreeSet};

use nav_package_format::{ExecutionMode, RunnerSettings, Signature, TensorSpec};
use serde::{Deserialize, Serialize};

use super::candidate::Candidate;
use super::host_facts::HostFacts;
use super::knobs::{self, Entry};
use crate::optimize::Settings;

/// Settings that are tried together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wave {
    /// What it is about.
    pub name: String,
    /// The runner whose leader they are tried on.
    pub runner: String,
    /// What is tried.
    pub refinements: Vec<Refinement>,
}

/// A change to a candidate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refinement {
    /// What is added to the name of the variant.
    pub suffix: String,
    /// Threads for each instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threads: Option<usize>,
    /// How many sessions run side by side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instances: Option<usize>,
    /// Whether waiting threads spin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spinning: Option<bool>,
    /// Whether independent operators run side by side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_mode: Option<ExecutionMode>,
    /// Free-form entries besides those that there are.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub entries: BTreeMap<String, String>,
}

impl Wave {
    /// What is tried on top of this leader: nothing that is the leader itself.
    pub fn on(&self, leader: &Candidate) -> Vec<Candidate> {
        if leader.runner != self.runner {
            return Vec::new();
        }
        let effective = self.refinements.iter();
        let effective = effective.filter(|change| change.changes_something_on(leader));
        let refined = effective.map(|change| change.on(leader));
        refined
            .filter(|candidate| {
                candidate.settings != leader.settings || candidate.instances != leader.instances
            })
            .collect()
    }
}

impl Refinement {
    /// Whether it can make a difference: a single thread has nothing to wait for, and so does not spin.
    fn changes_something_on(&self, leader: &Candidate) -> bool {
        self.spinning.is_none() || leader.settings.intra_threads != Some(1)
    }

    fn on(&self, leader: &Candidate) -> Candidate {
        let settings = RunnerSettings {
            intra_threads: self.threads.or(leader.settings.intra_threads),
            spinning: self.spinning.or(leader.settings.spinning),
            execution_mode: self.execution_mode.or(leader.settings.execution_mode),
            config_entries: leader
                .settings
                .config_entries
                .clone()
                .into_iter()
                .chain(self.entries.clone())
                .collect(),
            ..leader.settings.clone()
        };
        Candidate {
            variant: format!("{}-{}", leader.variant, self.suffix),
            settings,
            instances: self.instances.unwrap_or(leader.instances),
            ..leader.clone()
        }
    }
}

/// The waves for a runner and a model of this signature, of which so many operators could run side by side. By itself, a
/// runner takes a thread for each physical core.
pub(super) fn of(
    runner: &str,
    host: &HostFacts,
    (signature, width): (&Signature, u64),
    settings: &Settings,
) -> Vec<Wave> {
    let (threads, usual) = (host.threads, host.cores);
    let knobs = knobs::of(runner);
    let mut waves = Vec::new();
    if signature.inputs.iter().any(is_image_like) {
        waves.push(wave("layout", runner, entries(knobs.layouts)));
    }
    waves.push(wave("precision", runner, entries(knobs.precisions)));
    waves.push(wave("recording", runner, entries(knobs.recordings)));
    if knobs.threads || knobs.instances {
        let splits = splits(threads, usual, knobs.threads, settings);
        waves.push(wave("threads and instances", runner, splits));
    }
    if knobs.scheduling {
        let spinning = Refinement {
            suffix: "no-spinning".to_owned(),
            spinning: Some(false),
            ..Refinement::default()
        };
        let parallel = Refinement {
            suffix: "parallel".to_owned(),
            execution_mode: Some(ExecutionMode::Parallel),
            ..Refinement::default()
        };
        let mut scheduling = vec![spinning];
        if width > 1 {
            scheduling.push(parallel);
        }
        waves.push(wave("scheduling", runner, scheduling));
    }
    waves.retain(|wave| !wave.refinements.is_empty());
    waves
}

/// Whether an input is of the kind whose channels may come last: of four dimensions, images among them.
fn is_image_like(spec: &TensorSpec) -> bool {
    spec.dtype.is_float() && spec.dims.as_ref().is_some_and(|dims| dims.len() == 4)
}

fn entries(entries: &[Entry]) -> Vec<Refinement> {
    let refinements = entries.iter().map(|entry| Refinement {
        suffix: entry.suffix.to_owned(),
        entries: [(entry.key.to_owned(), entry.value.to_owned())].into(),
        ..Refinement::default()
    });
    refinements.collect()
}

fn wave(name: &str, runner: &str, refinements: Vec<Refinement>) -> Wave {
    Wave {
        name: name.to_owned(),
        runner: runner.to_owned(),
        refinements,
    }
}

/// Threads and instances that share the processor out in full, and fewer threads for one instance: small
/// models lose more by sharing their work than they gain.
fn splits(
    processor: usize,
    usual: usize,
    can_set_threads: bool,
    settings: &Settings,
) -> Vec<Refinement> {
    let mut pairs = BTreeSet::new();
    let threads = if can_set_threads {
        choices(&settings.threads, processor)
    } else {
        vec![1]
    };
    for &each in &threads {
        if settings.instances.is_empty() {
            pairs.insert((each, 1));
            pairs.insert((each, (processor / each).max(1)));
        } else {
            pairs.extend(
                settings
                    .instances
                    .iter()
                    .map(|&instances| (each, instances)),
            );
        }
    }
    let is_usual =
        |&(each, instances): &(usize, usize)| instances == 1 && (each == usual || !can_set_threads);
    pairs
        .into_iter()
        .filter(|pair| !is_usual(pair))
        .map(|(each, instances)| Refinement {
            suffix: if can_set_threads {
                format!("{each}x{instances}")
            } else {
                format!("x{instances}")
            },
            threads: can_set_threads.then_some(each),
            instances: Some(instances),
            ..Refinement::default()
        })
        .collect()
}

/// What the user named, or the powers of two below the whole, and the whole.
fn choices(given: &[usize], whole: usize) -> Vec<usize> {
    if !given.is_empty() {
        return given.to_vec();
    }
    let powers = std::iter::successors(Some(1_usize), |power| power.checked_mul(2));
    let mut choices: Vec<usize> = powers.take_while(|&power| power < whole).collect();
    choices.push(whole.max(1));
    choices
}

#[cfg(test)]
mod tests {
    use nav_package_format::Device;

    use super::*;

    fn host(threads: usize) -> HostFacts {
        HostFacts {
            system: String::new(),
            processor: String::new(),
            cores: threads,
            threads,
            memory_bytes: 1 << 30,
            gpus: Vec::new(),
            gpu_memory_bytes: None,
            runners: Vec::new(),
        }
    }

    fn names(runner: &str, threads: usize, settings: &Settings) -> Vec<Vec<String>> {
        let leader = Candidate::untouched("onnx", runner, Device::Cpu);
        let waves = of(runner, &host(threads), (&Signature::default(), 2), settings);
        let names = waves.iter().map(|wave| {
            let tried = wave.on(&leader);
            tried
                .into_iter()
                .map(|candidate| candidate.variant)
                .collect()
        });
        names.collect()
    }

    #[test]
    fn the_processor_is_shared_out_in_powers_of_two() {
        let check = |runner: &str, threads: usize, expected: &[&str]| {
            let found = names(runner, threads, &Settings::default());
            assert_eq!(found.first().cloned().unwrap_or_default(), expected);
        };
        check("OnnxCPU", 2, &["onnx-1x1", "onnx-1x2"]);
        check(
            "OnnxCPU",
            6,
            &["onnx-1x1", "onnx-1x6", "onnx-2x1", "onnx-2x3", "onnx-4x1"],
        );
        check("OnnxCPU", 1, &["onnx-no-spinning", "onnx-parallel"]);
        check("TractCPU", 2, &["onnx-x2"]);
        check("TensorRT", 2, &["onnx-cuda-graph"]);
        check("OnnxTensorRT", 2, &[]);
    }

    #[test]
    fn what_the_user_names_is_what_is_tried() {
        let settings = Settings {
            threads: vec![2],
            instances: vec![1, 3],
            ..Settings::default()
        };
        assert_eq!(
            names("OnnxCPU", 4, &settings).first().unwrap(),
            &["onnx-2x1", "onnx-2x3"]
        );
    }

    #[test]
    fn channels_come_last_only_where_there_are_some_and_precision_is_a_matter_of_gpus() {
        let check = |runner: &str, dims: &str, expected: &[&str]| {
            let signature = Signature {
                inputs: vec![TensorSpec {
                    name: "x".to_owned(),
                    dtype: nav_package_format::DType::Fp32,
                    dims: Some(nav_package_format::onnx::build::dims(dims)),
                    optional: false,
                }],
                outputs: Vec::new(),
            };
            let leader = Candidate::untouched("torch-script", runner, Device::Cpu);
            let waves = of(runner, &host(1), (&signature, 2), &Settings::default());
            let tried = waves.iter().flat_map(|wave| wave.on(&leader));
            let names: Vec<String> = tried.map(|candidate| candidate.variant).collect();
            assert_eq!(names, expected);
        };
        check(
            "TorchScriptCPU",
            "batch,3,8,8",
            &["torch-script-channels-last"],
        );
        check("TorchScriptCPU", "batch,8", &[]);
        check(
            "OnnxCUDA",
            "batch,8",
            &["torch-script-tf32", "torch-script-cuda-graph"],
        );
        check(
            "OnnxCPU",
            "batch,3,8,8",
            &["torch-script-no-spinning", "torch-script-parallel"],
        );
        check(
            "TorchScriptCUDA",
            "batch,3,8,8",
            &[
                "torch-script-channels-last",
                "torch-script-tf32",
                "torch-script-bf16",
                "torch-script-fp16",
            ],
        );
    }

    #[test]
    fn what_can_make_no_difference_is_not_tried() {
        let check = |width: u64, threads: Option<usize>, expected: &[&str]| {
            let signature = Signature::default();
            let settings = Settings::default();
            let waves = of("OnnxCPU", &host(2), (&signature, width), &settings);
            let mut leader = Candidate::untouched("onnx", "OnnxCPU", Device::Cpu);
            leader.settings.intra_threads = threads;
            let scheduling = waves.iter().filter(|wave| wave.name == "scheduling");
            let tried = scheduling.flat_map(|wave| wave.on(&leader));
            let names: Vec<String> = tried.map(|candidate| candidate.variant).collect();
            assert_eq!(names, expected);
        };
        check(2, None, &["onnx-no-spinning", "onnx-parallel"]);
        // A chain, of which nothing runs side by side.
        check(1, None, &["onnx-no-spinning"]);
        // One thread, which waits for no other.
        check(2, Some(1), &["onnx-parallel"]);
        check(1, Some(1), &[]);
    }

    #[test]
    fn a_leader_is_not_tried_twice() {
        let wave = &of(
            "OnnxCPU",
            &host(2),
            (&Signature::default(), 2),
            &Settings::default(),
        )[1];
        let mut leader = Candidate::untouched("onnx", "OnnxCPU", Device::Cpu);
        leader.settings.spinning = Some(false);
        let tried: Vec<String> = wave.on(&leader).into_iter().map(|it| it.variant).collect();
        assert_eq!(tried, ["onnx-parallel"]);
        leader.runner = "OnnxCUDA".to_owned();
        assert!(wave.on(&leader).is_empty());
    }
}
