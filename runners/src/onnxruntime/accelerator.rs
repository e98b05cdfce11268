//! What `OnnxCUDA` and `OnnxTensorRT` share: a provider that is tried before it is believed, and never
//! quietly replaced by the processor.

use std::sync::Arc;

use nav_native::cuda::Driver;
use nav_native::gpu;
use nav_native::onnxruntime::HostMemory;
use nav_package_format::{Device, Format};
use ort::session::Session as OrtSession;
use ort::session::builder::SessionBuilder;

use super::companions;
use super::library::{self, OpenedLibrary};
use super::model::Loader;
use super::reason::reason;
use crate::error::LoadError;
use crate::library::{Libraries, VendorRuntime};
use crate::runner::{LoadOptions, Loaded, ModelFile, Probe, Runner};

const RUNTIME: VendorRuntime = VendorRuntime::OnnxruntimeCuda;

/// The smallest graph there is, `y = Identity(x)` over one float: ONNX IR 8, opset 13.
const IDENTITY_MODEL: &[u8] =
    b"\x08\x08\x3a\x38\x0a\x10\x0a\x01x\x12\x01y\x22\x08Identity\x12\x02id\
    \x5a\x0f\x0a\x01x\x12\x0a\x0a\x08\x08\x01\x12\x04\x0a\x02\x08\x01\
    \x62\x0f\x0a\x01y\x12\x0a\x0a\x08\x08\x01\x12\x04\x0a\x02\x08\x01\
    \x42\x04\x0a\x00\x10\x0d";

/// A provider of ONNX Runtime that runs on a GPU.
#[derive(Debug)]
pub struct Accelerator {
    /// The runner's name.
    pub name: &'static str,
    /// ONNX Runtime's name for it.
    pub provider: &'static str,
    /// What must be there for it to work, in words.
    pub needs: &'static str,
    /// Whether its libraries crash the process, rather than fail, where there is no driver.
    pub crashes_without_driver: bool,
    /// Registers it with a session that is being built.
    pub register: Register,
    /// Registers it so that it records runs, if it can.
    pub register_recording: Option<Register>,
}

/// Registers a provider for the GPU of this number.
pub type Register = fn(&mut SessionBuilder, i32) -> ort::Result<()>;

/// The entry of settings that has CUDA record runs: `1`.
const GRAPH: &str = "cuda.graph";

impl Runner for Accelerator {
    fn name(&self) -> &'static str {
        self.name
    }

    fn formats(&self) -> &'static [Format] {
        &[Format::Onnx]
    }

    fn vendor_runtime(&self) -> Option<VendorRuntime> {
        Some(RUNTIME)
    }

    fn probe(&self, libraries: &Libraries) -> Probe {
        let opened = match library::open_for_cuda(libraries) {
            Ok(opened) => opened,
            Err(error) => {
                let how_to_get_it = error.how_to_mend(RUNTIME);
                return Probe::Missing {
                    reason: error.to_string(),
                    how_to_get_it,
                };
            }
        };
        match self.try_out(&opened, libraries, 0) {
            Ok(()) => Probe::Ready {
                version: opened.version,
                library: Some(opened.path),
                devices: devices(),
            },
            Err(reason) => Probe::Missing {
                reason,
                how_to_get_it: self.needs.to_owned(),
            },
        }
    }

    fn load(&self, model: &ModelFile, options: &LoadOptions) -> Result<Arc<dyn Loaded>, LoadError> {
        let facts = model.admit_onnx(self)?;
        // ONNX Runtime counts devices in an `int`.
        let device = match options.device {
            Device::Cuda(device) => i32::try_from(device).ok(),
            Device::Cpu => None,
        };
        let device = device.ok_or_else(|| LoadError::Device {
            runner: self.name.to_owned(),
            device: options.device,
        })?;
        let failed = |reason: String| LoadError::Provider {
            runner: self.name.to_owned(),
            provider: self.provider.to_owned(),
            reason,
        };
        let opened = library::open_for_cuda(&options.libraries);
        let library = opened.map_err(|error| error.into_load_error(self.name, RUNTIME))?;
        self.try_out(&library, &options.libraries, device)
            .map_err(failed)?;
        let memory = HostMemory::PinnedFor(device);
        let mut options = options.clone();
        let recording = options.settings.config_entries.remove(GRAPH);
        let register = self.register_for(recording.as_deref())?;
        let records = recording.and(u32::try_from(device).ok());
        let loader = Loader {
            runner: self.name,
            library,
            memory,
            records: records.map(|device| (device, GRAPH)),
        };
        loader.load(model, &facts.signature, &options, |builder| {
            register(builder, device).map_err(|error| failed(reason(&error)))
        })
    }
}

impl Accelerator {
    /// How it is registered with what the setting for recording says.
    fn register_for(&self, recording: Option<&str>) -> Result<Register, LoadError> {
        let refuse = |reason: &str| LoadError::Setting {
            runner: self.name.to_owned(),
            setting: GRAPH.to_owned(),
            reason: reason.to_owned(),
        };
        match recording {
            None => Ok(self.register),
            Some("1") => self
                .register_recording
                .ok_or_else(|| refuse("it does not record runs")),
            Some(_) => Err(refuse("it can be 1")),
        }
    }

    /// Sets the provider up for the smallest graph there is, so that a failure has the provider's own
    /// reason and no model can be blamed for it.
    fn try_out(
        &self,
        library: &OpenedLibrary,
        libraries: &Libraries,
        device: i32,
    ) -> Result<(), String> {
        // The provider asks for the driver by name, too, and gets the one that is open.
        let no_driver = Driver::open().err();
        if let Some(error) = no_driver.as_ref().filter(|_| self.crashes_without_driver) {
            return Err(error.to_string());
        }
        companions::open(&library.path, libraries);
        // Without a driver whatever else is missing matters less; but the driver may be where only the loader finds it.
        let why = |error: ort::Error| match &no_driver {
            Some(no_driver) => format!("{no_driver}: {}", reason(&error)),
            None => reason(&error),
        };
        let mut builder = OrtSession::builder(&library.environment).map_err(why)?;
        (self.register)(&mut builder, device).map_err(why)?;
        builder.commit_from_memory(IDENTITY_MODEL).map_err(why)?;
        Ok(())
    }
}

/// The GPUs to offer. Where the driver lists none that we can see, a working provider still proves the first one.
fn devices() -> Vec<Device> {
    match gpu::gpus() {
        Ok(found) => found
            .devices
            .iter()
            .map(|gpu| Device::Cuda(gpu.index))
            .collect(),
        Err(_) => vec![Device::Cuda(0)],
    }
}

#[cfg(test)]
mod tests {
    use crate::onnx_cuda::ONNX_CUDA;
    use crate::onnx_tensorrt::ONNX_TENSORRT;

    use super::*;

    #[test]
    fn recording_is_asked_for_by_a_setting_that_only_some_providers_have() {
        let check = |provider: &Accelerator, setting, expected: Result<(), &str>| {
            let found = provider.register_for(setting).map(|_| ());
            let found = found.map_err(|error| error.to_string());
            assert_eq!(found, expected.map_err(str::to_owned));
        };
        check(&ONNX_CUDA, None, Ok(()));
        check(&ONNX_CUDA, Some("1"), Ok(()));
        check(
            &ONNX_CUDA,
            Some("yes"),
            Err("runner OnnxCUDA cannot honour setting cuda.graph: it can be 1"),
        );
        check(&ONNX_TENSORRT, None, Ok(()));
        check(
            &ONNX_TENSORRT,
            Some("1"),
            Err("runner OnnxTensorRT cannot honour setting cuda.graph: it does not record runs"),
        );
    }
}
