//! `OnnxCUDA`: ONNX Runtime with its CUDA provider.

use std::sync::Arc;

use nav_package_format::Format;
use ort::ep::{self, ExecutionProvider};

use crate::error::LoadError;
use crate::library::{Libraries, VendorRuntime};
use crate::onnxruntime::accelerator::Accelerator;
use crate::runner::{LoadOptions, Loaded, ModelFile, Probe, Runner};

/// ONNX Runtime on an NVIDIA GPU.
#[derive(Debug)]
pub struct OnnxCuda;

const ACCELERATOR: Accelerator = Accelerator {
    provider: "CUDAExecutionProvider",
    needs: "an NVIDIA GPU with a driver for CUDA 13, and the CUDA 13 and cuDNN 9 libraries",
    crashes_without_driver: false,
    register: |builder, device| {
        let device = i32::try_from(device).unwrap_or(i32::MAX);
        ep::CUDA::default().with_device_id(device).register(builder)
    },
};

impl Runner for OnnxCuda {
    fn name(&self) -> &'static str {
        "OnnxCUDA"
    }

    fn formats(&self) -> &'static [Format] {
        &[Format::Onnx]
    }

    fn vendor_runtime(&self) -> Option<VendorRuntime> {
        Some(VendorRuntime::OnnxruntimeCuda)
    }

    fn probe(&self, libraries: &Libraries) -> Probe {
        ACCELERATOR.probe(libraries)
    }

    fn load(&self, model: &ModelFile, options: &LoadOptions) -> Result<Arc<dyn Loaded>, LoadError> {
        ACCELERATOR.load(self, model, options)
    }
}
