//! Why no plan can be made: the model, the host or the user leaves something out that cannot be guessed.

use nav_package_format::Format;

use crate::samples::DimensionError;

/// Why there is no plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The model's file does not say what it takes and gives.
    #[error("a {format} model does not say what it takes and gives")]
    NoSignature {
        /// The kind of model.
        format: Format,
    },
    /// The model takes or gives what is no tensor.
    #[error("`{name}` is a {kind}, and only tensors can be compared")]
    NotATensor {
        /// The input or output.
        name: String,
        /// What it is.
        kind: String,
    },
    /// Dimensions whose extent cannot be guessed.
    #[error("the extents of {} cannot be guessed", list(names))]
    OpenDimensions {
        /// Their names, in order.
        names: Vec<String>,
    },
    /// An input leaves dimensions open that have no name to ask for them by.
    #[error("input `{input}` has the shape {dims}, whose open dimensions have no names")]
    NamelessDimensions {
        /// The input.
        input: String,
        /// Its declared shape.
        dims: String,
    },
    /// Dimensions were given that no input has.
    #[error(transparent)]
    Dimension(#[from] DimensionError),
    /// A runner was asked for that does not exist, or does not read the model.
    #[error(
        "no runner for {format} models is called `{name}`; there are {}",
        list(known)
    )]
    UnknownRunner {
        /// The name as given.
        name: String,
        /// The kind of model.
        format: Format,
        /// Those that there are.
        known: Vec<String>,
    },
    /// No runner is ready.
    #[error("no runner for {format} models is ready{}", reasons(missing))]
    NoRunner {
        /// The kind of model.
        format: Format,
        /// Each runner and why it is not ready.
        missing: Vec<(String, String)>,
    },
    /// All that would be tried is made of the model, and nothing runs the model itself.
    #[error(
        "the {format} model itself, which says what is right, is run by none of {}",
        list(runners)
    )]
    NoReference {
        /// The runners that would be tried.
        runners: Vec<String>,
        /// The kind of model.
        format: Format,
        /// A runner that runs the model itself, if one is ready.
        other: Option<String>,
    },
    /// A number was given that makes no sense.
    #[error("{what} must be at least 1")]
    Zero {
        /// What it is.
        what: &'static str,
    },
}

fn list(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

fn reasons(missing: &[(String, String)]) -> String {
    let reasons: Vec<String> = missing
        .iter()
        .map(|(runner, reason)| format!("{runner}: {reason}"))
        .collect();
    if reasons.is_empty() {
        return String::new();
    }
    format!(" ({})", reasons.join("; "))
}
