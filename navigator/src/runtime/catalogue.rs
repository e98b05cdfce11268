//! The wheels that each vendor runtime is made of, pinned by version and digest.
//!
//! Version, platform and digest belong together: change all three, and the versions in `nav-runners`.

use nav_runners::VendorRuntime;

/// The Python that wheels are asked for. It need not be the user's: it only picks the file.
pub(super) const PYTHON_VERSION: &str = "3.12";
/// The Python implementation that wheels are asked for.
pub(super) const IMPLEMENTATION: &str = "cp";
/// The binary interfaces that wheels are asked for.
pub(super) const ABIS: &[&str] = &["cp312", "none"];

/// One pinned wheel.
#[derive(Debug)]
pub(super) struct Wheel {
    /// The project's name, for pip.
    pub(super) project: &'static str,
    /// Its version, for pip.
    pub(super) version: &'static str,
    /// The file that pip brings.
    pub(super) file_name: &'static str,
    /// The platform tag, for pip.
    pub(super) platform: &'static str,
    /// The file's digest.
    pub(super) sha256: &'static str,
    /// What is taken out of it.
    pub(super) members: &'static [Member],
}

/// A file of a wheel, or a folder when its path ends in a slash.
#[derive(Debug)]
pub(super) struct Member {
    /// Where it is in the wheel.
    pub(super) path: &'static str,
    /// The folder of the runtime that it goes to.
    pub(super) folder: &'static str,
}

/// The wheels of a runtime.
pub(super) const fn wheels(runtime: VendorRuntime) -> &'static [Wheel] {
    match runtime {
        VendorRuntime::Onnxruntime => &[ONNXRUNTIME],
        VendorRuntime::OnnxruntimeCuda => &[ONNXRUNTIME_GPU],
        VendorRuntime::LibtorchCpu => &[TORCH_CPU, NVIDIA_CUDA_RUNTIME, NVIDIA_CUDA_CUPTI],
        VendorRuntime::LibtorchCuda => LIBTORCH_CUDA,
        // There are none that pip finds without NVIDIA's own index.
        VendorRuntime::Tensorrt => &[],
        VendorRuntime::TensorrtLean => &[TENSORRT_LEAN],
    }
}

/// A library, which goes beside the others: the vendors' libraries look for each other there.
const fn library(path: &'static str) -> Member {
    Member {
        path,
        folder: "lib",
    }
}

const fn licence(path: &'static str) -> Member {
    Member {
        path,
        folder: "licences",
    }
}

const ONNXRUNTIME: Wheel = Wheel {
    project: "onnxruntime",
    version: "1.31.1",
    file_name: "onnxruntime-1.31.1-cp312-cp312-manylinux_2_28_x86_64.whl",
    platform: "manylinux_2_28_x86_64",
    sha256: "1f3dea47f2f0e5117c2404cea7d21fd253ae7836a3bf167a501cdfbb2600d536",
    members: &[
        library("onnxruntime/capi/libonnxruntime.so.1.31.1"),
        library("onnxruntime/capi/libonnxruntime_providers_shared.so"),
        licence("onnxruntime/LICENSE"),
        licence("onnxruntime/ThirdPartyNotices.txt"),
    ],
};
const ONNXRUNTIME_GPU: Wheel = Wheel {
    project: "onnxruntime-gpu",
    version: "1.31.1",
    file_name: "onnxruntime_gpu-1.31.1-cp312-cp312-manylinux_2_28_x86_64.whl",
    platform: "manylinux_2_28_x86_64",
    sha256: "05d548956197b9d01f59b625de740e0d6be3593f874e241a12dc0362650ecdf7",
    members: &[
        library("onnxruntime/capi/libonnxruntime.so.1.31.1"),
        library("onnxruntime/capi/libonnxruntime_providers_shared.so"),
        library("onnxruntime/capi/libonnxruntime_providers_cuda.so"),
        library("onnxruntime/capi/libonnxruntime_providers_tensorrt.so"),
        licence("onnxruntime/LICENSE"),
        licence("onnxruntime/ThirdPartyNotices.txt"),
    ],
};
/// The part of the torch wheel that works without a GPU. `libtorch.so` is left out of what is opened:
/// it is linked to `libtorch_cuda`, which is not here.
const TORCH_CPU: Wheel = Wheel {
    members: &[
        library("torch/lib/libtorch_cpu.so"),
        library("torch/lib/libtorch.so"),
        library("torch/lib/libc10.so"),
        library("torch/lib/libgomp.so.1"),
        Member {
            path: "torch/include/",
            folder: "include",
        },
    ],
    ..TORCH
};
const TORCH: Wheel = Wheel {
    project: "torch",
    version: "2.11.0",
    file_name: "torch-2.11.0-cp312-cp312-manylinux_2_28_x86_64.whl",
    platform: "manylinux_2_28_x86_64",
    sha256: "0f68f4ac6d95d12e896c3b7a912b5871619542ec54d3649cf48cc1edd4dd2756",
    members: &[
        library("torch/lib/libtorch_cpu.so"),
        library("torch/lib/libtorch_cuda.so"),
        library("torch/lib/libtorch_cuda_linalg.so"),
        library("torch/lib/libtorch_nvshmem.so"),
        library("torch/lib/libtorch.so"),
        library("torch/lib/libc10.so"),
        library("torch/lib/libc10_cuda.so"),
        library("torch/lib/libcaffe2_nvrtc.so"),
        library("torch/lib/libgomp.so.1"),
        Member {
            path: "torch/include/",
            folder: "include",
        },
    ],
};
const TENSORRT_LEAN: Wheel = Wheel {
    project: "tensorrt-lean-cu13-libs",
    version: "11.4.0.106",
    file_name: "tensorrt_lean_cu13_libs-11.4.0.106-py3-none-manylinux_2_28_x86_64.whl",
    platform: "manylinux_2_28_x86_64",
    sha256: "e022b8d0e21f19258657aec6760e1de8b454ed176f76217e3f7ec2036c5a9410",
    members: &[
        library("tensorrt_lean_libs/libnvinfer_lean.so.11"),
        licence("tensorrt_lean_cu13_libs-11.4.0.106.dist-info/licenses/LICENSE.txt"),
    ],
};
const LIBTORCH_CUDA: &[Wheel] = &[
    TORCH,
    NVIDIA_CUBLAS,
    NVIDIA_CUDA_CUPTI,
    NVIDIA_CUDA_NVRTC,
    NVIDIA_CUDA_RUNTIME,
    NVIDIA_CUDNN_CU13,
    NVIDIA_CUFFT,
    NVIDIA_CUFILE,
    NVIDIA_CURAND,
    NVIDIA_CUSOLVER,
    NVIDIA_CUSPARSE,
    NVIDIA_CUSPARSELT_CU13,
    NVIDIA_NCCL_CU13,
    NVIDIA_NVJITLINK,
    NVIDIA_NVSHMEM_CU13,
    NVIDIA_NVTX,
];
const NVIDIA_CUBLAS: Wheel = Wheel {
    project: "nvidia-cublas",
    version: "13.1.0.3",
    file_name: "nvidia_cublas-13.1.0.3-py3-none-manylinux_2_27_x86_64.whl",
    platform: "manylinux_2_27_x86_64",
    sha256: "ee8722c1f0145ab246bccb9e452153b5e0515fd094c3678df50b2a0888b8b171",
    members: &[
        library("nvidia/cu13/lib/libcublas.so.13"),
        library("nvidia/cu13/lib/libcublasLt.so.13"),
    ],
};
const NVIDIA_CUDA_CUPTI: Wheel = Wheel {
    project: "nvidia-cuda-cupti",
    version: "13.0.85",
    file_name: "nvidia_cuda_cupti-13.0.85-py3-none-manylinux_2_25_x86_64.whl",
    platform: "manylinux_2_25_x86_64",
    sha256: "4eb01c08e859bf924d222250d2e8f8b8ff6d3db4721288cf35d14252a4d933c8",
    members: &[library("nvidia/cu13/lib/libcupti.so.13")],
};
const NVIDIA_CUDA_NVRTC: Wheel = Wheel {
    project: "nvidia-cuda-nvrtc",
    version: "13.0.88",
    file_name: "nvidia_cuda_nvrtc-13.0.88-py3-none-manylinux2010_x86_64.manylinux_2_12_x86_64.whl",
    platform: "manylinux2010_x86_64",
    sha256: "ad9b6d2ead2435f11cbb6868809d2adeeee302e9bb94bcf0539c7a40d80e8575",
    members: &[
        library("nvidia/cu13/lib/libnvrtc-builtins.so.13.0"),
        library("nvidia/cu13/lib/libnvrtc.so.13"),
    ],
};
const NVIDIA_CUDA_RUNTIME: Wheel = Wheel {
    project: "nvidia-cuda-runtime",
    version: "13.0.96",
    file_name: "nvidia_cuda_runtime-13.0.96-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
    platform: "manylinux2014_x86_64",
    sha256: "7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548",
    members: &[library("nvidia/cu13/lib/libcudart.so.13")],
};
const NVIDIA_CUDNN_CU13: Wheel = Wheel {
    project: "nvidia-cudnn-cu13",
    version: "9.19.0.56",
    file_name: "nvidia_cudnn_cu13-9.19.0.56-py3-none-manylinux_2_27_x86_64.whl",
    platform: "manylinux_2_27_x86_64",
    sha256: "d20e1734305e9d68889a96e3f35094d733ff1f83932ebe462753973e53a572bf",
    members: &[
        library("nvidia/cudnn/lib/libcudnn.so.9"),
        library("nvidia/cudnn/lib/libcudnn_adv.so.9"),
        library("nvidia/cudnn/lib/libcudnn_cnn.so.9"),
        library("nvidia/cudnn/lib/libcudnn_engines_precompiled.so.9"),
        library("nvidia/cudnn/lib/libcudnn_engines_runtime_compiled.so.9"),
        library("nvidia/cudnn/lib/libcudnn_graph.so.9"),
        library("nvidia/cudnn/lib/libcudnn_heuristic.so.9"),
        library("nvidia/cudnn/lib/libcudnn_ops.so.9"),
    ],
};
const NVIDIA_CUFFT: Wheel = Wheel {
    project: "nvidia-cufft",
    version: "12.0.0.61",
    file_name: "nvidia_cufft-12.0.0.61-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
    platform: "manylinux2014_x86_64",
    sha256: "6c44f692dce8fd5ffd3e3df134b6cdb9c2f72d99cf40b62c32dde45eea9ddad3",
    members: &[library("nvidia/cu13/lib/libcufft.so.12")],
};
const NVIDIA_CUFILE: Wheel = Wheel {
    project: "nvidia-cufile",
    version: "1.15.1.6",
    file_name: "nvidia_cufile-1.15.1.6-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
    platform: "manylinux2014_x86_64",
    sha256: "08a3ecefae5a01c7f5117351c64f17c7c62efa5fffdbe24fc7d298da19cd0b44",
    members: &[library("nvidia/cu13/lib/libcufile.so.0")],
};
const NVIDIA_CURAND: Wheel = Wheel {
    project: "nvidia-curand",
    version: "10.4.0.35",
    file_name: "nvidia_curand-10.4.0.35-py3-none-manylinux_2_27_x86_64.whl",
    platform: "manylinux_2_27_x86_64",
    sha256: "1aee33a5da6e1db083fe2b90082def8915f30f3248d5896bcec36a579d941bfc",
    members: &[library("nvidia/cu13/lib/libcurand.so.10")],
};
const NVIDIA_CUSOLVER: Wheel = Wheel {
    project: "nvidia-cusolver",
    version: "12.0.4.66",
    file_name: "nvidia_cusolver-12.0.4.66-py3-none-manylinux_2_27_x86_64.whl",
    platform: "manylinux_2_27_x86_64",
    sha256: "0a759da5dea5c0ea10fd307de75cdeb59e7ea4fcb8add0924859b944babf1112",
    members: &[library("nvidia/cu13/lib/libcusolver.so.12")],
};
const NVIDIA_CUSPARSE: Wheel = Wheel {
    project: "nvidia-cusparse",
    version: "12.6.3.3",
    file_name: "nvidia_cusparse-12.6.3.3-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
    platform: "manylinux2014_x86_64",
    sha256: "2b3c89c88d01ee0e477cb7f82ef60a11a4bcd57b6b87c33f789350b59759360b",
    members: &[library("nvidia/cu13/lib/libcusparse.so.12")],
};
const NVIDIA_CUSPARSELT_CU13: Wheel = Wheel {
    project: "nvidia-cusparselt-cu13",
    version: "0.8.0",
    file_name: "nvidia_cusparselt_cu13-0.8.0-py3-none-manylinux2014_x86_64.whl",
    platform: "manylinux2014_x86_64",
    sha256: "25e30a8a7323935d4ad0340b95a0b69926eee755767e8e0b1cf8dd85b197d3fd",
    members: &[library("nvidia/cusparselt/lib/libcusparseLt.so.0")],
};
const NVIDIA_NCCL_CU13: Wheel = Wheel {
    project: "nvidia-nccl-cu13",
    version: "2.28.9",
    file_name: "nvidia_nccl_cu13-2.28.9-py3-none-manylinux_2_18_x86_64.whl",
    platform: "manylinux_2_18_x86_64",
    sha256: "e4553a30f34195f3fa1da02a6da3d6337d28f2003943aa0a3d247bbc25fefc42",
    members: &[library("nvidia/nccl/lib/libnccl.so.2")],
};
const NVIDIA_NVJITLINK: Wheel = Wheel {
    project: "nvidia-nvjitlink",
    version: "13.0.88",
    file_name: "nvidia_nvjitlink-13.0.88-py3-none-manylinux2010_x86_64.manylinux_2_12_x86_64.whl",
    platform: "manylinux2010_x86_64",
    sha256: "13a74f429e23b921c1109976abefacc69835f2f433ebd323d3946e11d804e47b",
    members: &[library("nvidia/cu13/lib/libnvJitLink.so.13")],
};
const NVIDIA_NVSHMEM_CU13: Wheel = Wheel {
    project: "nvidia-nvshmem-cu13",
    version: "3.4.5",
    file_name: "nvidia_nvshmem_cu13-3.4.5-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
    platform: "manylinux2014_x86_64",
    sha256: "290f0a2ee94c9f3687a02502f3b9299a9f9fe826e6d0287ee18482e78d495b80",
    members: &[
        library("nvidia/nvshmem/lib/libnvshmem_host.so.3"),
        library("nvidia/nvshmem/lib/nvshmem_bootstrap_mpi.so.3"),
        library("nvidia/nvshmem/lib/nvshmem_bootstrap_pmi.so.3"),
        library("nvidia/nvshmem/lib/nvshmem_bootstrap_pmi2.so.3"),
        library("nvidia/nvshmem/lib/nvshmem_bootstrap_pmix.so.3"),
        library("nvidia/nvshmem/lib/nvshmem_bootstrap_shmem.so.3"),
        library("nvidia/nvshmem/lib/nvshmem_bootstrap_uid.so.3"),
        library("nvidia/nvshmem/lib/nvshmem_transport_ibdevx.so.3"),
        library("nvidia/nvshmem/lib/nvshmem_transport_ibgda.so.3"),
        library("nvidia/nvshmem/lib/nvshmem_transport_ibrc.so.3"),
        library("nvidia/nvshmem/lib/nvshmem_transport_libfabric.so.3"),
        library("nvidia/nvshmem/lib/nvshmem_transport_ucx.so.3"),
    ],
};
const NVIDIA_NVTX: Wheel = Wheel {
    project: "nvidia-nvtx",
    version: "13.0.85",
    file_name: "nvidia_nvtx-13.0.85-py3-none-manylinux1_x86_64.manylinux_2_5_x86_64.whl",
    platform: "manylinux1_x86_64",
    sha256: "4936d1d6780fbe68db454f5e72a42ff64d1fd6397df9f363ae786930fd5c1cd4",
    members: &[library("nvidia/cu13/lib/libnvtx3interop.so.1")],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pin_is_a_digest_and_its_file_name_agrees_with_project_and_version() {
        for wheel in VendorRuntime::ALL
            .iter()
            .flat_map(|&runtime| wheels(runtime))
        {
            assert_eq!(wheel.sha256.len(), 64, "{}", wheel.project);
            assert!(wheel.sha256.bytes().all(|byte| byte.is_ascii_hexdigit()));
            let name = wheel.project.replace('-', "_");
            assert!(
                wheel
                    .file_name
                    .starts_with(&format!("{name}-{}-", wheel.version))
            );
            assert!(
                wheel.file_name.contains(wheel.platform),
                "{}",
                wheel.file_name
            );
        }
    }

    #[test]
    fn every_runtime_brings_the_library_that_is_opened() {
        let installable = VendorRuntime::ALL.iter().copied();
        for runtime in installable.filter(|&runtime| runtime != VendorRuntime::Tensorrt) {
            let mut members = wheels(runtime).iter().flat_map(|wheel| wheel.members);
            let main = runtime.main_library();
            let brought = members.any(|member| {
                member.folder == "lib" && member.path.rsplit('/').next() == Some(main)
            });
            assert!(brought, "{runtime} does not bring {main}");
        }
    }
}
