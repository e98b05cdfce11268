//! Whether an engine that was built for one machine runs on another: it does not, unless device and runtime are the same, and the driver
//! is at least as new.

use nav_package_format::Device;
use nav_package_format::package::BuiltFor;
use nav_runners::cuda::CudaError;
use nav_runners::gpu::Gpus;

/// Why something that was built for this machine does not run on a device of this host, with a runtime of this version, as far as that is
/// known; nothing where it does.
pub(super) fn objection(
    built: &BuiltFor,
    (device, runtime): (Device, Option<&str>),
    host: &Result<Gpus, CudaError>,
) -> Option<String> {
    let built_for = format!(
        "it was built for {} (compute capability {})",
        built.device, built.compute_capability
    );
    let Device::Cuda(number) = device else {
        return Some(format!("{built_for}, and is to run on {device}"));
    };
    let gpus = match host {
        Ok(gpus) => gpus,
        Err(error) => return Some(format!("{built_for}, and {error}")),
    };
    let found = gpus.devices.iter().find(|gpu| gpu.index == number);
    let Some(gpu) = found else {
        return Some(format!("{built_for}, and there is no GPU {number}"));
    };
    let is_same = gpu.name == built.device && gpu.compute_capability == built.compute_capability;
    if !is_same {
        return Some(format!(
            "{built_for}, and {device} is {} (compute capability {})",
            gpu.name, gpu.compute_capability
        ));
    }
    if let Some(version) = runtime.filter(|&version| version != built.runtime) {
        let known = &built.runtime;
        return Some(format!(
            "it was built by version {known} of its runtime, and version {version} is here"
        ));
    }
    is_older(&gpus.cuda, &built.cuda).then(|| {
        format!(
            "it was built for a driver of CUDA {}, and that of {device} serves CUDA {}",
            built.cuda, gpus.cuda
        )
    })
}

/// Whether one version, as `13.0`, is older than another. What is no version is not.
fn is_older(version: &str, than: &str) -> bool {
    let parts = |text: &str| -> Option<Vec<u32>> {
        let parts = text.split('.').map(|part| part.parse().ok());
        parts.collect()
    };
    match (parts(version), parts(than)) {
        (Some(version), Some(than)) => version < than,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use nav_package_format::Digest;
    use nav_runners::gpu::Gpu;

    use super::*;

    fn host(name: &str, compute_capability: &str) -> Gpus {
        Gpus {
            driver: "580.1".to_owned(),
            cuda: "13.0".to_owned(),
            devices: vec![Gpu {
                index: 0,
                name: name.to_owned(),
                uuid: "GPU-1".to_owned(),
                memory_bytes: 1 << 30,
                free_bytes: None,
                compute_capability: compute_capability.to_owned(),
            }],
        }
    }

    fn built() -> BuiltFor {
        BuiltFor {
            device: "NVIDIA H200".to_owned(),
            compute_capability: "9.0".to_owned(),
            driver: "570.1".to_owned(),
            runtime: "11.0".to_owned(),
            cuda: "13.0".to_owned(),
            source: Digest::of(b"model"),
        }
    }

    #[test]
    fn an_engine_runs_on_the_kind_of_device_that_it_was_built_for() {
        let built = built();
        let check = |device, host: Result<Gpus, CudaError>, expected: Option<&str>| {
            let built_for = "it was built for NVIDIA H200 (compute capability 9.0), and ";
            let found = objection(&built, (device, Some("11.0")), &host);
            assert_eq!(found, expected.map(|it| format!("{built_for}{it}")));
        };
        check(Device::Cuda(0), Ok(host("NVIDIA H200", "9.0")), None);
        let other = Ok(host("NVIDIA L4", "8.9"));
        let why = "cuda:0 is NVIDIA L4 (compute capability 8.9)";
        check(Device::Cuda(0), other.clone(), Some(why));
        check(Device::Cuda(1), other, Some("there is no GPU 1"));
        let none = Err(CudaError::NoDriver);
        check(
            Device::Cuda(0),
            none.clone(),
            Some("no NVIDIA driver is installed (there is no libcuda.so.1)"),
        );
        check(Device::Cpu, none, Some("is to run on cpu"));
    }

    #[test]
    fn an_engine_runs_with_the_runtime_that_built_it_and_drivers_that_are_as_new() {
        let check = |runtime: Option<&str>, cuda: &str, expected: Option<&str>| {
            let host = Gpus {
                cuda: cuda.to_owned(),
                ..host("NVIDIA H200", "9.0")
            };
            let found = objection(&built(), (Device::Cuda(0), runtime), &Ok(host));
            assert_eq!(found.as_deref(), expected);
        };
        check(Some("11.0"), "13.0", None);
        check(None, "13.10", None);
        check(Some("11.0"), "13.x", None);
        let other = "it was built by version 11.0 of its runtime, and version 11.1 is here";
        check(Some("11.1"), "13.0", Some(other));
        let older = "it was built for a driver of CUDA 13.0, and that of cuda:0 serves CUDA 12.9";
        check(Some("11.0"), "12.9", Some(older));
    }
}
