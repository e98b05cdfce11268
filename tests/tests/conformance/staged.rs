//! ONNX Runtime on the processor, fed and emptied as on a GPU: inputs are staged in memory of the runtime's own and bound again for each
//! run, outputs are left where the runtime puts them. So that way is tried where there is no GPU.

use std::sync::Arc;

use nav_native::onnxruntime::HostMemory;
use nav_package_format::{Device, Format};
use nav_runners::onnx_cpu::OnnxCpu;
use nav_runners::onnxruntime::library;
use nav_runners::onnxruntime::model::Loader;
use nav_runners::{
    Libraries, LoadError, LoadOptions, Loaded, ModelFile, Probe, Runner, VendorRuntime,
};

/// A runner of the tests' own. What `OnnxCPU` cannot do, this cannot.
#[derive(Debug)]
pub(crate) struct Staged;

impl Runner for Staged {
    fn name(&self) -> &'static str {
        "OnnxCPUStaged"
    }

    fn formats(&self) -> &'static [Format] {
        OnnxCpu.formats()
    }

    fn probe(&self, libraries: &Libraries) -> Probe {
        OnnxCpu.probe(libraries)
    }

    fn load(&self, model: &ModelFile, options: &LoadOptions) -> Result<Arc<dyn Loaded>, LoadError> {
        let facts = model.admit_onnx(self)?;
        let runner = self.name();
        if options.device != Device::Cpu {
            return Err(LoadError::Device {
                runner: runner.to_owned(),
                device: options.device,
            });
        }
        let opened = library::open_for_cpu(&options.libraries);
        let library =
            opened.map_err(|error| error.into_load_error(runner, VendorRuntime::Onnxruntime))?;
        let loader = Loader {
            runner,
            library,
            memory: HostMemory::OfRuntime,
            records: None,
        };
        loader.load(model, &facts.signature, options, |_| Ok(()))
    }
}
