//! Why there is no server, or why it ended.

use std::sync::Arc;

use nav_engine::ModelError;
use nav_serve::{RepositoryError, ServeError};

use crate::config::ModelFault;
use crate::host::HostError;

/// What is wrong with how a server is configured.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A variable of the environment has no value that its field could have.
    #[error("{variable} is `{value}`, and must be {expected}")]
    Variable {
        /// Its name.
        variable: String,
        /// Its value.
        value: String,
        /// What it should be.
        expected: &'static str,
    },
    /// A field has a value that it cannot have.
    #[error("{field}: {reason}")]
    Field {
        /// Which one.
        field: String,
        /// Why not.
        reason: String,
    },
}

/// Why there is no server, or why it ended.
#[derive(Debug, thiserror::Error)]
pub enum TritonError {
    /// It is not configured as it could be.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A model cannot be bound like that.
    #[error("model `{model}` cannot be bound")]
    Bind {
        /// Which one.
        model: String,
        /// What is wrong.
        #[source]
        fault: ModelFault,
    },
    /// A model of this name and version is bound already. Names differ in more than their case.
    #[error("version {version} of model `{model}` is bound already")]
    Twice {
        /// Its name.
        model: String,
        /// Its version.
        version: u64,
    },
    /// A model could not be made ready.
    #[error("model `{model}` cannot be served")]
    Load {
        /// Which one.
        model: String,
        /// Why not.
        #[source]
        source: ModelError,
    },
    /// There is no such repository of models.
    #[error("the model repository cannot be served")]
    Repository(#[from] RepositoryError),
    /// A model of the repository could not be made ready.
    #[error("model `{model}` of the repository cannot be served: {reason}")]
    Stored {
        /// Which one.
        model: String,
        /// Why not.
        reason: String,
    },
    /// The server cannot be.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// The system does not give what a server needs.
    #[error("the server cannot start")]
    Start(#[from] std::io::Error),
    /// A callable said that nothing will go right any more.
    #[error("model `{model}` said that it cannot go on: {reason}")]
    Unrecoverable {
        /// Which one.
        model: Arc<str>,
        /// In its own words.
        reason: Arc<str>,
    },
    /// A model was not ready for too long.
    #[error("the server ended, as a model was not ready for too long")]
    Unready,
    /// It was told twice to stop.
    #[error("the server ended at once, as it was told twice to stop")]
    AtOnce,
    /// Models of a repository cannot be run on this host.
    #[error("models of the repository cannot be run")]
    Host(#[from] HostError),
}

impl ConfigError {
    pub(super) fn field(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Field {
            field: field.into(),
            reason: reason.into(),
        }
    }
}
