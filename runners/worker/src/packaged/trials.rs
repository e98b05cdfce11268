//! What works on this host, tried once for each runner however many variants need it.

use std::collections::BTreeMap;

use nav_package_format::Device;
use nav_package_format::package::{Runtime, Variant};
use nav_runners::cuda::CudaError;
use nav_runners::gpu::{self, Gpus};
use nav_runners::{Probe, Runner};

use super::built_for;
use super::error::PackagedError;
use super::host::Host;

/// What mends an engine that was built elsewhere.
const BUILD_IT: &str = "`nav optimize` builds it for this machine";

/// What was tried so far.
pub(super) struct Trials<'a> {
    pub(super) host: &'a Host,
    probes: BTreeMap<&'static str, Probe>,
    gpus: Option<Result<Gpus, CudaError>>,
}

impl<'a> Trials<'a> {
    pub(super) const fn on(host: &'a Host) -> Self {
        Self {
            host,
            probes: BTreeMap::new(),
            gpus: None,
        }
    }

    /// The device of the variant if this host has it, or the runner's first one of the same kind.
    pub(super) fn device(
        &mut self,
        runner: &dyn Runner,
        variant: &Variant,
        runtime: &Runtime,
    ) -> Result<Device, PackagedError> {
        let not_ready = |reason: String, how_to_get_it: &str| PackagedError::NotReady {
            runtime: runtime.clone(),
            reason,
            how_to_get_it: how_to_get_it.to_owned(),
        };
        let host = self.host;
        let probe = self.probes.entry(runner.name());
        let (devices, version) = match probe.or_insert_with(|| runner.probe(&host.libraries)) {
            Probe::Ready {
                devices, version, ..
            } => (devices, version),
            Probe::Missing {
                reason,
                how_to_get_it,
            } => return Err(not_ready(reason.clone(), how_to_get_it)),
        };
        let same_kind = |device: &&Device| {
            matches!(device, Device::Cpu) == matches!(variant.device, Device::Cpu)
        };
        let found = devices
            .iter()
            .find(|device| **device == variant.device)
            .or_else(|| devices.iter().find(same_kind));
        let device = *found.ok_or_else(|| {
            let reason = format!("there is no device like {}", variant.device);
            not_ready(reason, "`nav doctor` lists the devices")
        })?;
        let Some(built) = &variant.built_for else {
            return Ok(device);
        };
        let gpus = self.gpus.get_or_insert_with(gpu::gpus);
        match built_for::objection(built, (device, version), gpus) {
            Some(reason) => Err(not_ready(reason, BUILD_IT)),
            None => Ok(device),
        }
    }
}
