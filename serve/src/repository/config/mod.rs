//! What a model's configuration asks for, checked and turned into what the engine is told.
//!
//! Knows messages and the engine's options; no folder but for the files that a configuration names.

mod checked;
mod complete;
mod ensemble;
mod files;
mod instances;
mod scheduling;
mod sequences;
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
pub(crate) use sequences::fit_sequences;
pub(crate) use tensors::{declared, narrowed};
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use text::to_text;
pub(crate) use text::{MOST_BYTES, of_json, of_text};
pub(crate) use unhonoured::is_label;
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

/// Whether this text can be honoured, for those who look for texts that break something. What was read must be written
/// and read the same.
#[cfg(feature = "fuzzing")]
pub(crate) fn tried(text: &[u8]) -> bool {
    let Ok(config) = of_text(text) else {
        return false;
    };
    let again = to_text(&config).and_then(|text| of_text(text.as_bytes()));
    // Numbers that are none are equal to nothing, and the text that is too long for one is so for the other.
    let is_same =
        again.is_err() || format!("{again:?}") == format!("{:?}", Ok::<_, ConfigError>(&config));
    assert!(is_same, "it is written as something else");
    let checked = check(&config, "m");
    let whole = if is_ensemble(&config) {
        ensemble_spec(&config).is_ok()
    } else {
        declared(&config).is_ok()
    };
    whole && checked.is_ok() && chosen(config.version_policy.as_ref(), &[1, 2]).is_ok()
}
