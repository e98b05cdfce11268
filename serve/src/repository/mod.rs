//! Models from folders and files: found, opened, loaded, unloaded, while others are served.
//!
//! Knows the layout and the configurations that Triton has, and an engine that serves; asks a [`ModelOpener`] for all
//! that runs a model, since it knows no runner. Knows no protocol but for the refusals that all of them share.

mod asked;
mod backends;
mod config;
mod content;
mod control;
mod failure;
mod folder;
mod index;
mod loading;
mod noting;
mod open;
mod options;
mod parameters;
mod polling;
mod record;
mod source;
mod stamp;
mod unloading;
mod uploads;

pub(crate) use config::is_label;
#[cfg(feature = "fuzzing")]
pub(crate) use config::tried as configuration;
pub use config::{ConfigError, Placement};
pub use control::Repository;
pub use failure::{LoadFailure, VersionFailure};
pub use index::IndexedModel;
pub use open::{BackendFacts, ModelOpener, OpenError, Opened, Wanted};
pub use options::{Control, RepositoryError, RepositoryOptions, Startup};
pub(crate) use parameters::is_file;
pub use parameters::{LoadParameters, ParameterError, ParameterValue, UnloadParameters};
pub use source::{Source, SourceError, is_model_name};
