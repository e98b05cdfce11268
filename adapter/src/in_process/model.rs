//! One model of a server: asked, and asked about.

use std::sync::Arc;

use nav_engine::{InferError, ModelStatistics};
use nav_serve::{ModelMetadata, Repository};
use serde_json::Value;

use super::request::InferenceRequest;
use super::response::{AsyncResponses, InferenceResponse, Responses};

/// A model of a server, in one version, or in whichever is the highest when it is asked. Clones are the same.
#[derive(Clone, Debug)]
pub struct Model {
    repository: Repository,
    name: Arc<str>,
    version: Option<u64>,
}

impl Model {
    pub(super) fn new(repository: &Repository, name: &str, version: Option<u64>) -> Self {
        Self {
            repository: repository.clone(),
            name: name.into(),
            version,
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its version, where one is meant.
    pub const fn version(&self) -> Option<u64> {
        self.version
    }

    /// Asks for responses, of which one that is not decoupled gives just one. Does not wait for them.
    pub fn infer(&self, request: impl Into<InferenceRequest>) -> Result<Responses, InferError> {
        let request = request.into();
        let id = request.own_id();
        let model = self.served()?;
        let stream = model.stream(request.into_request());
        Ok(Responses::new(stream, model, id))
    }

    /// The same for those who poll.
    pub fn infer_async(
        &self,
        request: impl Into<InferenceRequest>,
    ) -> Result<AsyncResponses, InferError> {
        Ok(self.infer(request)?.into_async())
    }

    /// Asks a model for its one response, and blocks until it is there. A decoupled one is not asked like this.
    pub fn infer_one(
        &self,
        request: impl Into<InferenceRequest>,
    ) -> Result<InferenceResponse, InferError> {
        let request = request.into();
        let id = request.own_id();
        let model = self.served()?;
        let response = model.infer(request.into_request()).wait()?;
        Ok(InferenceResponse::of(&model, id, response))
    }

    /// What it takes and gives.
    pub fn metadata(&self) -> Result<ModelMetadata, InferError> {
        self.repository.metadata(&self.name, self.version)
    }

    /// Its configuration, with every member that Triton's has.
    pub fn config(&self) -> Result<Value, InferError> {
        self.repository.config(&self.name, self.version)
    }

    /// What happened in it since it was loaded.
    pub fn statistics(&self) -> Result<ModelStatistics, InferError> {
        Ok(self.served()?.statistics())
    }

    /// Whether it takes requests.
    pub fn ready(&self) -> bool {
        self.served().is_ok_and(|model| model.health().is_ready)
    }

    /// The most rows of a batch; 0 where its tensors have no dimension for it.
    pub fn max_batch_size(&self) -> Result<usize, InferError> {
        Ok(self.served()?.options().max_batch)
    }

    /// Whether it gives any number of responses to a request.
    pub fn is_decoupled(&self) -> Result<bool, InferError> {
        Ok(self.served()?.options().decoupled)
    }

    fn served(&self) -> Result<Arc<nav_engine::Model>, InferError> {
        self.repository.engine().model(&self.name, self.version)
    }
}
