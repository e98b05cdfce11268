//! `OnnxCPU`: ONNX Runtime on the host's processor.

use std::path::Path;
use std::sync::Arc;

use nav_native::onnxruntime::HostMemory;
use nav_package_format::{Device, Format};
use ort::session::builder::SessionBuilder;

use crate::error::LoadError;
use crate::library::{Libraries, VendorRuntime};
use crate::onnxruntime::library;
use crate::onnxruntime::model::Loader;
use crate::runner::{LoadOptions, Loaded, ModelFile, Probe, Runner};

/// ONNX Runtime with its CPU provider.
#[derive(Debug)]
pub struct OnnxCpu;

const RUNTIME: VendorRuntime = VendorRuntime::Onnxruntime;

impl Runner for OnnxCpu {
    fn name(&self) -> &'static str {
        "OnnxCPU"
    }

    fn formats(&self) -> &'static [Format] {
        &[Format::Onnx]
    }

    fn vendor_runtime(&self) -> Option<VendorRuntime> {
        Some(RUNTIME)
    }

    fn probe(&self, libraries: &Libraries) -> Probe {
        match library::open_for_cpu(libraries) {
            Ok(opened) => Probe::Ready {
                version: opened.version,
                library: Some(opened.path),
                devices: vec![Device::Cpu],
            },
            Err(error) => Probe::Missing {
                reason: error.to_string(),
                how_to_get_it: error.how_to_mend(RUNTIME),
            },
        }
    }

    fn load(&self, model: &ModelFile, options: &LoadOptions) -> Result<Arc<dyn Loaded>, LoadError> {
        let facts = model.admit_onnx(self)?;
        if options.device != Device::Cpu {
            let runner = self.name().to_owned();
            return Err(LoadError::Device {
                runner,
                device: options.device,
            });
        }
        let opened = library::open_for_cpu(&options.libraries);
        let library = opened.map_err(|error| error.into_load_error(self.name(), RUNTIME))?;
        let loader = Loader {
            runner: self.name(),
            library,
            memory: HostMemory::Plain,
            records: None,
        };
        loader.load(model, &facts.signature, options, |_| Ok(()))
    }
}

/// Writes the graph as ONNX Runtime rewrites it under these settings to a path of the caller's own choosing,
/// in ONNX's own format. Running it needs the same version of ONNX Runtime, or a later one.
pub fn save_optimized(
    model: &ModelFile,
    options: &LoadOptions,
    to: &Path,
) -> Result<(), LoadError> {
    let facts = model.admit_onnx(&OnnxCpu)?;
    let opened = library::open_for_cpu(&options.libraries);
    let library = opened.map_err(|error| error.into_load_error(OnnxCpu.name(), RUNTIME))?;
    let loader = Loader {
        runner: OnnxCpu.name(),
        library,
        memory: HostMemory::Plain,
        records: None,
    };
    let save = |builder: &mut SessionBuilder| {
        let saving = builder.clone().with_optimized_model_path(to);
        *builder = saving.map_err(|error| LoadError::Model {
            runner: OnnxCpu.name().to_owned(),
            path: model.path.clone(),
            reason: error.to_string(),
        })?;
        Ok(())
    };
    loader.load(model, &facts.signature, options, save)?;
    Ok(())
}
