//! The NVIDIA GPUs of this host, as the driver's management library reports them.

use std::path::{Path, PathBuf};

use nvml_wrapper::Nvml;
use nvml_wrapper::error::NvmlError;

/// Where drivers put their libraries. Absolute, so that no search path can redirect them.
const DRIVER_FOLDERS: &[&str] = &[
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib64",
    "/usr/lib",
    "/usr/local/nvidia/lib64",
    "/usr/lib/wsl/lib",
    "/run/opengl-driver/lib",
];

fn driver_library(name: &str) -> Option<PathBuf> {
    DRIVER_FOLDERS
        .iter()
        .map(|folder| Path::new(folder).join(name))
        .find(|path| path.exists())
}

/// The driver's CUDA library, if there is a driver.
pub fn cuda_library() -> Option<PathBuf> {
    driver_library("libcuda.so.1")
}

/// What the driver reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gpus {
    /// The driver's version.
    pub driver: String,
    /// The newest CUDA version that the driver serves, as `13.0`.
    pub cuda: String,
    /// The devices, in the driver's order.
    pub devices: Vec<Gpu>,
}

/// One GPU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gpu {
    /// Its number.
    pub index: u32,
    /// Its product name.
    pub name: String,
    /// All of its memory.
    pub memory_bytes: u64,
    /// Its compute capability, as `9.0`.
    pub compute_capability: String,
}

/// Why no GPU can be reported.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GpuError {
    /// A normal answer: this host has no NVIDIA driver.
    #[error("no NVIDIA driver is installed")]
    NoDriver,
    /// The driver is there but does not answer.
    #[error("the NVIDIA driver does not answer ({library}): {reason}")]
    Driver {
        /// The library that was opened.
        library: String,
        /// The driver's reason.
        reason: String,
    },
}

/// Asks the driver for its GPUs.
pub fn gpus() -> Result<Gpus, GpuError> {
    let library = driver_library("libnvidia-ml.so.1").ok_or(GpuError::NoDriver)?;
    ask(&library).map_err(|error| GpuError::Driver {
        library: library.display().to_string(),
        reason: error.to_string(),
    })
}

fn ask(library: &Path) -> Result<Gpus, NvmlError> {
    let nvml = Nvml::builder().lib_path(library.as_os_str()).init()?;
    let cuda = nvml.sys_cuda_driver_version()?;
    let devices: Result<Vec<Gpu>, NvmlError> = (0..nvml.device_count()?)
        .map(|index| {
            let device = nvml.device_by_index(index)?;
            let capability = device.cuda_compute_capability()?;
            Ok(Gpu {
                index,
                name: device.name()?,
                memory_bytes: device.memory_info()?.total,
                compute_capability: format!("{}.{}", capability.major, capability.minor),
            })
        })
        .collect();
    Ok(Gpus {
        driver: nvml.sys_driver_version()?,
        cuda: format!(
            "{}.{}",
            nvml_wrapper::cuda_driver_version_major(cuda),
            nvml_wrapper::cuda_driver_version_minor(cuda)
        ),
        devices: devices?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_without_a_driver_is_a_plain_answer() {
        match gpus() {
            Ok(found) => println!(
                "found {} GPUs, driver {}",
                found.devices.len(),
                found.driver
            ),
            Err(error) => println!("{error}"),
        }
    }

    #[test]
    fn drivers_are_looked_for_in_absolute_places_only() {
        assert!(
            DRIVER_FOLDERS
                .iter()
                .all(|path| Path::new(path).is_absolute())
        );
    }
}
