//! What each strategy chose when the package was made, with its reason.

use serde::{Deserialize, Serialize};

use crate::package::strategy::Choice;

/// A strategy's answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// The strategy.
    pub strategy: String,
    /// What it chose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choice: Option<Choice>,
    /// Why it chose nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
}
