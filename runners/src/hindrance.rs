//! Why a runner does not work on a host, said once for its probe and for what it is asked to load.

use crate::{LoadError, Probe};

/// Why a runner does not work here, and what mends that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hindrance {
    /// Why.
    pub reason: String,
    /// The command or setting that mends it.
    pub how_to_get_it: String,
}

impl Hindrance {
    /// The same as an error of loading a model.
    pub fn into_load_error(self, runner: &str) -> LoadError {
        LoadError::Unavailable {
            runner: runner.to_owned(),
            reason: self.reason,
            how_to_get_it: self.how_to_get_it,
        }
    }
}

impl From<Hindrance> for Probe {
    fn from(hindrance: Hindrance) -> Self {
        Self::Missing {
            reason: hindrance.reason,
            how_to_get_it: hindrance.how_to_get_it,
        }
    }
}
