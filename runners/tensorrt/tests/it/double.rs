//! A driver and a TensorRT that compute on the processor, in a folder of a test's own, with what they pretend to be and what they counted.

use std::collections::BTreeMap;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nav_package_format::onnx::proto::GraphProto;
use nav_package_format::{Device, Format, TensorData};
use nav_runners::{
    Libraries, LoadError, LoadOptions, Loaded, ModelFile, Outputs, RunError, Runner, Session,
    TensorDesc, VendorRuntime,
};
use tempfile::TempDir;

use crate::counter::COUNT;
pub(crate) use crate::counter::Counter;
use crate::support::tensorrt;

/// What is gone when nothing is used any more.
const LIVING: &[Counter] = &[
    Counter::Contexts,
    Counter::DeviceBuffers,
    Counter::DeviceBytes,
    Counter::HostBuffers,
    Counter::Streams,
    Counter::Graphs,
    Counter::Objects,
];

/// A host with a GPU that is none.
#[derive(Debug)]
pub(crate) struct Host {
    folder: TempDir,
}

impl Host {
    /// With these entries of `double.conf`.
    pub(crate) fn new(entries: &[(&str, &str)]) -> Self {
        let host = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        let double = Path::new(env!("TENSORRT_DOUBLE"));
        let link = |name: &str, to: &str| symlink(double.join(to), host.path(name)).unwrap();
        link("libcuda.so.1", "libnav_cuda_double.so");
        link("libnvinfer.so.11", "libnav_tensorrt_double.so");
        link("libnvonnxparser.so.11", "libnav_tensorrt_double.so");
        std::fs::write(host.path("counters"), [0; 8 * COUNT]).unwrap();
        host.pretend(entries);
        // The driver is named by a variable, which must be no matter of other tests: so the worker gets it alone.
        let script = host.path("nav-runner-tensorrt");
        let text = format!(
            "#!/bin/sh\nNAV_CUDA_DRIVER='{}' exec '{}' \"$@\"\n",
            host.path("libcuda.so.1").display(),
            env!("CARGO_BIN_EXE_nav-runner-tensorrt")
        );
        std::fs::write(&script, text).unwrap();
        std::fs::set_permissions(&script, PermissionsExt::from_mode(0o755)).unwrap();
        host
    }

    /// From the next process on, it is what these entries say.
    pub(crate) fn pretend(&self, entries: &[(&str, &str)]) {
        let computes = ("onnxruntime", env!("TENSORRT_DOUBLE_COMPUTES"));
        let lines = entries.iter().chain([&computes]);
        let lines = lines.map(|(key, value)| format!("{key} = {value}\n"));
        let lines = lines.collect::<Vec<_>>().concat();
        std::fs::write(self.path("double.conf"), lines).unwrap();
    }

    /// A path in its folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What a counter stands at, of all processes together.
    pub(crate) fn count(&self, counter: Counter) -> i64 {
        let bytes = std::fs::read(self.path("counters")).unwrap();
        let numbers = bytes.as_chunks::<8>().0;
        i64::from_le_bytes(numbers[counter as usize])
    }

    /// Fails where something lives on, or was used as it must not be.
    pub(crate) fn assert_clean(&self) {
        assert_eq!(self.count(Counter::Faults), 0, "faults");
        assert_eq!(self.count(Counter::Misuses), 0, "misuses");
        let left = LIVING.iter().map(|&counter| (counter, self.count(counter)));
        let left: Vec<_> = left.filter(|(_, count)| *count != 0).collect();
        assert!(left.is_empty(), "left: {left:?}");
    }

    /// Where its library and its worker are.
    pub(crate) fn libraries(&self) -> Libraries {
        Libraries {
            runtimes_folder: Some(self.path("cache/runtimes")),
            configured: BTreeMap::from([(VendorRuntime::Tensorrt, self.path("libnvinfer.so.11"))]),
            worker_executables: BTreeMap::from([(
                "nav-runner-tensorrt".to_owned(),
                self.path("nav-runner-tensorrt"),
            )]),
        }
    }

    /// How to load on its first device, with these entries of the settings.
    pub(crate) fn options(&self, entries: &[(&str, &str)]) -> LoadOptions {
        let mut options = LoadOptions {
            device: Device::Cuda(0),
            libraries: self.libraries(),
            ..LoadOptions::default()
        };
        let entries = entries.iter();
        options.settings.config_entries = entries
            .map(|&(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        options
    }

    /// A file of this graph.
    pub(crate) fn write(&self, graph: GraphProto) -> ModelFile {
        let path = self.path("model.onnx");
        graph.into_model().write(&path).unwrap();
        ModelFile {
            path,
            format: Format::Onnx,
        }
    }

    /// Builds an engine of a graph and loads it.
    pub(crate) fn load(
        &self,
        graph: GraphProto,
        entries: &[(&str, &str)],
    ) -> Result<Arc<dyn Loaded>, LoadError> {
        tensorrt().load(&self.write(graph), &self.options(entries))
    }
}

/// Runs once on inputs in the order of the signature.
pub(crate) fn infer(session: &mut dyn Session, inputs: &[TensorData]) -> Result<Outputs, RunError> {
    let descs = inputs.iter().enumerate().map(|(index, tensor)| TensorDesc {
        index,
        dtype: tensor.dtype(),
        shape: tensor.shape().clone(),
        byte_size: tensor.bytes().len(),
    });
    let descs: Vec<TensorDesc> = descs.collect();
    for (memory, input) in session.stage(&descs)?.into_iter().zip(inputs) {
        memory.copy_from_slice(input.bytes());
    }
    session.run()
}
