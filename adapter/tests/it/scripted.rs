//! A runner that does what a test says, wherever it is told to run.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use nav_adapter::{DType, RunnerHandle, Shape};
use nav_package_format::{Device, Dim, Format, Signature, TensorSpec};
use nav_runners::input::check_inputs;
use nav_runners::{
    Libraries, LoadError, LoadOptions, Loaded, ModelFile, Outputs, Probe, RunError, Runner,
    Session, Staged, Tensor, TensorDesc,
};

/// What it is given: where it runs, and the memory that it lent for its inputs.
pub(crate) struct Given<'a> {
    pub(crate) device: Device,
    pub(crate) memory: &'a [Vec<u8>],
}

type Work = dyn Fn(&Given<'_>) -> Bytes + Send + Sync;

/// What it is: what its model takes and gives, and how the bytes of its one output come about.
#[derive(Clone)]
struct Scripted {
    signature: Signature,
    work: Arc<Work>,
}

#[derive(Debug)]
struct ScriptedModel {
    runner: Scripted,
    device: Device,
}

#[derive(Debug)]
struct ScriptedSession {
    model: Arc<ScriptedModel>,
    descs: Vec<TensorDesc>,
    memory: Vec<Vec<u8>>,
}

/// A runner, not activated yet, whose model takes `x` and gives `y`, as long as `x`.
pub(crate) fn scripted(
    (x, y): (TensorSpec, TensorSpec),
    work: impl Fn(&Given<'_>) -> Bytes + Send + Sync + 'static,
) -> RunnerHandle {
    let runner = Scripted {
        signature: Signature {
            inputs: vec![x],
            outputs: vec![y],
        },
        work: Arc::new(work),
    };
    let model = ModelFile {
        path: "nowhere".into(),
        format: Format::Onnx,
    };
    RunnerHandle::new(Box::new(runner), model, LoadOptions::default())
}

/// A tensor of this name with these extents; none for any.
pub(crate) fn spec(name: &str, dtype: DType, dims: &[Option<usize>]) -> TensorSpec {
    let dims = dims.iter().map(|dim| dim.map_or(Dim::Unknown, Dim::Fixed));
    TensorSpec {
        name: name.to_owned(),
        dtype,
        dims: Some(dims.collect()),
        optional: false,
    }
}

impl Runner for Scripted {
    fn name(&self) -> &'static str {
        "Scripted"
    }

    fn formats(&self) -> &'static [Format] {
        &[Format::Onnx]
    }

    fn probe(&self, _: &Libraries) -> Probe {
        Probe::Ready {
            version: "1".to_owned(),
            library: None,
            devices: vec![Device::Cpu],
        }
    }

    fn load(&self, _: &ModelFile, options: &LoadOptions) -> Result<Arc<dyn Loaded>, LoadError> {
        Ok(Arc::new(ScriptedModel {
            runner: self.clone(),
            device: options.device,
        }))
    }
}

impl Loaded for ScriptedModel {
    fn signature(&self) -> &Signature {
        &self.runner.signature
    }

    fn session(self: Arc<Self>) -> Result<Box<dyn Session>, LoadError> {
        Ok(Box::new(ScriptedSession {
            model: self,
            descs: Vec::new(),
            memory: Vec::new(),
        }))
    }
}

impl Session for ScriptedSession {
    fn stage(&mut self, inputs: &[TensorDesc]) -> Result<Staged<'_>, RunError> {
        check_inputs(self.model.signature(), inputs)?;
        self.descs = inputs.to_vec();
        self.memory = inputs.iter().map(|it| vec![0; it.byte_size]).collect();
        Ok(self.memory.iter_mut().map(|it| &mut it[..]).collect())
    }

    fn run(&mut self) -> Result<Outputs, RunError> {
        let bytes = (self.model.runner.work)(&Given {
            device: self.model.device,
            memory: &self.memory,
        });
        let output = &self.model.signature().outputs[0];
        let desc = TensorDesc {
            index: 0,
            dtype: output.dtype,
            shape: self
                .descs
                .first()
                .map_or_else(Shape::default, |it| it.shape.clone()),
            byte_size: bytes.len(),
        };
        Ok(std::iter::once(Tensor { desc, bytes }).collect())
    }
}

impl fmt::Debug for Scripted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scripted")
    }
}
