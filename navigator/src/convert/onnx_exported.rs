//! TorchScript exported to ONNX by the user's own `PyTorch`, in a process of Python: so one checkpoint has variants on runners of
//! both kinds.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use nav_package_format::{Dim, Format, RunnerSettings, TensorSpec};
use serde::Serialize;

use super::{Conversion, ConvertError, Job, python, tensorrt_engine};
use crate::plan::Extents;

/// What Python runs.
const SCRIPT: &str = include_str!("python/export.py");

/// TorchScript to ONNX.
#[derive(Debug)]
pub(super) struct OnnxExported;

/// What Python is told.
#[derive(Serialize)]
struct Wanted<'a> {
    model: &'a Path,
    to: PathBuf,
    example: &'a Path,
    inputs: Vec<&'a str>,
    outputs: Vec<&'a str>,
    /// The open axes of tensors, with the names of their dimensions.
    open: BTreeMap<&'a str, BTreeMap<usize, String>>,
}

impl Conversion for OnnxExported {
    fn name(&self) -> &'static str {
        "onnx-exported"
    }

    fn from(&self) -> Format {
        Format::TorchScript
    }

    fn to(&self) -> Format {
        Format::Onnx
    }

    fn needs_python(&self) -> bool {
        true
    }

    fn runs_on(&self, runner: &str) -> bool {
        let mut known = nav_worker::all_runners().filter(|known| known.name() == runner);
        known.any(|known| known.formats().contains(&Format::Onnx))
    }

    fn settings(&self, runner: &str, extents: &BTreeMap<String, Extents>) -> RunnerSettings {
        // Of a graph that was only now exported, the engine is built when it is loaded.
        if runner == tensorrt_engine::RUNNER {
            return tensorrt_engine::settings(false, extents);
        }
        RunnerSettings::default()
    }

    fn convert(&self, job: &Job<'_>) -> Result<(), ConvertError> {
        let (Some(python), Some(example)) = (job.python, job.example) else {
            return Err(ConvertError::NoPython);
        };
        let tensors = job.signature.inputs.iter().chain(&job.signature.outputs);
        let task = python::Task {
            script: SCRIPT,
            reads: &[&job.model.path, example],
            to: job.to,
        };
        python.run(&task, |to| Wanted {
            model: &job.model.path,
            to: to.to_owned(),
            example,
            inputs: names(&job.signature.inputs),
            outputs: names(&job.signature.outputs),
            open: tensors.filter_map(open_axes).collect(),
        })
    }
}

fn names(specs: &[TensorSpec]) -> Vec<&str> {
    specs.iter().map(|spec| spec.name.as_str()).collect()
}

fn open_axes(spec: &TensorSpec) -> Option<(&str, BTreeMap<usize, String>)> {
    let dims = spec.dims.iter().flatten().enumerate();
    let open: BTreeMap<usize, String> = dims
        .filter_map(|(axis, dim)| match dim {
            Dim::Fixed(_) => None,
            Dim::Symbolic(name) => Some((axis, name.clone())),
            Dim::Unknown => Some((axis, format!("{}_{axis}", spec.name))),
        })
        .collect();
    (!open.is_empty()).then_some((spec.name.as_str(), open))
}

#[cfg(test)]
mod tests {
    use nav_package_format::onnx::build::dims;
    use nav_package_format::{DType, Device, Signature};
    use nav_runners::{Libraries, ModelFile};

    use super::python::fake;
    use super::*;

    fn convert(script: &str) -> Result<(), ConvertError> {
        let folder = tempfile::tempdir().unwrap();
        let python = fake(folder.path(), script);
        let spec = |name: &str, text: &str| TensorSpec {
            name: name.to_owned(),
            dtype: DType::Fp32,
            dims: Some(dims(text)),
            optional: false,
        };
        let to = folder.path().join("model.onnx");
        let converted = OnnxExported.convert(&Job {
            model: &ModelFile {
                path: "/m.pt".into(),
                format: Format::TorchScript,
            },
            to: &to,
            libraries: &Libraries::default(),
            device: Device::Cpu,
            settings: &RunnerSettings::default(),
            signature: &Signature {
                inputs: vec![spec("x", "batch,3")],
                outputs: vec![spec("y", "?,2")],
            },
            example: Some(Path::new("/example.npz")),
            python: Some(&python),
        });
        let told = std::fs::read_to_string(&to).unwrap_or_default();
        if converted.is_ok() {
            let told: serde_json::Value = serde_json::from_str(&told).unwrap();
            assert_eq!(told["open"]["x"]["0"], "batch");
            assert_eq!(told["open"]["y"]["0"], "y_0");
            assert_eq!(told["inputs"], serde_json::json!(["x"]));
        }
        converted
    }

    #[test]
    fn python_is_told_what_is_wanted_on_a_line() {
        // It writes what it was told to where the model should go.
        let script =
            "read -r line\nto=${line#*\\\"to\\\":\\\"}\nprintf '%s' \"$line\" >\"${to%%\\\"*}\"";
        convert(script).unwrap();
    }

    #[test]
    fn the_last_words_of_python_are_the_reason() {
        let error = convert("echo 'No module named torch' >&2; exit 1").unwrap_err();
        let text = error.to_string();
        assert!(
            text.ends_with("exited with status 1; it wrote last: No module named torch"),
            "{text}"
        );
    }
}
