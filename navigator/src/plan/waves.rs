//! Waves: settings that are tried on top of the candidates that lead when their turn comes, so that the search
//! costs the sum of the knobs and not their product.

use std::collections::BTreeSet;

use nav_package_format::{ExecutionMode, RunnerSettings};
use serde::{Deserialize, Serialize};

use super::candidate::Candidate;
use super::knobs;
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
}

impl Wave {
    /// What is tried on top of this leader: nothing that is the leader itself.
    pub fn on(&self, leader: &Candidate) -> Vec<Candidate> {
        if leader.runner != self.runner {
            return Vec::new();
        }
        let refined = self.refinements.iter().map(|change| change.on(leader));
        refined
            .filter(|candidate| {
                candidate.settings != leader.settings || candidate.instances != leader.instances
            })
            .collect()
    }
}

impl Refinement {
    fn on(&self, leader: &Candidate) -> Candidate {
        let settings = RunnerSettings {
            intra_threads: self.threads.or(leader.settings.intra_threads),
            spinning: self.spinning.or(leader.settings.spinning),
            execution_mode: self.execution_mode.or(leader.settings.execution_mode),
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

/// The waves for a runner on a processor of this many threads, of which it takes `usual` by itself.
pub(super) fn of(runner: &str, threads: usize, usual: usize, settings: &Settings) -> Vec<Wave> {
    let knobs = knobs::of(runner);
    let mut waves = Vec::new();
    if knobs.threads || knobs.instances {
        let splits = splits(threads, usual, knobs.threads, settings);
        waves.push(wave("threads and instances", runner, splits));
    }
    if knobs.scheduling {
        let spinning = Refinement {
            suffix: "no-spinning".to_owned(),
            spinning: Some(false),
            ..Refinement::nothing()
        };
        let parallel = Refinement {
            suffix: "parallel".to_owned(),
            execution_mode: Some(ExecutionMode::Parallel),
            ..Refinement::nothing()
        };
        waves.push(wave("scheduling", runner, vec![spinning, parallel]));
    }
    waves.retain(|wave| !wave.refinements.is_empty());
    waves
}

fn wave(name: &str, runner: &str, refinements: Vec<Refinement>) -> Wave {
    Wave {
        name: name.to_owned(),
        runner: runner.to_owned(),
        refinements,
    }
}

impl Refinement {
    const fn nothing() -> Self {
        Self {
            suffix: String::new(),
            threads: None,
            instances: None,
            spinning: None,
            execution_mode: None,
        }
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
            ..Refinement::nothing()
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

    fn names(runner: &str, threads: usize, settings: &Settings) -> Vec<Vec<String>> {
        let leader = Candidate::untouched("onnx", runner, Device::Cpu);
        let waves = of(runner, threads, threads, settings);
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
        check("TensorRT", 2, &[]);
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
    fn a_leader_is_not_tried_twice() {
        let wave = &of("OnnxCPU", 2, 2, &Settings::default())[1];
        let mut leader = Candidate::untouched("onnx", "OnnxCPU", Device::Cpu);
        leader.settings.spinning = Some(false);
        let tried: Vec<String> = wave.on(&leader).into_iter().map(|it| it.variant).collect();
        assert_eq!(tried, ["onnx-parallel"]);
        leader.runner = "OnnxCUDA".to_owned();
        assert!(wave.on(&leader).is_empty());
    }
}
