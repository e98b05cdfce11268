//! Settings of a runner: the knobs that travel with a variant, from optimize into package and server.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Where a model runs.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Device {
    /// The host's processor.
    #[default]
    Cpu,
    /// The NVIDIA GPU of this number.
    Cuda(u32),
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(number) => write!(f, "cuda:{number}"),
        }
    }
}

/// A text that names no device.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no device, which is `cpu` or `cuda:` and a number")]
pub struct UnknownDevice {
    /// The text as given.
    pub text: String,
}

impl FromStr for Device {
    type Err = UnknownDevice;

    fn from_str(text: &str) -> Result<Self, UnknownDevice> {
        if text == "cpu" {
            return Ok(Self::Cpu);
        }
        let number = text
            .strip_prefix("cuda:")
            .and_then(|number| number.parse().ok());
        number.map(Self::Cuda).ok_or_else(|| UnknownDevice {
            text: text.to_owned(),
        })
    }
}

/// How operators that do not depend on each other are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExecutionMode {
    /// One after the other.
    Sequential,
    /// Side by side, on the inter-operator threads.
    Parallel,
}

/// How much a runtime may rewrite the graph before it runs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GraphLevel {
    /// Not at all.
    None,
    /// Rewrites that keep the meaning: constant folding, redundant nodes.
    Basic,
    /// Fusions of operators.
    Extended,
    /// Everything, memory layouts too.
    All,
}

/// What a runner may be told. What is left open is the runtime's own default; a runner refuses what
/// it cannot honour rather than ignoring it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RunnerSettings {
    /// Threads that share the work of one operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intra_threads: Option<usize>,
    /// Threads that run different operators side by side.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inter_threads: Option<usize>,
    /// Whether independent operators run side by side.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub execution_mode: Option<ExecutionMode>,
    /// How much the graph may be rewritten.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub graph_level: Option<GraphLevel>,
    /// Whether freed memory is kept for the next run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arena: Option<bool>,
    /// Whether the memory of a run is planned ahead from the last run of the same shapes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_pattern: Option<bool>,
    /// Whether waiting threads spin, which trades processor time for latency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spinning: Option<bool>,
    /// Free-form entries handed to the runtime as they are.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub config_entries: BTreeMap<String, String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_read_back_as_they_are_written() {
        for device in [Device::Cpu, Device::Cuda(0), Device::Cuda(7)] {
            assert_eq!(device.to_string().parse(), Ok(device));
        }
        assert!("gpu".parse::<Device>().is_err());
        assert!("cuda:".parse::<Device>().is_err());
    }

    #[test]
    fn settings_left_open_take_no_room_and_unknown_ones_are_refused() {
        let value = serde_json::to_string(&RunnerSettings::default()).unwrap();
        assert_eq!(value, "{}");
        let error = serde_json::from_str::<RunnerSettings>(r#"{"intra_thread":2}"#).unwrap_err();
        assert!(error.to_string().contains("intra_thread"));
    }
}
