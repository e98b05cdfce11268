//! The serving configuration: how a server should run the chosen variant, as it was measured.

use serde::{Deserialize, Serialize};

/// How a server should run a package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Serving {
    /// The variant.
    pub variant: String,
    /// The runner.
    pub runner: String,
    /// The largest batch to form; none for a model without a batch axis.
    pub max_batch: Option<usize>,
    /// Batches to prefer, ascending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub preferred_batches: Vec<usize>,
    /// How long a request may wait for others to share its batch, in microseconds.
    pub queue_delay_us: u64,
    /// How many sessions run side by side.
    pub instances: usize,
    /// Threads that share the work of one operator, for each instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threads: Option<usize>,
}
