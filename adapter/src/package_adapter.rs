//! `PyTritonAdapter`: a package on one side, what it takes to serve it on the other.

use nav_package_format::Signature;
use nav_package_format::package::{Runtime, Serving, Strategy};
use nav_runners::RunnerHandle;
use nav_worker::packaged::{PackagedError, Prepared, get_runner, prepare};

use crate::config::{DynamicBatcher, ModelConfig, Tensor};
use crate::host::HostError;
use crate::package::Package;

/// The variant of a package that was chosen for this host, and how it should be served.
#[derive(Debug)]
pub struct PyTritonAdapter {
    prepared: Prepared,
    signature: Signature,
}

/// Why a package has nothing to serve here.
#[derive(Debug, thiserror::Error)]
pub enum AdapterError {
    /// The host cannot be used.
    #[error(transparent)]
    Host(#[from] HostError),
    /// None of its variants fits the strategies and runs here.
    #[error(transparent)]
    Package(#[from] PackagedError),
}

impl PyTritonAdapter {
    /// The first variant that a strategy chooses and that runs on this host, with the device that it runs on here.
    /// Strategies are tried in order. Without any, it is the one that the package wants served, or what the default
    /// strategies choose.
    pub fn new(package: &Package, strategies: &[&dyn Strategy]) -> Result<Self, AdapterError> {
        let host = package.host().packaged()?;
        let prepared = if strategies.is_empty() {
            prepare(package.vetted(), None, &host)?
        } else {
            get_runner(package.vetted(), strategies, &host)?
        };
        Ok(Self {
            prepared,
            signature: package.contents().signature().clone(),
        })
    }

    /// A runner, not activated yet. Whenever it is activated, the policy is asked, the machine compared with what an
    /// engine was built for, and the files are checked again unless they are untouched.
    pub fn runner(&self) -> RunnerHandle {
        self.prepared.handle.afresh()
    }

    /// What it takes, without the dimension of the batch.
    pub fn inputs(&self) -> Vec<Tensor> {
        let specs = self.signature.inputs.iter();
        specs
            .map(|spec| Tensor::of_spec(spec, self.batching()))
            .collect()
    }

    /// What it gives, without the dimension of the batch.
    pub fn outputs(&self) -> Vec<Tensor> {
        let specs = self.signature.outputs.iter();
        specs
            .map(|spec| Tensor::of_spec(spec, self.batching()))
            .collect()
    }

    /// How it should be served, as it was measured. How many threads share the work of one operator is a setting of the
    /// runner.
    pub fn config(&self) -> ModelConfig {
        let serving = &self.prepared.serving;
        let default = ModelConfig::default();
        ModelConfig {
            batching: self.batching(),
            max_batch_size: serving.max_batch.unwrap_or(default.max_batch_size),
            batcher: DynamicBatcher {
                max_queue_delay_microseconds: serving.queue_delay_us,
                preferred_batch_size: serving.preferred_batches.clone(),
                ..DynamicBatcher::default()
            },
            instances: serving.instances.max(1),
            ..default
        }
    }

    /// Whether its tensors have a first dimension for the batch.
    pub fn batching(&self) -> bool {
        self.prepared.serving.max_batch.is_some()
    }

    /// The variant and its runner.
    pub const fn runtime(&self) -> &Runtime {
        &self.prepared.runtime
    }

    /// How it should be served, in the words of the package.
    pub const fn serving(&self) -> &Serving {
        &self.prepared.serving
    }

    /// Why this variant was chosen.
    pub fn why(&self) -> &str {
        &self.prepared.why
    }

    /// Why it is not the one that the package wants served, where that was asked for and does not run here.
    pub const fn instead_of(&self) -> Option<&PackagedError> {
        self.prepared.instead_of.as_ref()
    }
}
