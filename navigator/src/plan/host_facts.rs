//! What a plan depends on of a host: its processor, its memory, and which runners are ready.

use nav_package_format::Digest;
use nav_runners::Probe;
use serde::{Deserialize, Serialize};

use crate::host::{Gpus, Host};

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
    /// The GPUs, each with its driver.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gpus: Vec<String>,
    /// The memory that may be used of the GPU that has least to spare; none where there is no GPU.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu_memory_bytes: Option<u64>,
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
            gpus: gpus(&host.gpus),
            gpu_memory_bytes: least_to_spare(&host.gpus),
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
            gpus,
            ..
        } = self;
        let mut lines = vec![format!("{system}\n{processor}\n{cores}\n{threads}")];
        lines.extend(gpus.iter().cloned());
        Digest::of(lines.join("\n").as_bytes())
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

fn least_to_spare(gpus: &Gpus) -> Option<u64> {
    let Gpus::Present { devices, .. } = gpus else {
        return None;
    };
    let free = devices
        .iter()
        .map(|gpu| gpu.free_bytes.unwrap_or(gpu.memory_bytes));
    free.min()
}

/// What a measurement on a GPU depends on.
fn gpus(gpus: &Gpus) -> Vec<String> {
    let Gpus::Present {
        driver, devices, ..
    } = gpus
    else {
        return Vec::new();
    };
    let told = devices.iter().map(|gpu| {
        let (name, capability) = (&gpu.name, &gpu.compute_capability);
        format!("{name} ({capability}), driver {driver}")
    });
    told.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Gpu;

    #[test]
    fn what_was_measured_on_one_gpu_is_not_recalled_on_another() {
        let host = |driver: &str, name: &str| Host {
            gpus: Gpus::Present {
                driver: driver.to_owned(),
                cuda: "13.0".to_owned(),
                devices: vec![Gpu {
                    index: 0,
                    name: name.to_owned(),
                    memory_bytes: 1 << 30,
                    free_bytes: Some(1 << 20),
                    compute_capability: "9.0".to_owned(),
                }],
            },
            ..Host::read()
        };
        let identity = |host: &Host| HostFacts::new(host, Vec::new()).identity();
        let one = host("580.1", "Some GPU");
        let facts = HostFacts::new(&one, Vec::new());
        assert_eq!(facts.gpu_memory_bytes, Some(1 << 20));
        assert_eq!(identity(&one), identity(&one.clone()));
        let without = Host {
            gpus: Gpus::Absent,
            ..one.clone()
        };
        for other in [
            host("580.2", "Some GPU"),
            host("580.1", "Other GPU"),
            without,
        ] {
            assert_ne!(identity(&one), identity(&other));
        }
    }
}
