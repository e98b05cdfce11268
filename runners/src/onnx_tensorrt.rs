//! `OnnxTensorRT`: ONNX Runtime with its TensorRT provider, and its CUDA provider for the rest of a graph.

use ort::ep::{self, ExecutionProvider};

use crate::onnxruntime::accelerator::{self, Accelerator};

/// ONNX Runtime handing what it can to TensorRT.
pub static ONNX_TENSORRT: Accelerator = Accelerator {
    name: "OnnxTensorRT",
    provider: "TensorrtExecutionProvider",
    needs: "an NVIDIA GPU with a driver for CUDA 13, the CUDA 13 libraries, and TensorRT 10, in /usr/local/cuda/lib64 or beside ONNX \
            Runtime's",
    crashes_without_driver: true,
    settings: &[],
    register: |builder, treatment| {
        ep::TensorRT::default()
            .with_device_id(treatment.device)
            .register(builder)?;
        // What TensorRT does not take goes to CUDA rather than to the processor.
        accelerator::cuda(treatment).register(builder)
    },
};
