//! `TorchScriptCPU` and `TorchScriptCUDA`: one executable, which finds the GPU's part of libtorch when it runs.

use std::path::PathBuf;
use std::sync::Arc;

use nav_package_format::{Device, Format};
use nav_runners::cuda::Driver;
use nav_runners::{
    Hindrance, Libraries, LoadError, LoadOptions, Loaded, ModelFile, Probe, Runner, VendorRuntime,
};

use crate::model::TorchModel;
use crate::native;

/// libtorch on the processor.
pub(crate) static TORCH_SCRIPT_CPU: TorchScript = TorchScript {
    name: "TorchScriptCPU",
    runs_on_gpu: false,
};

/// libtorch on an NVIDIA GPU.
pub(crate) static TORCH_SCRIPT_CUDA: TorchScript = TorchScript {
    name: "TorchScriptCUDA",
    runs_on_gpu: true,
};

/// The version that this executable is built for. Another one has other functions.
const VERSION: &str = "2.11.0";

/// What a GPU needs besides the library.
const NEEDS: &str = "an NVIDIA GPU with a driver for CUDA 13";

/// A runner over libtorch.
#[derive(Debug)]
pub(crate) struct TorchScript {
    name: &'static str,
    runs_on_gpu: bool,
}

impl Runner for TorchScript {
    fn name(&self) -> &'static str {
        self.name
    }

    fn formats(&self) -> &'static [Format] {
        &[Format::TorchScript]
    }

    fn probe(&self, libraries: &Libraries) -> Probe {
        match self.set_up(libraries) {
            Ok(library) => Probe::Ready {
                version: native::version(),
                library,
                devices: self.devices(),
            },
            Err(hindrance) => hindrance.into(),
        }
    }

    fn load(&self, model: &ModelFile, options: &LoadOptions) -> Result<Arc<dyn Loaded>, LoadError> {
        model.admit_torch_script(self)?;
        if matches!(options.device, Device::Cuda(_)) != self.runs_on_gpu {
            return Err(LoadError::Device {
                runner: self.name.to_owned(),
                device: options.device,
            });
        }
        self.set_up(&options.libraries)
            .map_err(|hindrance| hindrance.into_load_error(self.name))?;
        Ok(Arc::new(TorchModel::load(self.name, model, options)?))
    }
}

impl TorchScript {
    /// Makes sure of the library, and of its part for GPUs where that is needed. Where it was opened from.
    fn set_up(&self, libraries: &Libraries) -> Result<Option<PathBuf>, Hindrance> {
        let version = native::version();
        if version != VERSION {
            return Err(Hindrance {
                reason: format!("libtorch is {version}, and this worker is built for {VERSION}"),
                how_to_get_it: VendorRuntime::LibtorchCpu.install_command(),
            });
        }
        if !self.runs_on_gpu {
            let cpu = libraries.find(VendorRuntime::LibtorchCpu);
            let found = cpu.or_else(|_| libraries.find(VendorRuntime::LibtorchCuda));
            return Ok(found.ok());
        }
        let runtime = VendorRuntime::LibtorchCuda;
        let library = libraries.find(runtime).map_err(|error| Hindrance {
            reason: error.to_string(),
            how_to_get_it: runtime.install_command(),
        })?;
        // Without a driver libtorch would say the same in many more words; with one it asks for it by name, and gets the one that is open.
        Driver::open().map_err(|error| Hindrance {
            reason: error.to_string(),
            how_to_get_it: NEEDS.to_owned(),
        })?;
        // Before anything asks for a GPU: libtorch looks for this part once.
        native::open_library(&library).map_err(|error| Hindrance {
            reason: format!("cannot open {}: {error}", library.display()),
            how_to_get_it: runtime.install_command(),
        })?;
        if !tch::Cuda::is_available() {
            return Err(Hindrance {
                reason: "libtorch finds no GPU that it can use".to_owned(),
                how_to_get_it: NEEDS.to_owned(),
            });
        }
        Ok(Some(library))
    }

    fn devices(&self) -> Vec<Device> {
        if !self.runs_on_gpu {
            return vec![Device::Cpu];
        }
        let count = u32::try_from(tch::Cuda::device_count()).unwrap_or(0);
        (0..count).map(Device::Cuda).collect()
    }
}
