//! What is filled in for models with sequences: from a configuration to what the engine is told. Which of the model's
//! tensors these are, and whether they are like that, is looked at once there is a model.

use std::path::Path;

use bytes::Bytes;
use nav_engine::{
    Control, ControlInput, Filling, Flag, InitialState, SequenceFault, SequencePart,
    SequencePolicy, SequenceTensor, State,
};
use nav_package_format::{DType, Shape, Signature, strings};

use super::ConfigError;
use super::files::read;
use super::tensors::dtype;
use crate::proto::model_config::SchedulingChoice;
use crate::proto::model_sequence_batching as proto;
use crate::proto::model_sequence_batching::control::Kind;
use crate::proto::model_sequence_batching::initial_state::StateData;
use crate::proto::{DataType, ModelConfig, ModelSequenceBatching};

/// The folder of a model that files are in which sequences begin with.
const FOLDER: &str = "initial_state";

/// How sequences are served, where they are.
pub(super) fn of(config: &ModelConfig) -> Option<&ModelSequenceBatching> {
    match &config.scheduling_choice {
        Some(SchedulingChoice::SequenceBatching(sequence)) => Some(sequence),
        _ => None,
    }
}

pub(super) fn control_field(index: usize) -> String {
    format!("sequence_batching.control_input[{index}]")
}

pub(super) fn state_field(index: usize) -> String {
    format!("sequence_batching.state[{index}]")
}

/// The field that says of which type the elements of a control are.
pub(super) fn type_field(index: usize, given: &proto::ControlInput) -> String {
    let field = given.control.first().map_or("data_type", |control| {
        if !control.int32_false_true.is_empty() {
            "int32_false_true"
        } else if !control.fp32_false_true.is_empty() {
            "fp32_false_true"
        } else if !control.bool_false_true.is_empty() {
            "bool_false_true"
        } else {
            "data_type"
        }
    });
    format!("{}.control[0].{field}", control_field(index))
}

/// The inputs that tell the model which part of its sequence a request is.
pub(super) fn controls(sequence: &ModelSequenceBatching) -> Result<Vec<ControlInput>, ConfigError> {
    let mut controls: Vec<ControlInput> = Vec::new();
    let mut kinds = Vec::new();
    for (index, given) in sequence.control_input.iter().enumerate() {
        let field = control_field(index);
        let [control] = given.control.as_slice() else {
            let reason = format!("an input tells one thing, and this {}", given.control.len());
            return Err(ConfigError::field(format!("{field}.control"), reason));
        };
        let field = format!("{field}.control[0]");
        let Ok(kind) = Kind::try_from(control.kind) else {
            let reason = format!("there is no kind {}", control.kind);
            return Err(ConfigError::field(format!("{field}.kind"), reason));
        };
        if kinds.contains(&kind) {
            let reason = format!("{} is there twice", kind.as_str_name());
            return Err(ConfigError::field(format!("{field}.kind"), reason));
        }
        kinds.push(kind);
        let flag = || flag(control, kind, &field);
        controls.push(ControlInput {
            name: given.name.as_str().into(),
            control: match kind {
                Kind::ControlSequenceStart => Control::Start(flag()?),
                Kind::ControlSequenceEnd => Control::End(flag()?),
                Kind::ControlSequenceReady => Control::Ready(flag()?),
                Kind::ControlSequenceCorrid => Control::CorrelationId(number(control, &field)?),
            },
        });
    }
    Ok(controls)
}

/// What stands for no and for yes.
fn flag(control: &proto::Control, kind: Kind, field: &str) -> Result<Flag, ConfigError> {
    let kind = kind.as_str_name();
    let (ints, floats, bools) = (
        control.int32_false_true.as_slice(),
        control.fp32_false_true.as_slice(),
        control.bool_false_true.as_slice(),
    );
    let refuse = |name: &str, count: usize| {
        let reason = format!("it has {count} values, and must have one for no and one for yes");
        Err(ConfigError::field(format!("{field}.{name}"), reason))
    };
    match (ints, floats, bools) {
        (&[no, yes], [], []) => Ok(Flag::int32(no, yes)),
        ([], &[no, yes], []) => Ok(Flag::fp32(no, yes)),
        ([], [], &[no, yes]) => Ok(Flag::bool(no, yes)),
        ([], [], []) => {
            let reason =
                format!("{kind} needs int32_false_true, fp32_false_true or bool_false_true");
            Err(ConfigError::field(field, reason))
        }
        (ints, [], []) => refuse("int32_false_true", ints.len()),
        ([], floats, []) => refuse("fp32_false_true", floats.len()),
        ([], [], bools) => refuse("bool_false_true", bools.len()),
        _ => {
            let reason = format!(
                "{kind} has more than one of int32_false_true, fp32_false_true and bool_false_true"
            );
            Err(ConfigError::field(field, reason))
        }
    }
}

/// The type that names of sequences are told in.
fn number(control: &proto::Control, field: &str) -> Result<DType, ConfigError> {
    let has_values = !control.int32_false_true.is_empty()
        || !control.fp32_false_true.is_empty()
        || !control.bool_false_true.is_empty();
    if has_values {
        let reason = "CONTROL_SEQUENCE_CORRID has a data_type, and no values for no and yes";
        return Err(ConfigError::field(field, reason));
    }
    let field = format!("{field}.data_type");
    match dtype(control.data_type) {
        Some(
            dtype @ (DType::Int32 | DType::Int64 | DType::Uint32 | DType::Uint64 | DType::Bytes),
        ) => Ok(dtype),
        other => {
            let possible = "TYPE_UINT64, TYPE_INT64, TYPE_UINT32, TYPE_INT32 or TYPE_STRING";
            let found = DataType::try_from(control.data_type);
            let reason = match (other, found) {
                (Some(_), Ok(found)) => format!("it is {}, not {possible}", found.as_str_name()),
                _ => format!("it must be {possible}"),
            };
            Err(ConfigError::field(field, reason))
        }
    }
}

/// What is kept of sequences, but for what they begin with where that is in a file.
pub(super) fn states(
    config: &ModelConfig,
    sequence: &ModelSequenceBatching,
) -> Result<Vec<State>, ConfigError> {
    let given = sequence.state.iter().enumerate();
    let state = |(index, given): (usize, &proto::State)| {
        let field = state_field(index);
        let Some(dtype) = dtype(given.data_type) else {
            let field = format!("{field}.data_type");
            return Err(ConfigError::field(field, "it must be given"));
        };
        let initial = match given.initial_state.as_slice() {
            [] => None,
            [initial] => {
                let field = format!("{field}.initial_state[0]");
                zeros(initial, (given, dtype), &field)?
            }
            several => {
                let field = format!("{field}.initial_state");
                let reason = format!("there are {}, and can be one", several.len());
                return Err(ConfigError::field(field, reason));
            }
        };
        let mut outputs = config.output.iter();
        Ok(State {
            input: given.input_name.as_str().into(),
            output: given.output_name.as_str().into(),
            initial,
            is_told: outputs.any(|output| output.name == given.output_name),
        })
    };
    given.map(state).collect()
}

/// What a sequence begins with, where that is zeros.
fn zeros(
    initial: &proto::InitialState,
    (state, dtype): (&proto::State, DType),
    field: &str,
) -> Result<Option<InitialState>, ConfigError> {
    let refuse =
        |name: &str, reason: String| Err(ConfigError::field(format!("{field}.{name}"), reason));
    if initial.data_type != state.data_type {
        let reason = format!("it must be that of the state, {dtype}");
        return refuse("data_type", reason);
    }
    let shape = match shape(initial) {
        Ok(shape) => shape,
        Err(reason) => return refuse("dims", reason),
    };
    let declared = state.dims.iter().map(|dim| usize::try_from(*dim).ok());
    let is_like = initial.dims.len() == state.dims.len()
        && shape
            .iter()
            .zip(declared)
            .all(|(extent, declared)| declared.is_none_or(|declared| declared == *extent));
    if !is_like {
        let reason = format!(
            "{:?} is not within those of the state, {:?}",
            initial.dims, state.dims
        );
        return refuse("dims", reason);
    }
    match &initial.state_data {
        // Whatever it is set to.
        Some(StateData::ZeroData(_)) => match Filling::Zeros.bytes(dtype, &shape) {
            Ok(bytes) => Ok(Some(InitialState {
                shape,
                bytes: bytes.into(),
            })),
            Err(reason) => refuse("dims", reason),
        },
        Some(StateData::DataFile(_)) => Ok(None),
        None => Err(ConfigError::field(
            field,
            "it says neither zero_data nor data_file",
        )),
    }
}

fn shape(initial: &proto::InitialState) -> Result<Shape, String> {
    let extents = initial.dims.iter().map(|dim| {
        let extent = usize::try_from(*dim).ok().filter(|extent| *extent > 0);
        extent.ok_or_else(|| format!("{dim} is no extent of what a sequence begins with"))
    });
    extents.collect::<Result<Vec<_>, _>>().map(Shape::new)
}

/// Makes sure that all that is to be filled in can be for a model of this signature, and reads what sequences begin with
/// from files of the model's folder.
pub(crate) fn fit_sequences(
    config: &ModelConfig,
    policy: &mut SequencePolicy,
    (signature, folder): (&Signature, Option<&Path>),
) -> Result<(), ConfigError> {
    let Some(sequence) = of(config) else {
        return Ok(());
    };
    let folder = folder.map(|folder| folder.join(FOLDER));
    let given = sequence.state.iter().zip(&mut policy.states);
    for (index, (given, state)) in given.enumerate() {
        if let Some(initial) = given.initial_state.first()
            && let Some(StateData::DataFile(name)) = &initial.state_data
        {
            let content = content(initial, name, folder.as_deref()).map_err(|reason| {
                let field = format!("{}.initial_state[0].data_file", state_field(index));
                ConfigError::field(field, reason)
            })?;
            state.initial = Some(content);
        }
    }
    let checked = policy.check(signature, config.max_batch_size > 0);
    checked.map_err(|fault| told(fault, sequence))
}

/// What a file holds that sequences begin with.
fn content(
    initial: &proto::InitialState,
    name: &str,
    folder: Option<&Path>,
) -> Result<InitialState, String> {
    let shape = shape(initial)?;
    let Some(dtype) = dtype(initial.data_type) else {
        return Err("of which type it is must be given".to_owned());
    };
    let limit = Filling::most_bytes(dtype, &shape)?;
    let bytes = read(folder, name, u64::try_from(limit).unwrap_or(u64::MAX))?;
    let text = |error: nav_package_format::ShapeError| error.to_string();
    match shape.byte_size(dtype).map_err(text)? {
        Some(size) if size != bytes.len() => {
            return Err(format!("`{name}` has {} bytes, not {size}", bytes.len()));
        }
        Some(_) => {}
        None => {
            let count = shape.element_count().map_err(text)?;
            strings::check(&bytes, count).map_err(|error| error.to_string())?;
        }
    }
    let bytes = Bytes::from(bytes);
    Ok(InitialState { shape, bytes })
}

/// A fault that the engine finds, with its field.
fn told(fault: SequenceFault, sequence: &ModelSequenceBatching) -> ConfigError {
    let field = match (fault.tensor, fault.part) {
        (SequenceTensor::Control(index), SequencePart::Type) => {
            let given = sequence.control_input.get(index);
            given.map_or_else(|| control_field(index), |given| type_field(index, given))
        }
        (SequenceTensor::Control(index), SequencePart::Kind) => {
            format!("{}.control[0].kind", control_field(index))
        }
        (SequenceTensor::Control(index), _) => format!("{}.name", control_field(index)),
        (SequenceTensor::State(index), part) => {
            let name = match part {
                SequencePart::Input | SequencePart::Kind => "input_name",
                SequencePart::Output => "output_name",
                SequencePart::Type => "data_type",
                SequencePart::Initial => "initial_state",
            };
            format!("{}.{name}", state_field(index))
        }
    };
    ConfigError::field(field, fault.reason)
}

#[cfg(test)]
mod tests;
