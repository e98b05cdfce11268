//! What a callable may know of the model that it is.

use std::sync::Arc;

use crate::config::{ModelConfig, Tensor};

/// The model that a callable was bound as. Each request and each batch carries it.
#[derive(Clone, Debug, PartialEq)]
pub struct Context {
    /// The name of the model.
    pub model: Arc<str>,
    /// Its version.
    pub version: u64,
    /// Which of the model's instances this is, from 0 on.
    pub instance: usize,
    /// What it takes; all of them have names.
    pub inputs: Arc<[Tensor]>,
    /// What it gives; all of them have names.
    pub outputs: Arc<[Tensor]>,
    /// How it is served.
    pub config: Arc<ModelConfig>,
}

impl Context {
    /// The context of a model, with the names that tensors without one have.
    pub fn new(
        model: impl Into<Arc<str>>,
        inputs: impl Into<Vec<Tensor>>,
        outputs: impl Into<Vec<Tensor>>,
        config: ModelConfig,
    ) -> Self {
        Self {
            model: model.into(),
            version: 1,
            instance: 0,
            inputs: Tensor::numbered(inputs.into(), "INPUT").into(),
            outputs: Tensor::numbered(outputs.into(), "OUTPUT").into(),
            config: Arc::new(config),
        }
    }

    /// The input of this name.
    pub fn input(&self, name: &str) -> Option<&Tensor> {
        self.inputs.iter().find(|it| it.name() == name)
    }

    /// The output of this name.
    pub fn output(&self, name: &str) -> Option<&Tensor> {
        self.outputs.iter().find(|it| it.name() == name)
    }

    /// Whether tensors have a dimension for the batch.
    pub fn is_batched(&self) -> bool {
        self.config.batching
    }
}
