//! `OnnxCUDA`: ONNX Runtime with its CUDA provider.

use ort::ep::ExecutionProvider;

use crate::onnxruntime::accelerator::{self, Accelerator};

/// ONNX Runtime on an NVIDIA GPU.
pub static ONNX_CUDA: Accelerator = Accelerator {
    name: "OnnxCUDA",
    provider: "CUDAExecutionProvider",
    needs: "an NVIDIA GPU with a driver for CUDA 13, and the CUDA 13 and cuDNN 9 libraries, which lie in /usr/local/cuda/lib64 or \
            beside ONNX Runtime's, or come with `nav runtime install libtorch-cuda`",
    crashes_without_driver: false,
    settings: &[accelerator::GRAPH, accelerator::TF32],
    register: |builder, treatment| {
        let provider = accelerator::cuda(treatment);
        provider
            .with_cuda_graph(treatment.records)
            .register(builder)
    },
};
