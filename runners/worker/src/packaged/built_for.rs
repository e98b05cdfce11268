//! Whether an engine that was built for one machine runs on another: it does where the device is the same, the runtime
//! is the version that built it, and the driver is no older.

use nav_package_format::Device;
use nav_package_format::package::BuiltFor;
use nav_runners::cuda::CudaError;
use nav_runners::gpu::{Gpu, Gpus};

/// Why something that was built for this machine does not run on a device of this host, with a runtime of this version;
/// nothing where it does.
pub(super) fn objection(
    built: &BuiltFor,
    (device, version): (Device, &str),
    host: &Result<Gpus, CudaError>,
) -> Option<String> {
    let found = match host {
        Ok(gpus) => found(device, gpus),
        Err(error) => Err(error.to_string()),
    };
    let why = match (device, found) {
        (Device::Cpu, _) => Some(format!("is to run on {device}")),
        (_, Err(reason)) => Some(reason),
        (_, Ok((gpu, driver))) => {
            other_device(built, device, gpu).or_else(|| other_software(built, version, driver))
        }
    };
    why.map(|why| {
        format!(
            "it was built for {} (compute capability {}), and {why}",
            built.device, built.compute_capability
        )
    })
}

/// This device and the version of its driver.
fn found(device: Device, gpus: &Gpus) -> Result<(&Gpu, &str), String> {
    let mut devices = gpus.devices.iter();
    let gpu = devices.find(|gpu| device == Device::Cuda(gpu.index));
    let gpu = gpu.ok_or_else(|| format!("there is no {device}"))?;
    Ok((gpu, &gpus.driver))
}

fn other_device(built: &BuiltFor, device: Device, gpu: &Gpu) -> Option<String> {
    let is_same = gpu.name == built.device && gpu.compute_capability == built.compute_capability;
    (!is_same).then(|| {
        format!(
            "{device} is {} (compute capability {})",
            gpu.name, gpu.compute_capability
        )
    })
}

/// A runtime reads the engines of its own version only. Drivers run what was built with those before them, but not with
/// those after them; releases of one branch are interchangeable.
fn other_software(built: &BuiltFor, version: &str, driver: &str) -> Option<String> {
    if version != built.runtime {
        return Some(format!(
            "by version {} of the runtime, which here is {version}",
            built.runtime
        ));
    }
    let is_older = match (branch(driver), branch(&built.driver)) {
        (Some(here), Some(there)) => here < there,
        _ => false,
    };
    is_older.then(|| {
        format!(
            "with driver {}, and the one here is older: {driver}",
            built.driver
        )
    })
}

/// The branch of a version of the driver: 580 of `580.65.06`.
fn branch(driver: &str) -> Option<u32> {
    driver.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use nav_package_format::Digest;

    use super::*;

    const VERSION: &str = "11.0";

    fn host(name: &str, compute_capability: &str, driver: &str) -> Gpus {
        Gpus {
            driver: driver.to_owned(),
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

    fn check(found: (Device, &str), host: &Result<Gpus, CudaError>, expected: Option<&str>) {
        let built = BuiltFor {
            device: "NVIDIA H200".to_owned(),
            compute_capability: "9.0".to_owned(),
            driver: "570.1".to_owned(),
            runtime: VERSION.to_owned(),
            cuda: "13.0".to_owned(),
            source: Digest::of(b"model"),
        };
        let built_for = "it was built for NVIDIA H200 (compute capability 9.0), and ";
        let found = objection(&built, found, host);
        assert_eq!(found, expected.map(|it| format!("{built_for}{it}")));
    }

    #[test]
    fn an_engine_runs_on_the_kind_of_device_that_it_was_built_for() {
        let gpu = |number| (Device::Cuda(number), VERSION);
        check(gpu(0), &Ok(host("NVIDIA H200", "9.0", "570.1")), None);
        let other = || Ok(host("NVIDIA L4", "8.9", "570.1"));
        let why = "cuda:0 is NVIDIA L4 (compute capability 8.9)";
        check(gpu(0), &other(), Some(why));
        check(gpu(1), &other(), Some("there is no cuda:1"));
        let none = || Err(CudaError::NoDriver);
        check(
            gpu(0),
            &none(),
            Some("no NVIDIA driver is installed (there is no libcuda.so.1)"),
        );
        check((Device::Cpu, VERSION), &none(), Some("is to run on cpu"));
    }

    #[test]
    fn an_engine_runs_with_the_runtime_that_built_it_and_with_no_older_driver() {
        let gpu = |version| (Device::Cuda(0), version);
        let driver = |version: &str| Ok(host("NVIDIA H200", "9.0", version));
        let why = "by version 11.0 of the runtime, which here is 10.9";
        check(gpu("10.9"), &driver("570.1"), Some(why));
        check(gpu(VERSION), &driver("570.0.9"), None);
        check(gpu(VERSION), &driver("1000.1"), None);
        let why = "with driver 570.1, and the one here is older: 565.57.01";
        check(gpu(VERSION), &driver("565.57.01"), Some(why));
        // What is no version proves nothing.
        check(gpu(VERSION), &driver("unknown"), None);
    }
}
