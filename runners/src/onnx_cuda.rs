//! `OnnxCUDA`: ONNX Runtime with its CUDA provider.

use ort::ep::{self, ExecutionProvider};

use crate::onnxruntime::accelerator::Accelerator;

/// ONNX Runtime on an NVIDIA GPU.
pub static ONNX_CUDA: Accelerator = Accelerator {
    name: "OnnxCUDA",
    provider: "CUDAExecutionProvider",
    needs: "an NVIDIA GPU with a driver for CUDA 13, and the CUDA 13 and cuDNN 9 libraries, which lie in /usr/local/cuda/lib64 or \
            beside ONNX Runtime's, or come with `nav runtime install libtorch-cuda`",
    crashes_without_driver: false,
    register: |builder, device| ep::CUDA::default().with_device_id(device).register(builder),
    register_recording: Some(|builder, device| {
        let provider = ep::CUDA::default().with_device_id(device);
        provider.with_cuda_graph(true).register(builder)
    }),
};
