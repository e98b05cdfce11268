//! What is told of the server and its models, in the messages that every protocol sends.

mod config;
mod index;
mod metadata;
mod regions;
mod statistics;

pub(crate) use config::{
    batching, config, config_of, data_type, dims, input, microseconds, optimization, output, place,
    saturated,
};
pub(crate) use index::index;
pub(crate) use metadata::{metadata, model, server};
pub(crate) use regions::{cuda_regions, system_regions};
pub(crate) use statistics::{of_all, of_model};

use std::sync::Arc;

use nav_engine::{Engine, Model};

use crate::refusal::Refusal;

/// The model that is meant.
pub(crate) fn find(
    engine: &Engine,
    name: &str,
    version: Option<u64>,
) -> Result<Arc<Model>, Refusal> {
    let found = engine.model(name, version);
    found.map_err(|error| Refusal::of_engine(&error, None))
}
