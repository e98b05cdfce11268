//! What `OnnxCUDA` and `OnnxTensorRT` share: a provider that is tried before it is believed, and never
//! quietly replaced by the processor.

use std::collections::BTreeMap;
use std::sync::Arc;

use nav_native::cuda::Driver;
use nav_native::gpu;
use nav_native::onnxruntime::HostMemory;
use nav_package_format::{Device, Format};
use ort::ep;
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
    /// The entries of settings that it honours.
    pub settings: &'static [&'static str],
    /// Registers it with a session that is being built.
    pub register: fn(&mut SessionBuilder, &Treatment) -> ort::Result<()>,
}

/// How a provider runs a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Treatment {
    /// The GPU of this number.
    pub device: i32,
    /// Whether CUDA records runs, and launches each as a whole.
    pub records: bool,
    /// Whether products of FP32 may be computed with ten bits of mantissa.
    pub tf32: bool,
}

/// The entry of settings that has CUDA record runs: `1`.
pub const GRAPH: &str = "cuda.graph";

/// The entry of settings that lets products of FP32 be computed with ten bits of mantissa: `on`.
pub const TF32: &str = "cuda.tf32";

/// The CUDA provider. By itself it would compute with less than FP32.
pub fn cuda(treatment: &Treatment) -> ep::CUDA {
    let provider = ep::CUDA::default().with_device_id(treatment.device);
    provider.with_tf32(treatment.tf32)
}

impl Treatment {
    /// As the model is, and nothing more.
    const fn plain(device: i32) -> Self {
        Self {
            device,
            records: false,
            tf32: false,
        }
    }
}

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
        let treatment = self.treatment(device, &mut options.settings.config_entries)?;
        let number = u32::try_from(device).ok();
        let records = number.filter(|_| treatment.records);
        let loader = Loader {
            runner: self.name,
            library,
            memory,
            records: records.map(|device| (device, GRAPH)),
        };
        loader.load(model, &facts.signature, &options, |builder| {
            (self.register)(builder, &treatment).map_err(|error| failed(reason(&error)))
        })
    }
}

impl Accelerator {
    /// What these entries ask of the provider, which takes its own out of them.
    fn treatment(
        &self,
        device: i32,
        entries: &mut BTreeMap<String, String>,
    ) -> Result<Treatment, LoadError> {
        let mut take = |setting: &str, only: &str| {
            let refuse = |reason: &str| LoadError::Setting {
                runner: self.name.to_owned(),
                setting: setting.to_owned(),
                reason: reason.to_owned(),
            };
            match entries.remove(setting) {
                None => Ok(false),
                Some(_) if !self.settings.contains(&setting) => {
                    Err(refuse("it has no such setting"))
                }
                Some(value) if value == only => Ok(true),
                Some(_) => Err(refuse(&format!("it can be {only}"))),
            }
        };
        Ok(Treatment {
            device,
            records: take(GRAPH, "1")?,
            tf32: take(TF32, "on")?,
        })
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
        let treatment = Treatment::plain(device);
        (self.register)(&mut builder, &treatment).map_err(why)?;
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
    fn what_is_asked_of_a_provider_is_honoured_or_refused_by_name() {
        let check = |provider: &Accelerator, entry, expected: Result<(bool, bool), &str>| {
            let other = ("session.intra_op.allow_spinning", "0");
            let entries = [other].into_iter().chain(entry);
            let mut entries = entries
                .map(|(key, value): (&str, &str)| (key.to_owned(), value.to_owned()))
                .collect();
            let found = provider.treatment(1, &mut entries);
            let found = found.map(|found| (found.records, found.tf32));
            let found = found.map_err(|error| error.to_string());
            assert_eq!(found, expected.map_err(str::to_owned));
            assert_eq!(entries.len(), 1);
        };
        check(&ONNX_CUDA, None, Ok((false, false)));
        check(&ONNX_CUDA, Some((GRAPH, "1")), Ok((true, false)));
        check(&ONNX_CUDA, Some((TF32, "on")), Ok((false, true)));
        check(
            &ONNX_CUDA,
            Some((GRAPH, "yes")),
            Err("runner OnnxCUDA cannot honour setting cuda.graph: it can be 1"),
        );
        check(&ONNX_TENSORRT, None, Ok((false, false)));
        check(
            &ONNX_TENSORRT,
            Some((TF32, "on")),
            Err("runner OnnxTensorRT cannot honour setting cuda.tf32: it has no such setting"),
        );
    }
}
