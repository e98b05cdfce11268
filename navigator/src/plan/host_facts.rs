//! What a plan depends on of a host: its processor, its memory, and which runners are ready.

use nav_package_format::Digest;
use nav_runners::Probe;
use serde::{Deserialize, Serialize};

use crate::host::Host;

/// The host, as far as plans depend on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostFacts {
    /// The operating system and its version.
    pub system: String,
    /// The processor.
    pub processor: String,
    /// Physical cores.
    pub cores: usize,
    /// Hardware threads that may be used.
    pub threads: usize,
    /// The memory that may be used.
    pub memory_bytes: u64,
    /// The runners, in order of preference.
    pub runners: Vec<RunnerFacts>,
}

/// A runner on this host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunnerFacts {
    /// Its name.
    pub name: String,
    /// Whether it works.
    pub probe: Probe,
}

impl HostFacts {
    /// The facts of a host with these runners.
    pub fn new(host: &Host, runners: Vec<RunnerFacts>) -> Self {
        let memory = &host.memory;
        Self {
            system: host.system.clone(),
            processor: host.cpu.model.clone(),
            cores: host.cpu.cores,
            threads: host.cpu.usable_threads,
            memory_bytes: memory.limit_bytes.map_or(memory.available_bytes, |limit| {
                limit.min(memory.available_bytes)
            }),
            runners,
        }
    }

    /// What makes measurements comparable: the kind of machine, and not what happens to be free on it.
    pub fn identity(&self) -> Digest {
        let Self {
            system,
            processor,
            cores,
            threads,
            ..
        } = self;
        Digest::of(format!("{system}\n{processor}\n{cores}\n{threads}").as_bytes())
    }

    /// The version of a runner that is ready.
    pub fn version(&self, runner: &str) -> Option<&str> {
        let found = self.runners.iter().find(|facts| facts.name == runner)?;
        match &found.probe {
            Probe::Ready { version, .. } => Some(version),
            Probe::Missing { .. } => None,
        }
    }
}
