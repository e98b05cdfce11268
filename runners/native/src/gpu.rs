//! The NVIDIA GPUs of this host: what CUDA lists, in its order and with its numbers, since those are the numbers that models are run
//! by. Nobody else in this project looks for GPUs.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::cuda::{CudaError, DeviceFacts, Driver};
use crate::environment;
use crate::monitor::Monitor;

/// The driver's CUDA library, as it is called everywhere.
const CUDA_LIBRARY: &str = "libcuda.so.1";

/// Where drivers put their libraries. Absolute, so that no search path can redirect them.
const DRIVER_FOLDERS: &[&str] = &[
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib64",
    "/usr/lib",
    "/usr/local/nvidia/lib64",
    "/usr/local/nvidia/lib",
    "/usr/lib/wsl/lib",
    "/run/opengl-driver/lib",
];

/// Where the kernel's part of the driver tells its version.
const KERNEL_VERSION: &str = "/proc/driver/nvidia/version";

/// A library of the driver's besides that of CUDA: beside a driver that is named, or in a folder where drivers are.
pub(crate) fn driver_library(name: &str) -> Option<PathBuf> {
    let named = environment::cuda_driver().map(PathBuf::from);
    let folder = named.as_deref().and_then(Path::parent);
    let beside = folder.filter(|folder| folder.is_absolute());
    let known = DRIVER_FOLDERS.iter().map(Path::new);
    let mut places = beside.into_iter().chain(known);
    places.find_map(|folder| Some(folder.join(name)).filter(|path| path.exists()))
}

/// The driver's CUDA library: the one that `NAV_CUDA_DRIVER` names, else the one in a folder where drivers are.
pub fn cuda_library() -> Result<PathBuf, CudaError> {
    match environment::cuda_driver() {
        Some(named) => named_library(&named),
        None => driver_library(CUDA_LIBRARY).ok_or(CudaError::NoDriver),
    }
}

/// What is named is taken or refused: another driver in its place would be a surprise.
fn named_library(named: &OsStr) -> Result<PathBuf, CudaError> {
    let library = PathBuf::from(named);
    let reason = if !library.is_absolute() {
        "is not an absolute path"
    } else if library.is_file() {
        return Ok(library);
    } else {
        "is no file"
    };
    Err(CudaError::Misnamed { library, reason })
}

/// What the driver reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gpus {
    /// The driver's version; `unknown` where it does not tell.
    pub driver: String,
    /// The newest CUDA version that the driver serves, as `13.0`.
    pub cuda: String,
    /// The devices, in CUDA's order. None is an answer: the driver is there, and shows this process no GPU.
    pub devices: Vec<Gpu>,
}

/// One GPU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gpu {
    /// Its number, as in `cuda:0`.
    pub index: u32,
    /// Its product name.
    pub name: String,
    /// Its identity, as `GPU-` and a UUID.
    pub uuid: String,
    /// All of its memory.
    pub memory_bytes: u64,
    /// How much of it nobody holds now, where the driver's management library is there to tell.
    pub free_bytes: Option<u64>,
    /// Its compute capability, as `9.0`.
    pub compute_capability: String,
}

/// Asks the driver for its GPUs. None of their memory is taken for that.
pub fn gpus() -> Result<Gpus, CudaError> {
    let driver = Driver::open()?;
    // A container may be given compute alone; then it is not known how full the devices are.
    let monitor = Monitor::open().ok();
    let version = monitor.as_ref().and_then(Monitor::driver_version);
    let of_kernel = || {
        let text = std::fs::read_to_string(KERNEL_VERSION).ok()?;
        kernel_version(&text)
    };
    let free = |facts: &DeviceFacts| monitor.as_ref()?.free_bytes(&facts.uuid);
    Ok(Gpus {
        driver: version
            .or_else(of_kernel)
            .unwrap_or_else(|| "unknown".to_owned()),
        cuda: driver.cuda_version()?,
        devices: driver
            .devices()?
            .into_iter()
            .map(|facts| Gpu {
                free_bytes: free(&facts),
                index: facts.number,
                name: facts.name,
                uuid: facts.uuid,
                memory_bytes: facts.memory_bytes,
                compute_capability: facts.compute_capability,
            })
            .collect(),
    })
}

/// The version in `NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.159.04  Release Build`.
fn kernel_version(text: &str) -> Option<String> {
    let line = text
        .lines()
        .find(|line| line.starts_with("NVRM version:"))?;
    let is_version =
        |word: &&str| word.contains('.') && word.chars().all(|it| it.is_ascii_digit() || it == '.');
    line.split_whitespace().find(is_version).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_without_a_driver_is_told_so_by_an_error() {
        match gpus() {
            Ok(found) => println!(
                "found {} GPUs, driver {}",
                found.devices.len(),
                found.driver
            ),
            Err(error) if cuda_library().is_err() => assert_eq!(Err(error), cuda_library()),
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

    #[test]
    fn a_driver_that_is_named_is_taken_or_refused() {
        let folder = tempfile::tempdir().unwrap();
        let library = folder.path().join("libcuda.so.1");
        let refusal = |named: &Path| named_library(named.as_os_str()).unwrap_err().to_string();
        let start = format!("NAV_CUDA_DRIVER names {}, which", library.display());
        assert_eq!(refusal(&library), format!("{start} is no file"));
        std::fs::write(&library, "").unwrap();
        assert_eq!(named_library(library.as_os_str()), Ok(library));
        let folder = folder.path().display().to_string();
        assert_eq!(
            refusal(Path::new(&folder)),
            format!("NAV_CUDA_DRIVER names {folder}, which is no file")
        );
        assert_eq!(
            refusal(Path::new("libcuda.so.1")),
            "NAV_CUDA_DRIVER names libcuda.so.1, which is not an absolute path"
        );
    }

    #[test]
    fn the_version_of_the_driver_is_found_among_what_the_kernel_tells() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(kernel_version(text).as_deref(), expected);
        };
        let open = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.159.04  Release Build  (x)\n\
                    GCC version:  gcc version 13.3.0\n";
        check(open, Some("580.159.04"));
        check(
            "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.54.03  Tue Jun\n",
            Some("535.54.03"),
        );
        check("GCC version:  gcc version 13.3.0\n", None);
        check("", None);
    }
}
