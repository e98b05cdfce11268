//! Why a model is not served.

use std::sync::Arc;

use nav_runners::LoadError;

use crate::ensemble::EnsembleError;
use crate::error::InferError;
use crate::sequence::SequenceFault;

/// Why a model could not be made ready. Others, and an older one of the same name, go on.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ModelError {
    /// An option cannot be honoured.
    #[error("option {option}: {reason}")]
    Option {
        /// Which one.
        option: &'static str,
        /// Why not.
        reason: String,
    },
    /// What is filled in for sequences cannot be.
    #[error(transparent)]
    Sequence(#[from] SequenceFault),
    /// The model cannot be batched: a tensor has no open first dimension.
    #[error("`{tensor}` has dimensions {dims}, which have no open first one for a batch")]
    NotBatchable {
        /// The input or output in question.
        tensor: String,
        /// Its declared dimensions.
        dims: String,
    },
    /// An instance could not be made.
    #[error("instance {instance} could not be made")]
    Instance {
        /// Which one.
        instance: usize,
        /// Why not.
        #[source]
        source: LoadError,
    },
    /// An instance was made and failed its first runs.
    #[error("instance {instance} failed a request to warm up")]
    WarmUp {
        /// Which one.
        instance: usize,
        /// How.
        #[source]
        source: Box<InferError>,
    },
    /// The code that makes an instance panicked.
    #[error("instance {instance} panicked while it was made: {message}")]
    Panicked {
        /// Which one.
        instance: usize,
        /// The panic's own words.
        message: Arc<str>,
    },
    /// The system gives no more threads.
    #[error("a thread of its own could not be had for instance {instance}")]
    Thread {
        /// Which one.
        instance: usize,
        /// The system's reason.
        #[source]
        source: Arc<std::io::Error>,
    },
    /// An ensemble is not in order.
    #[error(transparent)]
    Ensemble(#[from] EnsembleError),
    /// Another load or unload of the same version is under way.
    #[error("another change of model `{model}` version {version} is under way")]
    Busy {
        /// Its name.
        model: String,
        /// Its version.
        version: u64,
    },
    /// The engine takes no more models.
    #[error("the server is shutting down")]
    ShuttingDown,
}
