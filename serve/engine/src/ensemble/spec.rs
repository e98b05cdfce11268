//! What an ensemble is made of, as its author says it.

use std::sync::Arc;

use nav_package_format::{Digest, Signature};

use crate::model::About;

/// An ensemble.
#[derive(Clone, Debug)]
pub struct EnsembleSpec {
    /// What it takes and gives.
    pub signature: Signature,
    /// Its steps, in any order.
    pub steps: Vec<EnsembleStep>,
    /// The most rows of a request; 0 when its tensors have no batch dimension.
    pub max_batch: usize,
    /// Whether responses are kept for requests that are the same.
    pub cache: bool,
    /// What tells it from every other model, for responses that are kept.
    pub digest: Option<Digest>,
    /// What whoever loads it wants to find again with it.
    pub about: About,
}

impl Default for EnsembleSpec {
    fn default() -> Self {
        Self {
            signature: Signature::default(),
            steps: Vec::new(),
            max_batch: 0,
            cache: false,
            digest: None,
            about: Arc::new(()),
        }
    }
}

/// A request to another model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EnsembleStep {
    /// The model.
    pub model: String,
    /// Its version; the highest when there is none.
    pub version: Option<u64>,
    /// Inputs of the model, and the tensors of the ensemble that they are.
    pub inputs: Vec<(String, String)>,
    /// Outputs of the model that are used, and the tensors of the ensemble that they are.
    pub outputs: Vec<(String, String)>,
}
