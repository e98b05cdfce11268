//! A model in ONNX Runtime: loaded once, run by any number of sessions.

use std::sync::Arc;

use nav_native::onnxruntime::{Binding, Described, HostMemory, Output, Recorded, Recorder};
use nav_package_format::{DType, Dim, Shape, Signature, TensorSpec, strings};
use ort::session::Session as OrtSession;
use ort::session::builder::SessionBuilder;
use ort::value::{Outlet, ValueType};

use super::element::{from_dtype, to_dtype};
use super::foretold::{self, Foretold};
use super::library::OpenedLibrary;
use super::reason::reason;
use super::settings;
use crate::error::{LoadError, RunError};
use crate::input::{InputError, check_inputs};
use crate::runner::{LoadOptions, Loaded, ModelFile, Session};
use crate::tensor::{Outputs, Staged, Tensor, TensorDesc};

/// The weights and the graph.
#[derive(Debug)]
pub struct OnnxModel {
    runner: &'static str,
    session: Arc<OrtSession>,
    signature: Signature,
    memory: HostMemory,
    /// The outputs of which it is known what their shapes follow from, each with its position.
    foretold: Vec<(usize, Foretold)>,
    /// Where runs are recorded, if they are.
    recorder: Option<Arc<Recorder>>,
}

/// Which runner loads a model, with which library, and where its outputs shall be.
#[derive(Debug)]
pub struct Loader {
    /// The runner's name.
    pub runner: &'static str,
    /// The opened library.
    pub library: OpenedLibrary,
    /// Where inputs are staged and outputs are written.
    pub memory: HostMemory,
    /// The GPU that records runs, where the provider is told to by the setting of this name.
    pub records: Option<(u32, &'static str)>,
}

impl Loader {
    /// Loads a model, of which the file says what `declared` has. `configure` registers what the runner
    /// needs beyond the common settings.
    pub fn load(
        self,
        model: &ModelFile,
        declared: &Signature,
        options: &LoadOptions,
        configure: impl FnOnce(&mut SessionBuilder) -> Result<(), LoadError>,
    ) -> Result<Arc<dyn Loaded>, LoadError> {
        let refused = |error: &ort::Error| LoadError::Model {
            runner: self.runner.to_owned(),
            path: model.path.clone(),
            reason: reason(error),
        };
        let builder = OrtSession::builder(&self.library.environment);
        // Whatever the file is called, it is the format that was checked.
        let builder = builder
            .and_then(|builder| Ok(builder.with_config_entry("session.load_model_format", "ONNX")?))
            .map_err(|error| refused(&error))?;
        let mut builder = settings::apply(builder, &options.settings, self.runner)?;
        configure(&mut builder)?;
        let session = builder
            .commit_from_file(&model.path)
            .map_err(|error| refused(&error))?;
        let signature = Signature {
            inputs: specs(session.inputs(), &declared.inputs, self.runner)?,
            outputs: specs(session.outputs(), &declared.outputs, self.runner)?,
        };
        let (session, foretold) = (Arc::new(session), foretold::outputs(&signature));
        let recorder = self.recorder(
            &session,
            foretold::objection_to_recording(&signature, &foretold),
        )?;
        Ok(Arc::new(OnnxModel {
            runner: self.runner,
            session,
            foretold,
            signature,
            memory: self.memory,
            recorder,
        }))
    }

    /// Where runs are recorded, if they are to be and nothing is against it.
    fn recorder(
        &self,
        session: &Arc<OrtSession>,
        objection: Option<String>,
    ) -> Result<Option<Arc<Recorder>>, LoadError> {
        let Some((device, setting)) = self.records else {
            return Ok(None);
        };
        let refuse = |reason: String| LoadError::Setting {
            runner: self.runner.to_owned(),
            setting: setting.to_owned(),
            reason,
        };
        if let Some(objection) = objection {
            return Err(refuse(objection));
        }
        let recorder = Recorder::new(Arc::clone(session), device);
        let recorder = recorder.map_err(|error| refuse(error.to_string()))?;
        Ok(Some(Arc::new(recorder)))
    }
}

fn specs(
    outlets: &[Outlet],
    declared: &[TensorSpec],
    runner: &'static str,
) -> Result<Vec<TensorSpec>, LoadError> {
    let specs = outlets.iter().map(|outlet| {
        let mut spec = spec(outlet, runner)?;
        // The runtime shows a tensor of unknown rank as a scalar; only the file tells them apart.
        let mut declared = declared.iter();
        if declared.any(|declared| declared.name == spec.name && declared.dims.is_none()) {
            spec.dims = spec.dims.filter(|dims| !dims.is_empty());
        }
        Ok(spec)
    });
    specs.collect()
}

fn spec(outlet: &Outlet, runner: &'static str) -> Result<TensorSpec, LoadError> {
    let unsupported = || LoadError::DType {
        runner: runner.to_owned(),
        tensor: outlet.name().to_owned(),
        dtype: outlet.dtype().to_string(),
    };
    let ValueType::Tensor {
        ty,
        shape,
        dimension_symbols,
    } = outlet.dtype()
    else {
        return Err(unsupported());
    };
    let dims = shape
        .iter()
        .zip(dimension_symbols.iter())
        .map(|(&extent, symbol)| match usize::try_from(extent) {
            Ok(extent) => Dim::Fixed(extent),
            Err(_) if symbol.is_empty() => Dim::Unknown,
            Err(_) => Dim::Symbolic(symbol.clone()),
        });
    Ok(TensorSpec {
        name: outlet.name().to_owned(),
        dtype: to_dtype(*ty).ok_or_else(unsupported)?,
        dims: Some(dims.collect()),
        optional: false,
    })
}

impl Loaded for OnnxModel {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn session(self: Arc<Self>) -> Result<Box<dyn Session>, LoadError> {
        let binding = Binding::new(Arc::clone(&self.session), self.memory);
        let binding = binding.map_err(|error| LoadError::Unavailable {
            runner: self.runner.to_owned(),
            reason: reason(&error),
            how_to_get_it: "this is a fault of the runtime".to_owned(),
        })?;
        Ok(Box::new(OnnxSession {
            binding,
            staged: None,
            recorded: Vec::new(),
            places: self.memory == HostMemory::Plain,
            model: self,
        }))
    }
}

/// One thread's use of a model.
#[derive(Debug)]
struct OnnxSession {
    binding: Binding,
    staged: Option<Vec<TensorDesc>>,
    /// What was recorded, by the shapes of the inputs. At most [`MOST_RECORDINGS`].
    recorded: Vec<(Vec<TensorDesc>, Recorded)>,
    /// Whether large outputs are given memory of their own: not when they turned out to be of other shapes than
    /// the model says.
    places: bool,
    model: Arc<OnnxModel>,
}

/// How many shapes are recorded by a session. Each holds memory of the device for all that is computed.
const MOST_RECORDINGS: usize = 16;

impl OnnxSession {
    /// Runs on what is staged as a recording, made now if there is none for these shapes.
    fn run_recorded(
        &mut self,
        recorder: &Arc<Recorder>,
        staged: &[TensorDesc],
    ) -> ort::Result<Vec<Output>> {
        let is_known = self.recorded.iter().any(|(descs, _)| descs == staged);
        if !is_known && self.recorded.len() < MOST_RECORDINGS {
            let places = self.places_for(recorder, staged, true)?;
            self.recorded.push((staged.to_vec(), places));
        }
        let mut known = self.recorded.iter_mut();
        let written = staged.iter().map(|desc| self.binding.written(desc.index));
        if let Some((_, places)) = known.find(|(descs, _)| descs == staged) {
            return places.run(written);
        }
        self.places_for(recorder, staged, false)?.run(written)
    }

    fn places_for(
        &self,
        recorder: &Arc<Recorder>,
        staged: &[TensorDesc],
        is_kept: bool,
    ) -> ort::Result<Recorded> {
        let inputs: Vec<Described<'_>> = staged
            .iter()
            .map(|desc| (from_dtype(desc.dtype), &*desc.shape))
            .collect();
        let foretold = self.model.foretold.iter();
        let outputs: Option<Vec<(DType, Shape)>> = foretold
            .map(|(_, foretold)| foretold.follows_from(staged))
            .collect();
        let outputs = outputs.ok_or_else(|| ort::Error::new("an output has an unknown shape"))?;
        let outputs: Vec<Described<'_>> = outputs
            .iter()
            .map(|(dtype, shape)| (from_dtype(*dtype), &**shape))
            .collect();
        Recorded::new(recorder, &inputs, &outputs, is_kept)
    }

    fn runtime_error(&self, error: &ort::Error) -> RunError {
        RunError::Runtime {
            runner: self.model.runner.to_owned(),
            reason: reason(error),
        }
    }

    fn bind(&mut self, desc: &TensorDesc) -> Result<(), RunError> {
        let bound = if desc.dtype == DType::Bytes {
            let written = &self.binding.written(desc.index)[..desc.byte_size];
            let name = || self.model.signature.inputs[desc.index].name.clone();
            let count = desc.shape.element_count();
            let count = count.map_err(|error| InputError::TooLarge {
                name: name(),
                found: error.shape,
            })?;
            let ranges = strings::ranges(written, count).map_err(|error| InputError::Strings {
                name: name(),
                reason: error.to_string(),
            })?;
            self.binding.bind_strings(desc.index, &desc.shape, &ranges)
        } else {
            self.binding
                .bind_numbers(desc.index, from_dtype(desc.dtype), &desc.shape)
        };
        bound.map_err(|error| self.runtime_error(&error))
    }

    /// Gives large outputs memory of their own, where their shapes are known. Whether any was given some.
    fn place(&mut self, staged: &[TensorDesc]) -> Result<bool, RunError> {
        let mut any = false;
        for (index, foretold) in &self.model.foretold {
            let Some((dtype, shape)) = foretold.large(staged) else {
                continue;
            };
            let placed = self.binding.place(*index, from_dtype(dtype), &shape);
            placed.map_err(|error| self.runtime_error(&error))?;
            any = true;
        }
        Ok(any)
    }

    fn tensors(&self, outputs: ort::Result<Vec<Output>>) -> Result<Outputs, RunError> {
        let outputs = outputs.map_err(|error| self.runtime_error(&error))?;
        let tensors = outputs.into_iter().enumerate();
        tensors
            .filter_map(|(index, output)| self.tensor(index, output).transpose())
            .collect()
    }

    fn tensor(&self, index: usize, output: Output) -> Result<Option<Tensor>, RunError> {
        let name = || self.model.signature.outputs[index].name.clone();
        let runner = self.model.runner;
        let (dtype, shape, bytes) = match output {
            Output::NotATensor => return Ok(None),
            Output::Numbers {
                dtype,
                shape,
                bytes,
            } => {
                let dtype = to_dtype(dtype).ok_or_else(|| RunError::Runtime {
                    runner: runner.to_owned(),
                    reason: format!("output `{}` has an element type of its own", name()),
                })?;
                (dtype, shape, bytes)
            }
            Output::Strings { shape, elements } => {
                let bytes = strings::encode(&elements).map_err(|error| RunError::Runtime {
                    runner: runner.to_owned(),
                    reason: format!("output `{}` cannot be passed on: {error}", name()),
                })?;
                (DType::Bytes, shape, bytes.into())
            }
        };
        let byte_size = bytes.len();
        let desc = TensorDesc {
            index,
            dtype,
            shape: Shape::new(shape),
            byte_size,
        };
        Ok(Some(Tensor { desc, bytes }))
    }
}

impl Session for OnnxSession {
    fn stage(&mut self, inputs: &[TensorDesc]) -> Result<Staged<'_>, RunError> {
        let mut staged = self.staged.take().unwrap_or_default();
        staged.clear();
        check_inputs(&self.model.signature, inputs)?;
        for desc in inputs {
            let reserved = self.binding.reserve(desc.index, desc.byte_size);
            reserved.map_err(|error| RunError::OutOfMemory {
                tensor: self.model.signature.inputs[desc.index].name.clone(),
                shape: desc.shape.clone(),
                bytes: error.bytes,
            })?;
        }
        staged.extend_from_slice(inputs);
        self.staged = Some(staged);
        // Every input is given (none is optional here), so descriptions and memory run side by side.
        let lent = self.binding.lend().zip(inputs);
        Ok(lent
            .map(|(memory, desc)| &mut memory[..desc.byte_size])
            .collect())
    }

    fn run(&mut self) -> Result<Outputs, RunError> {
        let staged = self.staged.take().ok_or(RunError::NotStaged)?;
        if let Some(recorder) = self.model.recorder.clone() {
            let outputs = self.run_recorded(&recorder, &staged);
            self.staged = Some(staged);
            return self.tensors(outputs);
        }
        let bound = staged.iter().try_for_each(|desc| self.bind(desc));
        let placed = bound.and_then(|()| Ok(self.places && self.place(&staged)?));
        self.staged = Some(staged);
        let placed = placed?;
        let mut outputs = self.binding.run();
        if placed && outputs.is_err() {
            outputs = self.binding.run();
            // Only then was it the place that it failed for.
            self.places = outputs.is_err();
        }
        self.tensors(outputs)
    }
}
