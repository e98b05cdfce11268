//! The executable that was built, the libtorch that it was built for, and the committed models.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use nav_package_format::numpy::{Limits, NumpyFile, read_file};
use nav_package_format::{
    DType, Device, Dim, Format, RunnerSettings, Signature, TensorData, TensorSpec,
};
use nav_runners::{Declaration, Libraries, LoadOptions, ModelFile, RunnerHandle, VendorRuntime};
use nav_worker::{EXTERNAL_RUNNERS, ExternalRunner};

/// The runner of this name.
pub(crate) fn external(name: &str) -> &'static ExternalRunner {
    let mut all = EXTERNAL_RUNNERS.iter();
    all.find(|runner| runner.name == name).unwrap()
}

/// The executable and the library of this build.
pub(crate) fn libraries() -> Libraries {
    let executable = PathBuf::from(env!("CARGO_BIN_EXE_nav-runner-torch"));
    Libraries {
        configured: BTreeMap::from([(VendorRuntime::LibtorchCpu, env!("LIBTORCH").into())]),
        worker_executables: BTreeMap::from([("nav-runner-torch".to_owned(), executable)]),
        ..Libraries::default()
    }
}

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/data/torch")
        .join(name)
}

/// A committed model.
pub(crate) fn model(name: &str) -> ModelFile {
    ModelFile {
        path: data(&format!("{name}.pt")),
        format: Format::TorchScript,
    }
}

/// The arrays that `PyTorch` wrote beside a model.
pub(crate) fn arrays(name: &str, what: &str) -> Vec<(String, TensorData)> {
    let path = data(&format!("{name}-{what}.npz"));
    match read_file(&path, &Limits::default()).unwrap() {
        NumpyFile::Many(tensors) => tensors,
        NumpyFile::One(_) => panic!("{} holds one array", path.display()),
    }
}

/// An input: `x:FP32:batch,8`.
pub(crate) fn spec(text: &str) -> TensorSpec {
    let mut parts = text.split(':');
    let (name, dtype, dims) = (parts.next(), parts.next(), parts.next());
    let dims = dims.unwrap().split(',').map(|dim| {
        let fixed = dim.parse().ok().map(Dim::Fixed);
        fixed.unwrap_or_else(|| Dim::Symbolic(dim.to_owned()))
    });
    TensorSpec {
        name: name.unwrap().to_owned(),
        dtype: dtype.unwrap().parse::<DType>().unwrap(),
        dims: Some(dims.collect()),
        optional: false,
    }
}

/// What is told of a model with these inputs.
pub(crate) fn options(inputs: &[&str], settings: RunnerSettings) -> LoadOptions {
    let declared = Declaration {
        signature: Signature {
            inputs: inputs.iter().map(|text| spec(text)).collect(),
            outputs: Vec::new(),
        },
        extents: [("batch", 2), ("length", 3), ("h", 8), ("w", 8)]
            .map(|(name, extent)| (name.to_owned(), extent))
            .into(),
    };
    LoadOptions {
        device: Device::Cpu,
        settings,
        libraries: libraries(),
        declared: Some(declared),
        save_to: None,
    }
}

/// A model that is ready to be asked.
pub(crate) fn handle(name: &str, inputs: &[&str], settings: RunnerSettings) -> RunnerHandle {
    let runner = external("TorchScriptCPU");
    let mut handle = RunnerHandle::new(Box::new(runner), model(name), options(inputs, settings));
    handle.activate().unwrap();
    handle
}
