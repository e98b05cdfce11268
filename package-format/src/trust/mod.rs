//! Which models may be loaded on this machine: the rules, what answers them, and why a model is refused.
//!
//! Whoever loads a model asks first:
//!
//! ```
//! # use std::path::Path;
//! # use nav_package_format::TrustClass;
//! # use nav_package_format::trust::{Date, Question, SignatureState, TrustPolicy};
//! # fn load(path: &Path, today: Date) -> Result<(), nav_package_format::trust::Refusal> {
//! let policy = TrustPolicy::default();
//! let question = Question {
//!     path,
//!     trust_class: TrustClass::DataOnly,
//!     built_here: false,
//!     today,
//! };
//! policy.admit(&question, &SignatureState::NotChecked)?;
//! // Only here is the model shown to a runtime.
//! # Ok(())
//! # }
//! ```
//!
//! Three things go into an answer: the [`TrustPolicy`], from a TOML file and flags; the [`SignatureState`] of
//! the package, which [`SignatureState::of`] finds out with the keys of the policy; and whether this machine
//! built the model, which [`BuiltHere`] remembers. No clock is asked: the day is part of the question.

mod built;
mod date;
mod file;
mod policy;
mod refusal;
mod state;

pub use built::{BuiltHere, BuiltHereError};
pub use date::{Date, DateError};
pub use file::PolicyError;
pub use policy::{
    AllowNativeCode, AllowNativeCodeError, Overrides, Question, TrustPolicy, TrustedKey,
};
pub use refusal::{Doubt, Refusal, Rule};
pub use state::SignatureState;

#[cfg(test)]
mod tests;
