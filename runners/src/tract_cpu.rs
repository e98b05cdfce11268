//! `TractCPU`: the embedded runner, tract. Part of this program, so it needs no vendor library.
//!
//! The only file that knows tract, with those below it; it is compiled with the feature `tract`.

mod wide_casts;

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use nav_package_format::onnx::ModelFacts;
use nav_package_format::{DType, Device, Dim, Format, RunnerSettings, Shape, Signature, strings};
use smallvec::SmallVec;
use tract_onnx::prelude::*;
use tract_onnx::tract_hir::ops::unimpl::UnimplementedOp;

use crate::error::{LoadError, RunError};
use crate::input::{InputError, check_inputs};
use crate::library::Libraries;
use crate::runner::{LoadOptions, Loaded, ModelFile, Probe, Runner, Session};
use crate::tensor::{Outputs, Staged, Tensor, TensorDesc};

/// tract, on the host's processor.
#[derive(Debug)]
pub struct TractCpu;

const NAME: &str = "TractCPU";

/// The version that is compiled in; a test compares it with the lock file.
const VERSION: &str = "0.23.9";

/// Where inputs start, for the sake of vector instructions.
const ALIGNMENT: usize = 64;

/// How many specialised plans are kept for a model that cannot be planned with open dimensions.
const PLANS_KEPT: usize = 8;

type Plan = Arc<TypedRunnableModel>;
type TractTensor = tract_onnx::prelude::Tensor;

impl Runner for TractCpu {
    fn name(&self) -> &'static str {
        NAME
    }

    fn formats(&self) -> &'static [Format] {
        &[Format::Onnx]
    }

    fn probe(&self, _libraries: &Libraries) -> Probe {
        let devices = vec![Device::Cpu];
        Probe::Ready {
            version: VERSION.to_owned(),
            library: None,
            devices,
        }
    }

    fn load(&self, model: &ModelFile, options: &LoadOptions) -> Result<Arc<dyn Loaded>, LoadError> {
        let facts = model.admit_onnx(self)?;
        if options.device != Device::Cpu {
            return Err(LoadError::Device {
                runner: NAME.to_owned(),
                device: options.device,
            });
        }
        check_settings(&options.settings)?;
        let refused = |reason: String| LoadError::Model {
            runner: NAME.to_owned(),
            path: model.path.clone(),
            reason,
        };
        // First, as tract's own words for a type that it does not have are about its own code.
        let signature = check_signature(facts)?;
        let graph = contained(|| onnx().model_for_path(&model.path)).map_err(refused)?;
        check_operators(&graph).map_err(refused)?;
        let is_open = has_open_inputs(&signature);
        let plans = match contained(|| plan(graph.clone())) {
            Err(reason) if !is_open => return Err(refused(reason)),
            Ok(plan) if !is_open || !gives_dimensions(&plan) => Plans::Open(plan),
            // Some graphs can be planned only once every dimension is known, and some give dimensions
            // away, which are symbols before.
            Ok(_) | Err(_) => Plans::ByShape {
                graph: Box::new(graph),
                kept: Mutex::default(),
            },
        };
        Ok(Arc::new(TractModel { signature, plans }))
    }
}

/// Runs code of tract, which panics on some graphs where it should fail.
fn contained<T>(call: impl FnOnce() -> TractResult<T>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(format!("{error:#}")),
        Err(panic) => Err(format!("tract panicked: {}", panic_text(panic.as_ref()))),
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no reason given")
}

/// tract has one thread and no knobs; settings that say just that are honoured.
fn check_settings(settings: &RunnerSettings) -> Result<(), LoadError> {
    let refuse = |setting: &str| {
        Err(LoadError::Setting {
            runner: NAME.to_owned(),
            setting: setting.to_owned(),
            reason: "tract runs on one thread and has no such setting".to_owned(),
        })
    };
    let RunnerSettings {
        intra_threads,
        inter_threads,
        execution_mode,
        graph_level,
        arena,
        memory_pattern,
        spinning,
        config_entries,
    } = settings;
    if intra_threads.is_some_and(|threads| threads > 1) {
        return refuse("intra_threads");
    }
    let unknown = [
        ("inter_threads", inter_threads.is_some()),
        ("execution_mode", execution_mode.is_some()),
        ("graph_level", graph_level.is_some()),
        ("arena", arena.is_some()),
        ("memory_pattern", memory_pattern.is_some()),
        ("spinning", spinning.is_some()),
        ("config_entries", !config_entries.is_empty()),
    ];
    match unknown.iter().find(|(_, given)| *given) {
        Some((setting, _)) => refuse(setting),
        None => Ok(()),
    }
}

fn check_operators(graph: &InferenceModel) -> Result<(), String> {
    let mut missing: Vec<String> = graph
        .nodes()
        .iter()
        .filter_map(|node| node.op_as::<UnimplementedOp>())
        .map(|op| unwrapped(&op.name()).to_owned())
        .collect();
    missing.sort_unstable();
    missing.dedup();
    if missing.is_empty() {
        return Ok(());
    }
    Err(format!("tract does not implement {}", missing.join(", ")))
}

/// The operator's own name: tract says `Unimplemented(Loop)`.
fn unwrapped(name: &str) -> &str {
    let inner = name.strip_prefix("Unimplemented(");
    inner
        .and_then(|inner| inner.strip_suffix(')'))
        .unwrap_or(name)
}

/// tract keeps the order of the graph; its own types and dimensions say less than the file does.
fn check_signature(facts: ModelFacts) -> Result<Signature, LoadError> {
    let unsupported = |tensor: &str, dtype: &str| LoadError::DType {
        runner: NAME.to_owned(),
        tensor: tensor.to_owned(),
        dtype: dtype.to_owned(),
    };
    if let Some(other) = facts.other_inputs.iter().chain(&facts.other_outputs).next() {
        return Err(unsupported(&other.name, &other.kind));
    }
    let signature = facts.signature;
    let mut specs = signature.inputs.iter().chain(&signature.outputs);
    if let Some(spec) = specs.find(|spec| from_dtype(spec.dtype).is_none()) {
        return Err(unsupported(&spec.name, spec.dtype.name()));
    }
    Ok(signature)
}

fn has_open_inputs(signature: &Signature) -> bool {
    signature.inputs.iter().any(|spec| {
        let dims = spec.dims.as_ref();
        dims.is_none_or(|dims| dims.iter().any(|dim| !matches!(dim, Dim::Fixed(_))))
    })
}

fn to_dtype(datum: DatumType) -> Option<DType> {
    Some(match datum {
        DatumType::Bool => DType::Bool,
        DatumType::U8 => DType::Uint8,
        DatumType::U16 => DType::Uint16,
        DatumType::U32 => DType::Uint32,
        DatumType::U64 => DType::Uint64,
        DatumType::I8 => DType::Int8,
        DatumType::I16 => DType::Int16,
        DatumType::I32 => DType::Int32,
        // tract's own integers for shapes; they leave a model as INT64.
        DatumType::I64 | DatumType::TDim => DType::Int64,
        DatumType::F16 => DType::Fp16,
        DatumType::F32 => DType::Fp32,
        DatumType::F64 => DType::Fp64,
        DatumType::String => DType::Bytes,
        _ => return None,
    })
}

fn from_dtype(dtype: DType) -> Option<DatumType> {
    Some(match dtype {
        DType::Bool => DatumType::Bool,
        DType::Uint8 => DatumType::U8,
        DType::Uint16 => DatumType::U16,
        DType::Uint32 => DatumType::U32,
        DType::Uint64 => DatumType::U64,
        DType::Int8 => DatumType::I8,
        DType::Int16 => DatumType::I16,
        DType::Int32 => DatumType::I32,
        DType::Int64 => DatumType::I64,
        DType::Fp16 => DatumType::F16,
        DType::Fp32 => DatumType::F32,
        DType::Fp64 => DatumType::F64,
        DType::Bytes => DatumType::String,
        DType::Bf16 => return None,
    })
}

/// Whether an output is made of tract's symbols for dimensions.
fn gives_dimensions(plan: &Plan) -> bool {
    let graph = plan.model();
    let mut outputs = graph.outputs.iter();
    outputs.any(|&output| {
        let fact = graph.outlet_fact(output);
        fact.is_ok_and(|fact| fact.datum_type == DatumType::TDim)
    })
}

struct TractModel {
    signature: Signature,
    plans: Plans,
}

enum Plans {
    /// One plan for every shape.
    Open(Plan),
    /// One plan for each combination of input shapes, the latest last.
    ByShape {
        graph: Box<InferenceModel>,
        kept: Mutex<Vec<(Vec<Shape>, Plan)>>,
    },
}

impl TractModel {
    fn plan(&self, inputs: &[Input]) -> Result<Plan, RunError> {
        let (graph, kept) = match &self.plans {
            Plans::Open(plan) => return Ok(Arc::clone(plan)),
            Plans::ByShape { graph, kept } => (graph, kept),
        };
        let shapes: Vec<Shape> = inputs
            .iter()
            .map(|input| input.desc.shape.clone())
            .collect();
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, plan)) = kept.iter().find(|(known, _)| *known == shapes) {
            return Ok(Arc::clone(plan));
        }
        let plan = contained(|| specialise(graph, inputs)).map_err(runtime_error)?;
        if kept.len() == PLANS_KEPT {
            kept.remove(0);
        }
        kept.push((shapes, Arc::clone(&plan)));
        Ok(plan)
    }
}

fn plan(graph: InferenceModel) -> TractResult<Plan> {
    let graph = wide_casts::widen(graph.into_typed()?)?;
    graph.into_optimized()?.into_runnable()
}

fn specialise(graph: &InferenceModel, inputs: &[Input]) -> TractResult<Plan> {
    let mut graph = graph.clone();
    for (position, input) in inputs.iter().enumerate() {
        let shape: TVec<usize> = input.desc.shape.iter().copied().collect();
        let fact = InferenceFact::dt_shape(input.datum, &shape);
        graph.set_input_fact(position, fact)?;
    }
    plan(graph)
}

fn runtime_error(reason: String) -> RunError {
    RunError::Runtime {
        runner: NAME.to_owned(),
        reason,
    }
}

impl fmt::Debug for TractModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TractModel")
            .field("signature", &self.signature)
            .finish_non_exhaustive()
    }
}

impl Loaded for TractModel {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn session(self: Arc<Self>) -> Result<Box<dyn Session>, LoadError> {
        Ok(Box::new(TractSession {
            model: self,
            inputs: Vec::new(),
            state: None,
            staged: false,
        }))
    }
}

/// One thread's use of a model.
struct TractSession {
    model: Arc<TractModel>,
    inputs: Vec<Input>,
    state: Option<(Plan, TypedSimpleState)>,
    staged: bool,
}

/// A staged input: its memory is the tensor that tract reads, or byte strings still to be decoded.
struct Input {
    desc: TensorDesc,
    datum: DatumType,
    memory: Memory,
}

enum Memory {
    Numbers(Arc<TractTensor>),
    Strings(Vec<u8>),
}

impl TractSession {
    fn input(&self, desc: &TensorDesc) -> Result<Input, RunError> {
        let name = || self.model.signature.inputs[desc.index].name.clone();
        let unsupported = || RunError::DType {
            runner: NAME.to_owned(),
            tensor: name(),
            dtype: desc.dtype,
        };
        let datum = from_dtype(desc.dtype).ok_or_else(unsupported)?;
        // tract ends the process when memory runs out, so ask before.
        let mut probe = Vec::<u8>::new();
        probe
            .try_reserve_exact(desc.byte_size)
            .map_err(|_| RunError::OutOfMemory {
                tensor: name(),
                shape: desc.shape.clone(),
                bytes: desc.byte_size,
            })?;
        let memory = if desc.dtype == DType::Bytes {
            probe.resize(desc.byte_size, 0);
            Memory::Strings(probe)
        } else {
            drop(probe);
            let made = TractTensor::zero_aligned_dt(datum, &desc.shape, ALIGNMENT);
            Memory::Numbers(Arc::new(
                made.map_err(|error| runtime_error(error.to_string()))?,
            ))
        };
        Ok(Input {
            desc: desc.clone(),
            datum,
            memory,
        })
    }

    fn value(&self, input: &Input) -> Result<TValue, RunError> {
        let buffer = match &input.memory {
            Memory::Numbers(tensor) => return Ok(TValue::from_const(Arc::clone(tensor))),
            Memory::Strings(buffer) => buffer,
        };
        let refuse = |reason: String| {
            let name = self.model.signature.inputs[input.desc.index].name.clone();
            RunError::Input(InputError::Strings { name, reason })
        };
        let count = input
            .desc
            .shape
            .element_count()
            .map_err(|error| refuse(error.to_string()))?;
        let elements = strings::decode(buffer, count).map_err(|error| refuse(error.to_string()))?;
        let elements: Result<Vec<String>, _> = elements
            .into_iter()
            .map(|bytes| String::from_utf8(bytes.to_vec()))
            .collect();
        let elements = elements.map_err(|_| refuse("tract takes valid UTF-8 only".to_owned()))?;
        let array = tract_ndarray::ArrayD::from_shape_vec(&*input.desc.shape, elements);
        Ok(array
            .map_err(|error| runtime_error(error.to_string()))?
            .into_tensor()
            .into())
    }

    fn tensor(&self, index: usize, value: &TValue) -> Result<Tensor, RunError> {
        let shape = Shape::from(value.shape());
        let unsupported = || {
            let name = &self.model.signature.outputs[index].name;
            runtime_error(format!("output `{name}` is {:?}", value.datum_type()))
        };
        let dtype = to_dtype(value.datum_type()).ok_or_else(unsupported)?;
        let bytes: Bytes = match value.datum_type() {
            DatumType::String => {
                let view = value.to_plain_array_view::<String>();
                let view = view.map_err(|error| runtime_error(error.to_string()))?;
                let encoded = strings::encode(view.iter());
                encoded
                    .map_err(|error| runtime_error(error.to_string()))?
                    .into()
            }
            DatumType::TDim => {
                let cast = value.cast_to_dt(DatumType::I64);
                let cast = cast
                    .map_err(|error| runtime_error(error.to_string()))?
                    .into_owned();
                Bytes::from_owner(TensorMemory(Arc::new(cast)))
            }
            _ => Bytes::from_owner(TensorMemory(value.clone().into_arc_tensor())),
        };
        let desc = TensorDesc {
            index,
            dtype,
            shape,
            byte_size: bytes.len(),
        };
        Ok(Tensor { desc, bytes })
    }

    fn run_state(&mut self, values: TVec<TValue>) -> Result<TVec<TValue>, RunError> {
        let plan = self.model.plan(&self.inputs)?;
        let mut state = match self.state.take() {
            Some((known, state)) if Arc::ptr_eq(&known, &plan) => state,
            _ => contained(|| plan.spawn()).map_err(runtime_error)?,
        };
        // The state is kept only when the run went well: a panic may leave it half-way.
        let outputs = contained(|| state.run(values)).map_err(runtime_error)?;
        self.state = Some((plan, state));
        Ok(outputs)
    }
}

impl Session for TractSession {
    fn stage(&mut self, inputs: &[TensorDesc]) -> Result<Staged<'_>, RunError> {
        self.staged = false;
        check_inputs(&self.model.signature, inputs)?;
        let mut previous = std::mem::take(&mut self.inputs).into_iter();
        let mut staged = Vec::with_capacity(inputs.len());
        for desc in inputs {
            // Memory of the same shape is used again, unless an output still shares it.
            let reused = previous.next().filter(|input| input.desc == *desc);
            staged.push(match reused.and_then(Input::if_unshared) {
                Some(input) => input,
                None => self.input(desc)?,
            });
        }
        self.inputs = staged;
        self.staged = true;
        Ok(self.inputs.iter_mut().map(Input::memory).collect())
    }

    fn run(&mut self) -> Result<Outputs, RunError> {
        if !self.staged {
            return Err(RunError::NotStaged);
        }
        let values: Result<TVec<TValue>, RunError> =
            self.inputs.iter().map(|input| self.value(input)).collect();
        let outputs = self.run_state(values?)?;
        let tensors = outputs.iter().enumerate();
        tensors
            .map(|(index, value)| self.tensor(index, value))
            .collect()
    }
}

impl Input {
    fn if_unshared(mut self) -> Option<Self> {
        let unshared = match &mut self.memory {
            Memory::Numbers(tensor) => Arc::get_mut(tensor).is_some(),
            Memory::Strings(_) => true,
        };
        unshared.then_some(self)
    }

    fn memory(&mut self) -> &mut [u8] {
        match &mut self.memory {
            Memory::Numbers(tensor) => Arc::get_mut(tensor)
                .map(TractTensor::as_bytes_mut)
                .unwrap_or_default(),
            Memory::Strings(buffer) => buffer,
        }
    }
}

impl fmt::Debug for TractSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let staged: SmallVec<[&TensorDesc; 4]> =
            self.inputs.iter().map(|input| &input.desc).collect();
        f.debug_struct("TractSession")
            .field("staged", &staged)
            .finish_non_exhaustive()
    }
}

/// Output memory: tract's own tensor, kept alive as long as its bytes are used.
struct TensorMemory(Arc<TractTensor>);

impl AsRef<[u8]> for TensorMemory {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_told_is_the_version_compiled_in() {
        let lock = include_str!("../../Cargo.lock");
        assert!(lock.contains(&format!("name = \"tract-onnx\"\nversion = \"{VERSION}\"")));
    }

    #[test]
    fn settings_that_tract_cannot_honour_are_refused_by_name() {
        let settings = RunnerSettings {
            spinning: Some(true),
            ..RunnerSettings::default()
        };
        let error = check_settings(&settings).unwrap_err().to_string();
        assert!(error.contains("spinning"), "{error}");
        let settings = RunnerSettings {
            intra_threads: Some(1),
            ..RunnerSettings::default()
        };
        assert_eq!(check_settings(&settings), Ok(()));
    }
}
