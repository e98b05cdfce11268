//! Whether an engine that was built for one machine runs on another: it does not, unless the device is the same.

use nav_package_format::Device;
use nav_package_format::package::BuiltFor;
use nav_runners::cuda::CudaError;
use nav_runners::gpu::Gpus;

/// Why something that was built for this machine does not run on a device of this host; nothing where it does.
pub(super) fn objection(
    built: &BuiltFor,
    device: Device,
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
    (!is_same).then(|| {
        format!(
            "{built_for}, and {device} is {} (compute capability {})",
            gpu.name, gpu.compute_capability
        )
    })
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

    #[test]
    fn an_engine_runs_on_the_kind_of_device_that_it_was_built_for() {
        let built = BuiltFor {
            device: "NVIDIA H200".to_owned(),
            compute_capability: "9.0".to_owned(),
            driver: "570.1".to_owned(),
            runtime: "11.0".to_owned(),
            cuda: "13.0".to_owned(),
            source: Digest::of(b"model"),
        };
        let check = |device, host: Result<Gpus, CudaError>, expected: Option<&str>| {
            let built_for = "it was built for NVIDIA H200 (compute capability 9.0), and ";
            let found = objection(&built, device, &host);
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
}
