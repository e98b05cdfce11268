//! How a repository is set up, and why there cannot be such a one.

use std::path::PathBuf;
use std::time::Duration;

use super::source::{Source, SourceError};

/// How models come and go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Control {
    /// They are loaded at the start, and stay.
    #[default]
    None,
    /// Their files are looked at from time to time, and what has changed is loaded, what is gone unloaded.
    Poll(Duration),
    /// Clients say so.
    Explicit,
}

/// Which models are loaded at the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Startup {
    /// All that there are.
    #[default]
    All,
    /// These, and files that were given as such.
    Named(Vec<String>),
}

/// How a repository is set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepositoryOptions {
    /// Where models come from.
    pub sources: Vec<Source>,
    /// How they come and go.
    pub control: Control,
    /// Which are loaded at the start.
    pub startup: Startup,
    /// Whether the server is not ready while a model that should be served is not, in any version.
    pub strict_readiness: bool,
    /// How many models are loaded at a time.
    pub loads: usize,
    /// A folder for the files that requests bring; they are refused where there is none.
    pub scratch: Option<PathBuf>,
}

/// Why there cannot be such a repository.
#[derive(Debug, thiserror::Error)]
pub enum RepositoryError {
    /// It cannot be told which models there are.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A model is to be loaded at the start that is not there.
    #[error("there is no model `{model}` to load")]
    NoModel {
        /// Its name.
        model: String,
    },
    /// The folder for files of requests cannot be used.
    #[error("{path} cannot be used for the files of requests")]
    Scratch {
        /// Which folder.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The system gives no thread to look at files from time to time.
    #[error("files cannot be watched")]
    Thread(#[source] std::io::Error),
}

impl Default for RepositoryOptions {
    fn default() -> Self {
        Self {
            sources: Vec::new(),
            control: Control::None,
            startup: Startup::All,
            strict_readiness: true,
            loads: 4,
            scratch: None,
        }
    }
}
