//! The executable that was built, and the library that it opens.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use nav_package_format::onnx::build::dims;
use nav_package_format::{DType, Device, Format, Signature, TensorSpec};
use nav_runners::cuda::Driver;
use nav_runners::{Declaration, Libraries, LoadOptions, ModelFile, VendorRuntime};
use nav_worker::{EXTERNAL_RUNNERS, ExternalRunner};

/// The runner.
pub(crate) fn tensorrt() -> &'static ExternalRunner {
    let mut all = EXTERNAL_RUNNERS.iter();
    all.find(|runner| runner.name == "TensorRT").unwrap()
}

/// The executable of this build, and this library.
pub(crate) fn libraries(library: Option<&Path>) -> Libraries {
    let executable = PathBuf::from(env!("CARGO_BIN_EXE_nav-runner-tensorrt"));
    let library = library.map(|path| (VendorRuntime::Tensorrt, path.to_owned()));
    Libraries {
        configured: library.into_iter().collect(),
        worker_executables: BTreeMap::from([("nav-runner-tensorrt".to_owned(), executable)]),
        ..Libraries::default()
    }
}

/// The lean runtime.
pub(crate) fn lean() -> PathBuf {
    Path::new(env!("TENSORRT_LEAN")).join("lib/libnvinfer_lean.so.11")
}

/// How many GPUs there are, or the reason why there is none.
pub(crate) fn gpus() -> Result<usize, String> {
    let devices = Driver::open().and_then(|driver| driver.devices());
    match devices {
        Ok(devices) if devices.is_empty() => {
            Err("the driver has no GPU for this process".to_owned())
        }
        Ok(devices) => Ok(devices.len()),
        Err(error) => Err(error.to_string()),
    }
}

/// A file of these bytes.
pub(crate) fn file(folder: &Path, format: Format, bytes: &[u8]) -> ModelFile {
    let path = folder.join(format!("model.{format}"));
    std::fs::write(&path, bytes).unwrap();
    ModelFile { path, format }
}

/// How to load it on the first GPU.
pub(crate) fn options(library: &Path) -> LoadOptions {
    let spec = |name: &str| TensorSpec {
        name: name.to_owned(),
        dtype: DType::Fp32,
        dims: Some(dims("batch,2")),
        optional: false,
    };
    LoadOptions {
        device: Device::Cuda(0),
        libraries: libraries(Some(library)),
        declared: Some(Declaration {
            signature: Signature {
                inputs: vec![spec("x")],
                outputs: vec![spec("y")],
            },
            ..Declaration::default()
        }),
        ..LoadOptions::default()
    }
}
