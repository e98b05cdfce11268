//! What a case works with: a runner, a folder for its models, and short ways to load and run them.

use std::cell::RefCell;
use std::path::PathBuf;
use std::sync::Arc;

use nav_package_format::onnx::{self, proto::GraphProto};
use nav_package_format::{Device, Dim, Format, RunnerSettings, Signature, TensorData, TensorSpec};
use nav_runners::{
    Declaration, LoadError, LoadOptions, Loaded, ModelFile, Outputs, RunError, Runner, Session,
    TensorDesc,
};
use tempfile::TempDir;

use crate::case::{Failure, expect_equal};
use crate::columns::{Column, State};
use crate::comparison::{Tolerance, compare};
use crate::torch_script;

/// A runner under test.
#[derive(Debug)]
pub(crate) struct Subject {
    /// The runner.
    pub(crate) runner: &'static dyn Runner,
    options: LoadOptions,
    /// Whether engines are built for all extents that any case has.
    says_extents: bool,
    /// What the last model that was written takes and gives, where its file does not say that.
    declared: RefCell<Option<Declaration>>,
    folder: TempDir,
}

impl Subject {
    /// The runner of this column.
    pub(crate) fn new(column: &Column) -> Result<Self, Failure> {
        let device = match column.state {
            State::Ready { device, .. } => device,
            State::OtherFormats(_) | State::Missing(_) => Device::Cpu,
        };
        Ok(Self {
            runner: column.runner,
            says_extents: column.is_double(),
            options: LoadOptions {
                device,
                settings: RunnerSettings::default(),
                libraries: column.libraries.clone(),
                ..LoadOptions::default()
            },
            declared: RefCell::new(None),
            folder: tempfile::tempdir()?,
        })
    }

    /// How models are loaded, unless a case is about that.
    pub(crate) fn options(&self) -> LoadOptions {
        let mut options = LoadOptions {
            declared: self.declared.borrow().clone(),
            ..self.options.clone()
        };
        if self.says_extents
            && let Ok(facts) = onnx::verify(&self.file("model").path)
        {
            let extents = open_dims(&facts.signature);
            let extents = extents.map(|name| (format!("tensorrt.extent.{name}"), ALL.to_owned()));
            options.settings.config_entries.extend(extents);
        }
        options
    }

    /// The format that the runner's models are in.
    pub(crate) fn format(&self) -> Format {
        let formats = self.runner.formats();
        formats.first().copied().unwrap_or(Format::Onnx)
    }

    /// A model file of this name, whatever is in it.
    pub(crate) fn file(&self, stem: &str) -> ModelFile {
        let format = self.format();
        let extension = format.extensions().first().copied().unwrap_or_default();
        ModelFile {
            path: self.path(&format!("{stem}.{extension}")),
            format,
        }
    }

    /// The path of a file in this case's own folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A model file of this graph.
    pub(crate) fn write(&self, graph: GraphProto) -> Result<ModelFile, Failure> {
        let model = self.file("model");
        if self.format() == Format::Onnx {
            graph.into_model().write(&model.path)?;
            return Ok(model);
        }
        torch_script::write(&graph, &model.path)?;
        let path = self.path("declared.onnx");
        graph.into_model().write(&path)?;
        let signature = onnx::verify(&path)?.signature;
        *self.declared.borrow_mut() = Some(Declaration {
            signature,
            ..Declaration::default()
        });
        Ok(model)
    }

    /// Loads a file with the usual options.
    pub(crate) fn load_file(&self, model: &ModelFile) -> Result<Arc<dyn Loaded>, LoadError> {
        self.runner.load(model, &self.options())
    }

    /// Loads a graph.
    pub(crate) fn load(&self, graph: GraphProto) -> Result<Arc<dyn Loaded>, Failure> {
        Ok(self.load_file(&self.write(graph)?)?)
    }

    /// A session of a graph.
    pub(crate) fn session(&self, graph: GraphProto) -> Result<Box<dyn Session>, Failure> {
        Ok(self.load(graph)?.session()?)
    }

    /// Whether a graph gives these outputs for these inputs, both in the order of the graph.
    pub(crate) fn check(
        &self,
        graph: GraphProto,
        inputs: &[TensorData],
        expected: &[TensorData],
        tolerance: Tolerance,
    ) -> Result<(), Failure> {
        let mut session = self.session(graph)?;
        check_outputs(&infer(session.as_mut(), inputs)?, expected, tolerance)
    }
}

/// Every extent that a case has.
const ALL: &str = "0:8:20000000";

/// What the open dimensions of inputs are called where engines are built for them.
fn open_dims(signature: &Signature) -> impl Iterator<Item = String> {
    let each = |input: &TensorSpec| {
        let dims = input.dims.iter().flatten().enumerate();
        let names = dims.filter_map(|(axis, dim)| match dim {
            Dim::Fixed(_) => None,
            Dim::Symbolic(name) => Some(name.clone()),
            Dim::Unknown => Some(format!("{}.{axis}", input.name)),
        });
        names.collect::<Vec<String>>()
    };
    signature.inputs.iter().flat_map(each)
}

/// The description of an input.
pub(crate) fn desc(index: usize, tensor: &TensorData) -> TensorDesc {
    TensorDesc {
        index,
        dtype: tensor.dtype(),
        shape: tensor.shape().clone(),
        byte_size: tensor.bytes().len(),
    }
}

/// Stages inputs, given in the order of the signature.
pub(crate) fn stage(session: &mut dyn Session, inputs: &[TensorData]) -> Result<(), RunError> {
    let descs: Vec<TensorDesc> = inputs.iter().enumerate().map(|(i, t)| desc(i, t)).collect();
    for (memory, input) in session.stage(&descs)?.into_iter().zip(inputs) {
        memory.copy_from_slice(input.bytes());
    }
    Ok(())
}

/// Stages inputs and runs.
pub(crate) fn infer(session: &mut dyn Session, inputs: &[TensorData]) -> Result<Outputs, RunError> {
    stage(session, inputs)?;
    session.run()
}

/// Whether these are the outputs, all of them, in the order of the signature.
pub(crate) fn check_outputs(
    outputs: &Outputs,
    expected: &[TensorData],
    tolerance: Tolerance,
) -> Result<(), Failure> {
    let positions: Vec<usize> = outputs.iter().map(|output| output.desc.index).collect();
    let all: Vec<usize> = (0..expected.len()).collect();
    expect_equal("positions of the outputs", &positions, &all)?;
    for (output, expected) in outputs.iter().zip(expected) {
        compare(output, expected, tolerance)?;
    }
    Ok(())
}

/// What a run that must fail failed with.
pub(crate) fn refused<T>(outcome: Result<T, RunError>) -> Result<RunError, Failure> {
    match outcome {
        Ok(_) => Err(Failure::new("it was accepted")),
        Err(error) => Ok(error),
    }
}
