//! What a model's configuration asks for, checked and turned into what the engine is told.
//!
//! Knows messages and the engine's options; no folder but for the label and warm-up files that a configuration names.

mod checked;
mod complete;
mod ensemble;
mod files;
mod instances;
mod scheduling;
mod tensors;
mod text;
mod unhonoured;
mod versions;
mod warm_up;

pub(crate) use checked::{Checked, check};
pub(crate) use complete::{assumed, completed};
pub(crate) use ensemble::{is_ensemble, spec as ensemble_spec, steps};
pub(crate) use files::{labels, plain_name};
pub use instances::Placement;
pub(crate) use tensors::{declared, narrowed};
#[cfg(test)]
pub(crate) use text::to_text;
pub(crate) use text::{MOST_BYTES, of_json, of_text};
pub(crate) use versions::chosen;
pub(crate) use warm_up::requests;

/// Why a configuration cannot be honoured.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// It is larger than it may be.
    #[error("it has {bytes} bytes, and {limit} are the most")]
    TooLarge {
        /// How large it is.
        bytes: usize,
        /// How large it may be.
        limit: usize,
    },
    /// It is no text.
    #[error("line {line} is not UTF-8")]
    NotText {
        /// The first line that is not.
        line: usize,
    },
    /// It is not written as it should be.
    #[error("line {line}: {reason}")]
    Syntax {
        /// The line.
        line: usize,
        /// What is wrong there.
        reason: String,
    },
    /// The JSON is not that of a configuration.
    #[error("{0}")]
    Json(String),
    /// A field asks for what cannot be, or cannot be together.
    #[error("{field}: {reason}")]
    Field {
        /// Which one.
        field: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl ConfigError {
    /// This field asks for what cannot be.
    pub(crate) fn field(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Field {
            field: field.into(),
            reason: reason.into(),
        }
    }
}
