//! Candidates: ways to run the model that are tried.

use nav_package_format::{Device, RunnerSettings};
use serde::{Deserialize, Serialize};

/// A way to run the model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// The name of the variant.
    pub variant: String,
    /// The runner.
    pub runner: String,
    /// Where it runs.
    pub device: Device,
    /// What the runner is told.
    pub settings: RunnerSettings,
    /// How many sessions run side by side.
    pub instances: usize,
    /// What its model file is.
    pub origin: Origin,
}

/// What a candidate's model file is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// The model as it was given.
    Untouched,
    /// What the conversion of this name made of it.
    Converted(String),
}

impl Candidate {
    /// The untouched model, as the runner runs it when it is told nothing.
    pub fn untouched(variant: &str, runner: &str, device: Device) -> Self {
        Self {
            variant: variant.to_owned(),
            runner: runner.to_owned(),
            device,
            settings: RunnerSettings::default(),
            instances: 1,
            origin: Origin::Untouched,
        }
    }

    /// Whether it is the model as it was given, run as the runner does when it is told nothing.
    pub fn is_untouched(&self) -> bool {
        self.origin == Origin::Untouched
            && self.instances == 1
            && self.settings == RunnerSettings::default()
    }
}

impl std::fmt::Display for Candidate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} on {}", self.variant, self.runner)
    }
}
