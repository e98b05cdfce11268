//! What an engine that was built here is built for. Pure.

use nav_package_format::package::BuiltFor;
use nav_package_format::{Device, Digest};
use nav_runners::cuda::CudaError;
use nav_runners::gpu::Gpus;

/// What an engine is built for by this version of a runtime, of this model, on this device; none where that is no GPU of this host.
pub(super) fn of(
    gpus: &Result<Gpus, CudaError>,
    device: Device,
    version: &str,
    source: Digest,
) -> Option<BuiltFor> {
    let (Ok(gpus), Device::Cuda(number)) = (gpus, device) else {
        return None;
    };
    let gpu = gpus.devices.iter().find(|gpu| gpu.index == number)?;
    Some(BuiltFor {
        device: gpu.name.clone(),
        compute_capability: gpu.compute_capability.clone(),
        driver: gpus.driver.clone(),
        runtime: version.to_owned(),
        cuda: gpus.cuda.clone(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use nav_runners::gpu::Gpu;

    use super::*;

    #[test]
    fn an_engine_is_built_for_the_device_and_the_versions_of_this_host() {
        let here = Ok(Gpus {
            driver: "580.1".to_owned(),
            cuda: "13.0".to_owned(),
            devices: vec![Gpu {
                index: 0,
                name: "NVIDIA H200".to_owned(),
                uuid: "GPU-0".to_owned(),
                memory_bytes: 1 << 30,
                free_bytes: None,
                compute_capability: "9.0".to_owned(),
            }],
        });
        let source = Digest::of(b"model");
        let built = of(&here, Device::Cuda(0), "11.4.0.106", source);
        let expected = BuiltFor {
            device: "NVIDIA H200".to_owned(),
            compute_capability: "9.0".to_owned(),
            driver: "580.1".to_owned(),
            runtime: "11.4.0.106".to_owned(),
            cuda: "13.0".to_owned(),
            source,
        };
        assert_eq!(built, Some(expected));
        assert_eq!(of(&here, Device::Cuda(1), "11.4.0.106", source), None);
        assert_eq!(of(&here, Device::Cpu, "11.4.0.106", source), None);
        let none = Err(CudaError::NoDriver);
        assert_eq!(of(&none, Device::Cuda(0), "11.4.0.106", source), None);
    }
}
