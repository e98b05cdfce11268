//! Why a model was not loaded, in words that can go to clients: without the places where files lie.

use std::error::Error;
use std::io;

use nav_engine::{ModelError, with_causes};

use super::config::ConfigError;
use super::open::OpenError;
use super::parameters::ParameterError;
use super::source::SourceError;

/// Why a model was not loaded or unloaded. Whatever was served before goes on.
#[derive(Debug, thiserror::Error)]
pub enum LoadFailure {
    /// There is none of this name.
    #[error(
        "failed to load '{model}', failed to poll from model repository: there is no such model"
    )]
    Unknown {
        /// The name.
        model: String,
    },
    /// It is being loaded or unloaded already.
    #[error("model '{model}' is being loaded or unloaded; ask again when that is done")]
    Busy {
        /// Its name.
        model: String,
    },
    /// A parameter cannot be taken.
    #[error(transparent)]
    Parameter(#[from] ParameterError),
    /// The repository cannot be read.
    #[error("failed to load '{model}', failed to poll from model repository")]
    Repository {
        /// The model.
        model: String,
        /// Why not.
        #[source]
        source: SourceError,
    },
    /// The files of the model cannot be read, or those of the request not be written.
    #[error(
        "failed to load '{model}', failed to poll from model repository: its files cannot be used"
    )]
    Files {
        /// The model.
        model: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Its configuration cannot be honoured.
    #[error("failed to load '{model}', failed to poll from model repository: {file}")]
    Config {
        /// The model.
        model: String,
        /// Where the configuration is from.
        file: String,
        /// What is wrong with it.
        #[source]
        source: ConfigError,
    },
    /// None of its versions is to be served.
    #[error(
        "load failed for model '{model}': at least one version must be available under the version policy of model '{model}'"
    )]
    NoVersion {
        /// The model.
        model: String,
    },
    /// A version could not be made ready.
    #[error("load failed for model '{model}': version {version} is at UNAVAILABLE state")]
    Version {
        /// The model.
        model: String,
        /// The version; the first one, where there are several.
        version: u64,
        /// Why not.
        #[source]
        source: VersionFailure,
    },
    /// A model that it asks could not be loaded.
    #[error("load failed for model '{model}': it asks model '{step}'")]
    Step {
        /// The ensemble.
        model: String,
        /// The model that it asks.
        step: String,
        /// Why that was not loaded.
        #[source]
        source: Box<LoadFailure>,
    },
    /// An ensemble would ask itself.
    #[error("load failed for model '{model}': it would ask itself, through {through}")]
    Cycle {
        /// The ensemble.
        model: String,
        /// The models in between.
        through: String,
    },
}

/// Why a version could not be made ready.
#[derive(Debug, thiserror::Error)]
pub enum VersionFailure {
    /// There is no file, or no backend for it.
    #[error("{0}")]
    File(String),
    /// Its model cannot be opened.
    #[error(transparent)]
    Open(OpenError),
    /// The model is not what its configuration says.
    #[error("{file}")]
    Config {
        /// Where the configuration is from.
        file: String,
        /// What is wrong.
        #[source]
        source: ConfigError,
    },
    /// The engine cannot serve it.
    #[error(transparent)]
    Engine(ModelError),
}

/// An error with all its causes, without the folders that paths begin with.
pub(super) fn told(error: &dyn Error, roots: &[&str]) -> String {
    let mut text = with_causes(error);
    for root in roots
        .iter()
        .filter(|root| !root.is_empty() && **root != "/")
    {
        text = text.replace(&format!("{root}/"), "");
        text = text.replace(*root, "the repository");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_told_and_places_are_not() {
        let failure = LoadFailure::Version {
            model: "m".to_owned(),
            version: 2,
            source: VersionFailure::Open(OpenError::new("/srv/models/m/2/model.onnx is no model")),
        };
        let expected = "load failed for model 'm': version 2 is at UNAVAILABLE state: m/2/model.onnx is no model";
        assert_eq!(told(&failure, &["/srv/models", ""]), expected);
        let failure = LoadFailure::Config {
            model: "m".to_owned(),
            file: "config.pbtxt".to_owned(),
            source: ConfigError::field("max_batch_size", "-1 is no size"),
        };
        let expected = "failed to load 'm', failed to poll from model repository: config.pbtxt: max_batch_size: -1 is no size";
        assert_eq!(told(&failure, &[]), expected);
    }
}
