//! What a plan depends on of a host: its processor, its memory, and which runners are ready.

use nav_package_format::package::BuiltFor;
use nav_package_format::{Device, Digest};
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
    /// The GPUs, where there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpus: Option<HostGpus>,
    /// The runners, in order of preference.
    pub runners: Vec<RunnerFacts>,
}

/// The GPUs of a host, and what drives them: what an engine is built for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostGpus {
    /// The version of the driver.
    pub driver: String,
    /// The newest CUDA that it serves.
    pub cuda: String,
    /// Each of them.
    pub devices: Vec<HostGpu>,
}

/// A GPU.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostGpu {
    /// Its number.
    pub index: u32,
    /// Its product name.
    pub name: String,
    /// Its compute capability, as `9.0`.
    pub compute_capability: String,
}

impl HostGpus {
    fn of(gpus: &Gpus) -> Option<Self> {
        let Gpus::Present {
            driver,
            cuda,
            devices,
        } = gpus
        else {
            return None;
        };
        let devices = devices.iter().map(|gpu| HostGpu {
            index: gpu.index,
            name: gpu.name.clone(),
            compute_capability: gpu.compute_capability.clone(),
        });
        Some(Self {
            driver: driver.clone(),
            cuda: cuda.clone(),
            devices: devices.collect(),
        })
    }
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
            gpus: HostGpus::of(&host.gpus),
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
        let mut text = format!("{system}\n{processor}\n{cores}\n{threads}");
        if let Some(gpus) = gpus {
            text.extend(["\n", &gpus.driver]);
            let devices = gpus.devices.iter();
            text.extend(devices.flat_map(|gpu| ["\n", &gpu.name, " ", &gpu.compute_capability]));
        }
        Digest::of(text.as_bytes())
    }

    /// What an engine that this runner builds of a model on a device is built for; none where that is no GPU of this host.
    pub fn built_for(&self, runner: &str, device: Device, source: Digest) -> Option<BuiltFor> {
        let (gpus, Device::Cuda(number)) = (self.gpus.as_ref()?, device) else {
            return None;
        };
        let gpu = gpus.devices.iter().find(|gpu| gpu.index == number)?;
        Some(BuiltFor {
            device: gpu.name.clone(),
            compute_capability: gpu.compute_capability.clone(),
            driver: gpus.driver.clone(),
            runtime: self.version(runner)?.to_owned(),
            cuda: gpus.cuda.clone(),
            source,
        })
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

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(gpus: Option<HostGpus>) -> HostFacts {
        HostFacts {
            system: "linux".to_owned(),
            processor: "p".to_owned(),
            cores: 2,
            threads: 2,
            memory_bytes: 1 << 30,
            gpus,
            runners: vec![RunnerFacts {
                name: "TensorRT".to_owned(),
                probe: Probe::Ready {
                    version: "11.4.0.106".to_owned(),
                    library: None,
                    devices: vec![Device::Cuda(0)],
                },
            }],
        }
    }

    fn h200() -> HostGpus {
        HostGpus {
            driver: "580.1".to_owned(),
            cuda: "13.0".to_owned(),
            devices: vec![HostGpu {
                index: 0,
                name: "NVIDIA H200".to_owned(),
                compute_capability: "9.0".to_owned(),
            }],
        }
    }

    #[test]
    fn an_engine_is_built_for_the_device_and_the_versions_of_this_host() {
        let source = Digest::of(b"model");
        let built = facts(Some(h200())).built_for("TensorRT", Device::Cuda(0), source);
        let expected = BuiltFor {
            device: "NVIDIA H200".to_owned(),
            compute_capability: "9.0".to_owned(),
            driver: "580.1".to_owned(),
            runtime: "11.4.0.106".to_owned(),
            cuda: "13.0".to_owned(),
            source,
        };
        assert_eq!(built, Some(expected));
        let none = |facts: HostFacts, runner: &str, device| {
            assert_eq!(facts.built_for(runner, device, source), None);
        };
        none(facts(None), "TensorRT", Device::Cuda(0));
        none(facts(Some(h200())), "TensorRT", Device::Cuda(1));
        none(facts(Some(h200())), "TensorRT", Device::Cpu);
        none(facts(Some(h200())), "OnnxCUDA", Device::Cuda(0));
    }

    #[test]
    fn what_was_measured_on_one_gpu_is_not_recalled_on_another() {
        let plain = facts(None).identity();
        let with = facts(Some(h200())).identity();
        assert_ne!(plain, with);
        let mut updated = h200();
        updated.driver = "590.1".to_owned();
        assert_ne!(facts(Some(updated)).identity(), with);
        let mut other = h200();
        other.devices[0].name = "Some GPU".to_owned();
        assert_ne!(facts(Some(other)).identity(), with);
        assert_eq!(facts(Some(h200())).identity(), with);
    }
}
