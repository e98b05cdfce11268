//! Provenance: what made a package, and on what kind of machine. No path, no user, no address of a network card.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What made a package.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// The program.
    pub tool: String,
    /// Its version.
    pub version: String,
    /// When, in RFC 3339, if that was to be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// The machine that measured, if that was to be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<MeasuredOn>,
}

/// The kind of machine that measured.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeasuredOn {
    /// The operating system and its version.
    pub system: String,
    /// The processor's product name.
    pub processor: String,
    /// The processor's architecture.
    pub architecture: String,
    /// Its physical cores.
    pub cores: usize,
    /// The hardware threads that could be used.
    pub threads: usize,
    /// All of the memory.
    pub memory_bytes: u64,
    /// The GPUs by product name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gpus: Vec<String>,
    /// The version of each runner that was used.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub runners: BTreeMap<String, String>,
}
