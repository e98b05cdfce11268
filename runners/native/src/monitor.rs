//! How busy GPUs are and how full, as the driver's management library (`libnvidia-ml.so.1`) tells. Asking takes milliseconds: not for
//! whoever answers requests.

use std::path::{Path, PathBuf};

use nvml_wrapper::enums::device::UsedGpuMemory;
use nvml_wrapper::error::NvmlError;
use nvml_wrapper::{Device, Nvml};

use crate::gpu::driver_library;
use crate::library;

/// The management library, opened.
#[derive(Debug)]
pub struct Monitor {
    nvml: Nvml,
}

/// Why nothing can be told of GPUs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MonitorError {
    /// A normal answer: this host has no driver, or a container was given none of this part of it.
    #[error("the driver's management library is not there (there is no libnvidia-ml.so.1)")]
    Missing,
    /// The library is there and cannot be used.
    #[error("the driver's management library cannot be used ({library}): {reason}", library = .library.display())]
    Unusable {
        /// The library.
        library: PathBuf,
        /// Its reason, or the loader's.
        reason: String,
    },
}

/// One GPU at one moment. What it does not tell is open: not all of them can measure everything.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GpuReading {
    /// Its identity, as `GPU-` and a UUID.
    pub uuid: String,
    /// The part of the time in which it computed, from 0 to 1.
    pub utilization: Option<f64>,
    /// All of its memory.
    pub memory_total_bytes: Option<u64>,
    /// What of it is taken, by whoever.
    pub memory_used_bytes: Option<u64>,
    /// What it draws, in watts.
    pub power_watts: Option<f64>,
    /// What it may draw, in watts.
    pub power_limit_watts: Option<f64>,
    /// What it has drawn since the driver was loaded, in joules.
    pub energy_joules: Option<f64>,
}

impl Monitor {
    /// Opens the management library of this host's driver.
    pub fn open() -> Result<Self, MonitorError> {
        let library = driver_library("libnvidia-ml.so.1").ok_or(MonitorError::Missing)?;
        Self::open_at(&library)
    }

    /// Opens this file as the management library.
    pub fn open_at(path: &Path) -> Result<Self, MonitorError> {
        let opened = Nvml::builder().lib_path(path.as_os_str()).init();
        let nvml = opened.map_err(|error| MonitorError::Unusable {
            library: path.to_owned(),
            reason: library::cause(&error),
        })?;
        Ok(Self { nvml })
    }

    /// The driver's version.
    pub fn driver_version(&self) -> Option<String> {
        self.nvml.sys_driver_version().ok()
    }

    /// How much of a GPU's memory nobody holds.
    pub fn free_bytes(&self, uuid: &str) -> Option<u64> {
        let device = self.nvml.device_by_uuid(uuid).ok()?;
        device.memory_info().ok().map(|memory| memory.free)
    }

    /// Every GPU as it is now.
    pub fn readings(&self) -> Vec<GpuReading> {
        self.devices().iter().filter_map(reading).collect()
    }

    /// How much memory of GPUs these processes hold together; nothing where none of them uses one, or the driver does not tell
    /// whose memory it is, as in a container with process numbers of its own.
    pub fn held_by(&self, processes: &[u32]) -> Option<u64> {
        let devices = self.devices();
        let running = devices
            .iter()
            .filter_map(|device| device.running_compute_processes().ok())
            .flatten();
        let held = running
            .filter(|process| processes.contains(&process.pid))
            .filter_map(|process| match process.used_gpu_memory {
                UsedGpuMemory::Used(bytes) => Some(bytes),
                UsedGpuMemory::Unavailable => None,
            });
        held.reduce(u64::saturating_add)
    }

    fn devices(&self) -> Vec<Device<'_>> {
        let count = self.nvml.device_count().unwrap_or(0);
        (0..count)
            .filter_map(|index| self.nvml.device_by_index(index).ok())
            .collect()
    }
}

fn reading(device: &Device<'_>) -> Option<GpuReading> {
    let thousandths =
        |value: Result<u32, NvmlError>| value.ok().map(|value| f64::from(value) / 1000.0);
    let memory = device.memory_info().ok();
    let utilization = device.utilization_rates().ok();
    let energy = device.total_energy_consumption().ok();
    Some(GpuReading {
        uuid: device.uuid().ok()?,
        utilization: utilization.map(|rates| f64::from(rates.gpu) / 100.0),
        memory_total_bytes: memory.as_ref().map(|memory| memory.total),
        memory_used_bytes: memory.as_ref().map(|memory| memory.used),
        power_watts: thousandths(device.power_usage()),
        power_limit_watts: thousandths(device.enforced_power_limit()),
        energy_joules: energy.map(joules),
    })
}

#[expect(
    clippy::cast_precision_loss,
    reason = "millijoules are below 2^53 for centuries of work"
)]
fn joules(millijoules: u64) -> f64 {
    millijoules as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_that_is_not_there_or_not_this_one_is_an_error() {
        let nowhere = Path::new("/nowhere/libnvidia-ml.so.1");
        let refused = Monitor::open_at(nowhere).unwrap_err();
        let text = refused.to_string();
        assert!(
            text.contains("cannot be used (/nowhere/libnvidia-ml.so.1): ")
                && text.ends_with("No such file or directory"),
            "{text}"
        );
        if driver_library("libnvidia-ml.so.1").is_none() {
            assert_eq!(Monitor::open().unwrap_err(), MonitorError::Missing);
        }
        // A library that every program has, found as the system tells of it.
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let library = maps
            .split_ascii_whitespace()
            .find(|word| word.contains("/libc.so"));
        let refused = Monitor::open_at(Path::new(library.unwrap())).unwrap_err();
        assert!(
            matches!(refused, MonitorError::Unusable { .. }),
            "{refused}"
        );
    }
}
