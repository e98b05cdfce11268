//! The libraries of CUDA that ONNX Runtime's GPU build asks the system's loader for by name. That build says nowhere where they are, and
//! no search path is inherited, so they are opened by path first.

use std::path::{Path, PathBuf};

use nav_native::library::preload;

use crate::library::{Libraries, VendorRuntime};

/// What the providers need, each after what it needs itself. TensorRT 10 is what this build of ONNX Runtime is made for.
const NAMES: &[&str] = &[
    "libcudart.so.13",
    "libnvJitLink.so.13",
    "libcublasLt.so.13",
    "libcublas.so.13",
    "libcurand.so.10",
    "libcufft.so.12",
    "libnvrtc.so.13",
    "libcudnn.so.9",
    "libnvinfer.so.10",
    "libnvinfer_plugin.so.10",
    "libnvonnxparser.so.10",
];

/// Where CUDA's own installers put them.
const CUDA_FOLDERS: &[&str] = &[
    "/usr/local/cuda/lib64",
    "/usr/local/cuda-13/lib64",
    "/usr/local/cuda/targets/x86_64-linux/lib",
];

/// Opens those of the libraries that are found. What is not found may still be where the system's loader is told to look; the provider
/// says what it lacks.
pub(super) fn open(onnxruntime: &Path, libraries: &Libraries) {
    let torch = libraries.find(VendorRuntime::LibtorchCuda).ok();
    for path in found(&folders(onnxruntime, torch.as_deref()), Path::is_file) {
        // One that cannot be opened is as good as missing.
        let _said_by_the_provider = preload(&path);
    }
}

/// The folders to look in: that of ONNX Runtime, that of an installed libtorch, which brings the same libraries, and those of CUDA.
fn folders(onnxruntime: &Path, torch: Option<&Path>) -> Vec<PathBuf> {
    let beside = [Some(onnxruntime), torch];
    let beside = beside.into_iter().flatten().filter_map(Path::parent);
    let system = CUDA_FOLDERS.iter().map(Path::new);
    beside.chain(system).map(Path::to_owned).collect()
}

/// The libraries that there are, each from the first folder that has it.
fn found(folders: &[PathBuf], is_there: impl Fn(&Path) -> bool) -> Vec<PathBuf> {
    let places = NAMES.iter().filter_map(|name| {
        let mut places = folders.iter().map(|folder| folder.join(name));
        places.find(|path| is_there(path))
    });
    places.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_beside_onnx_runtime_wins_over_that_of_libtorch_and_of_the_system() {
        let onnxruntime = Path::new("/cache/onnxruntime/lib/libonnxruntime.so.1");
        let torch = Path::new("/cache/libtorch/lib/libtorch_cuda.so");
        let folders = folders(onnxruntime, Some(torch));
        let there = [
            "/cache/libtorch/lib/libcublas.so.13",
            "/cache/onnxruntime/lib/libcublas.so.13",
            "/cache/libtorch/lib/libcudart.so.13",
            "/usr/local/cuda/lib64/libcudart.so.13",
            "/usr/local/cuda/lib64/libcufft.so.12",
            "/elsewhere/libcudnn.so.9",
        ];
        let found = found(&folders, |path| {
            there.iter().any(|it| Path::new(it) == path)
        });
        let expected = [
            "/cache/libtorch/lib/libcudart.so.13",
            "/cache/onnxruntime/lib/libcublas.so.13",
            "/usr/local/cuda/lib64/libcufft.so.12",
        ];
        assert_eq!(found, expected.map(PathBuf::from));
        assert!(folders.iter().all(|folder| folder.is_absolute()));
    }
}
