//! `OnnxTensorRT`: ONNX Runtime with its TensorRT provider, and its CUDA provider for the rest of a graph.

use std::sync::Arc;

use nav_package_format::Format;
use ort::ep::{self, ExecutionProvider};

use crate::error::LoadError;
use crate::library::{Libraries, VendorRuntime};
use crate::onnxruntime::accelerator::Accelerator;
use crate::runner::{LoadOptions, Loaded, ModelFile, Probe, Runner};

/// ONNX Runtime handing what it can to TensorRT.
#[derive(Debug)]
pub struct OnnxTensorRt;

const ACCELERATOR: Accelerator = Accelerator {
    provider: "TensorrtExecutionProvider",
    needs: "an NVIDIA GPU with a driver for CUDA 13, the CUDA 13 libraries, and TensorRT",
    crashes_without_driver: true,
    register: |builder, device| {
        let device = i32::try_from(device).unwrap_or(i32::MAX);
        ep::TensorRT::default()
            .with_device_id(device)
            .register(builder)?;
        // What TensorRT does not take goes to CUDA rather than to the processor.
        ep::CUDA::default().with_device_id(device).register(builder)
    },
};

impl Runner for OnnxTensorRt {
    fn name(&self) -> &'static str {
        "OnnxTensorRT"
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
