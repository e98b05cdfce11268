//! What is filled in for a model with sequences, and taken out of its answers: inputs that tell it which part of a sequence
//! a request is, and states that go from one request of a sequence to the next.
//!
//! Clients know none of these, so that they count the tensors of a model differently than the model itself. A call is in
//! their positions until it is completed, and a response until it is settled in those of the model.

use std::sync::Arc;

use nav_package_format::{Shape, Signature, TensorSpec};
use nav_runners::{Tensor, TensorDesc};
use smallvec::SmallVec;

use super::control::Control;
use super::fault::{SequenceFault, SequencePart};
use super::state::{InitialState, Kept, StateBudget, misfit};
use super::{ControlInput, SequencePolicy, State};
use crate::call::Call;
use crate::error::InferError;
use crate::request::{Correlation, CorrelationId, Frames, RequestFault};
use crate::response::Response;

/// What is filled in for a model.
#[derive(Debug)]
pub(crate) struct Extras {
    /// What clients send and get.
    for_clients: Signature,
    /// What can be given where the model itself is asked: all of it, and nothing must be that is filled in.
    for_model: Signature,
    /// The positions that the inputs of clients have in the model.
    inputs: Box<[usize]>,
    /// The positions that the outputs of clients have in the model.
    outputs: Box<[usize]>,
    controls: Box<[ControlPlace]>,
    states: Box<[StatePlace]>,
    has_batch: bool,
    budget: Arc<StateBudget>,
}

#[derive(Debug)]
struct ControlPlace {
    input: usize,
    control: Control,
}

#[derive(Debug)]
struct StatePlace {
    input: usize,
    output: usize,
    /// What the input takes.
    spec: TensorSpec,
    initial: InitialState,
}

/// What goes along with a request of a sequence, from its turn to its end.
#[derive(Debug)]
pub(crate) struct Carried {
    /// What the request before it left, and then what it leaves itself.
    pub(crate) kept: Option<Kept>,
    /// The outputs that whoever asked wants, in the positions of the model; all of them when there are none.
    asked: SmallVec<[usize; 4]>,
    rows: usize,
}

impl SequencePolicy {
    /// What clients send to a model of this signature, and get.
    pub fn for_clients(&self, model: &Signature) -> Signature {
        let is_sent = |spec: &&TensorSpec| !self.fills(&spec.name);
        let is_given = |spec: &&TensorSpec| !self.hides(&spec.name);
        Signature {
            inputs: model.inputs.iter().filter(is_sent).cloned().collect(),
            outputs: model.outputs.iter().filter(is_given).cloned().collect(),
        }
    }

    /// What can be given where such a model itself is asked, as requests to warm it up do: nothing that is filled in must
    /// be given.
    pub fn for_model(&self, model: &Signature) -> Signature {
        let inputs = model.inputs.iter().map(|spec| TensorSpec {
            optional: spec.optional || self.fills(&spec.name),
            ..spec.clone()
        });
        Signature {
            inputs: inputs.collect(),
            outputs: model.outputs.clone(),
        }
    }

    /// Whether this input is filled in.
    pub fn fills(&self, input: &str) -> bool {
        let mut controls = self.controls.iter().map(|it| &it.name);
        let mut states = self.states.iter().map(|it| &it.input);
        controls.any(|name| name.as_ref() == input) || states.any(|name| name.as_ref() == input)
    }

    /// Whether this output is kept from clients.
    fn hides(&self, output: &str) -> bool {
        let mut states = self.states.iter();
        states.any(|it| it.output.as_ref() == output && !it.is_told)
    }

    /// Whether all that is to be filled in can be, for a model of this signature with or without batches.
    pub fn check(&self, model: &Signature, has_batch: bool) -> Result<(), SequenceFault> {
        self.control_places(model, has_batch)?;
        self.state_places(model, has_batch)?;
        Ok(())
    }

    fn control_places(
        &self,
        model: &Signature,
        has_batch: bool,
    ) -> Result<Box<[ControlPlace]>, SequenceFault> {
        let place = |(index, given): (usize, &ControlInput)| {
            let refuse = |part, reason: String| Err(SequenceFault::control(index, part, reason));
            let earlier = self.controls.get(..index).unwrap_or_default();
            if earlier.iter().any(|it| it.name == given.name) {
                let reason = format!("`{}` is filled in twice", given.name);
                return refuse(SequencePart::Input, reason);
            }
            let kind = std::mem::discriminant(&given.control);
            let mut kinds = earlier.iter().map(|it| std::mem::discriminant(&it.control));
            if kinds.any(|it| it == kind) {
                return refuse(SequencePart::Kind, "it is told twice".to_owned());
            }
            let dtype = given.control.dtype();
            if !given.control.is_possible() {
                let reason = format!("the name of a sequence cannot be told in {dtype}");
                return refuse(SequencePart::Type, reason);
            }
            let Some((input, spec)) = model.input(&given.name) else {
                let reason = format!("the model has no input `{}`", given.name);
                return refuse(SequencePart::Input, reason);
            };
            if spec.dtype != dtype {
                let reason = format!("it is {dtype}, and input `{}` is {}", spec.name, spec.dtype);
                return refuse(SequencePart::Type, reason);
            }
            if !spec.admits(&one_each(has_batch.then_some(1))) {
                let (name, dims) = (&spec.name, spec.dims_text());
                let each = if has_batch { " for each row" } else { "" };
                let reason = format!("`{name}` is {dims}, and gets one element{each}");
                return refuse(SequencePart::Input, reason);
            }
            Ok(ControlPlace {
                input,
                control: given.control.clone(),
            })
        };
        self.controls.iter().enumerate().map(place).collect()
    }

    fn state_places(
        &self,
        model: &Signature,
        has_batch: bool,
    ) -> Result<Box<[StatePlace]>, SequenceFault> {
        let place = |(index, given): (usize, &State)| {
            let refuse = |part, reason: String| Err(SequenceFault::state(index, part, reason));
            let earlier = self.states.get(..index).unwrap_or_default();
            let is_control = self.controls.iter().any(|it| it.name == given.input);
            if is_control || earlier.iter().any(|it| it.input == given.input) {
                let reason = format!("`{}` is filled in twice", given.input);
                return refuse(SequencePart::Input, reason);
            }
            if earlier.iter().any(|it| it.output == given.output) {
                let reason = format!("`{}` is kept twice", given.output);
                return refuse(SequencePart::Output, reason);
            }
            let Some((input, spec)) = model.input(&given.input) else {
                let reason = format!("the model has no input `{}`", given.input);
                return refuse(SequencePart::Input, reason);
            };
            let Some((output, given_back)) = model.output(&given.output) else {
                let reason = format!("the model has no output `{}`", given.output);
                return refuse(SequencePart::Output, reason);
            };
            if given_back.dtype != spec.dtype {
                let reason = format!(
                    "input `{}` is {}, and output `{}` is {}",
                    spec.name, spec.dtype, given_back.name, given_back.dtype
                );
                return refuse(SequencePart::Type, reason);
            }
            let initial = match &given.initial {
                Some(initial) => Ok(initial.clone()),
                None => InitialState::zeros(spec, has_batch),
            };
            let initial = initial.and_then(|initial| {
                let desc = initial.desc((input, spec.dtype), has_batch.then_some(1));
                match misfit(spec, &desc.shape, (spec.dtype, &initial.bytes)) {
                    Some(reason) => Err(reason),
                    None => Ok(initial),
                }
            });
            let initial = initial
                .map_err(|reason| SequenceFault::state(index, SequencePart::Initial, reason))?;
            Ok(StatePlace {
                input,
                output,
                spec: spec.clone(),
                initial,
            })
        };
        self.states.iter().enumerate().map(place).collect()
    }
}

impl Extras {
    /// What is filled in for a model of this signature; none where that is nothing.
    pub(crate) fn new(
        policy: &SequencePolicy,
        model: &Signature,
        has_batch: bool,
        budget: &Arc<StateBudget>,
    ) -> Result<Option<Self>, SequenceFault> {
        if policy.controls.is_empty() && policy.states.is_empty() {
            return Ok(None);
        }
        let inputs = model.inputs.iter().enumerate();
        let inputs = inputs.filter(|(_, spec)| !policy.fills(&spec.name));
        let outputs = model.outputs.iter().enumerate();
        let outputs = outputs.filter(|(_, spec)| !policy.hides(&spec.name));
        Ok(Some(Self {
            for_clients: policy.for_clients(model),
            for_model: policy.for_model(model),
            inputs: inputs.map(|(position, _)| position).collect(),
            outputs: outputs.map(|(position, _)| position).collect(),
            controls: policy.control_places(model, has_batch)?,
            states: policy.state_places(model, has_batch)?,
            has_batch,
            budget: Arc::clone(budget),
        }))
    }

    /// What clients send and get.
    pub(crate) const fn for_clients(&self) -> &Signature {
        &self.for_clients
    }

    /// What can be given where the model itself is asked.
    pub(crate) const fn for_model(&self) -> &Signature {
        &self.for_model
    }

    /// Whether the model is told what a sequence is called.
    pub(crate) fn tells_names(&self) -> bool {
        let mut controls = self.controls.iter();
        controls.any(|place| matches!(place.control, Control::CorrelationId(_)))
    }

    /// Whether the model can be told what there is to tell of this.
    pub(crate) fn admit(&self, part: &Correlation) -> Result<(), RequestFault> {
        let mut controls = self.controls.iter();
        if controls.all(|place| place.control.can_tell(&part.id)) {
            return Ok(());
        }
        let id = part.id.clone();
        Err(RequestFault::SequenceNotNumbered { id })
    }

    /// Makes what the model takes of what a client sent, and of what the request before it left.
    pub(crate) fn complete(&self, call: &mut Call, kept: Option<Kept>) -> Box<Carried> {
        for desc in &mut call.descs {
            desc.index = self.inputs.get(desc.index).copied().unwrap_or(desc.index);
        }
        for output in &mut call.outputs {
            *output = self.outputs.get(*output).copied().unwrap_or(*output);
        }
        let asked = call.outputs.clone();
        if !asked.is_empty() {
            let states = self.states.iter().map(|place| place.output);
            call.outputs
                .extend(states.filter(|output| !asked.contains(output)));
        }
        self.fill(call, kept.as_ref());
        Box::new(Carried {
            kept,
            asked,
            rows: call.rows,
        })
    }

    /// A call that was completed, as it was before.
    pub(crate) fn sent(&self, call: &Call, carried: &Carried) -> Call {
        let known = |places: &[usize], index: usize| places.binary_search(&index).ok();
        let mut sent = call.clone();
        (sent.descs, sent.frames) = call
            .inputs()
            .filter_map(|input| {
                let index = known(&self.inputs, input.desc.index)?;
                let desc = TensorDesc {
                    index,
                    ..input.desc.clone()
                };
                Some((desc, input.frames.clone()))
            })
            .unzip();
        let asked = carried.asked.iter();
        sent.outputs = asked
            .filter_map(|&index| known(&self.outputs, index))
            .collect();
        sent
    }

    /// Adds every input that is filled in and not given. What belongs to no sequence is one of its own.
    pub(crate) fn fill(&self, call: &mut Call, kept: Option<&Kept>) {
        let rows = self.has_batch.then_some(call.rows);
        let alone = Correlation {
            id: CorrelationId::Number(0),
            start: true,
            end: true,
            owner: None,
        };
        for place in &self.controls {
            let part = call.correlation.as_ref().unwrap_or(&alone);
            let element = place.control.element(part);
            let desc = TensorDesc {
                index: place.input,
                dtype: place.control.dtype(),
                shape: one_each(rows),
                byte_size: element.len().saturating_mul(rows.unwrap_or(1)),
            };
            let frames = std::iter::repeat_n(element, rows.unwrap_or(1));
            add(call, desc, frames.collect());
        }
        for (state, place) in self.states.iter().enumerate() {
            let (desc, frames) = match kept.and_then(|kept| kept.get(state)) {
                Some(tensor) => (
                    tensor.desc.clone(),
                    std::iter::once(tensor.bytes.clone()).collect(),
                ),
                None => (
                    place.initial.desc((place.input, place.spec.dtype), rows),
                    place.initial.frames(rows),
                ),
            };
            add(call, desc, frames);
        }
    }

    /// Takes out of a response what is kept for the next request, and makes what is left what clients know. Without room
    /// for it, or if it cannot be what the next request takes, what was kept stays.
    pub(crate) fn settle(
        &self,
        carried: &mut Carried,
        response: &mut Response,
    ) -> Result<(), InferError> {
        if !self.states.is_empty() {
            let states = self.states.iter();
            let tensors = states.map(|place| place.left(response, self.rows(carried)));
            let tensors = tensors.collect::<Result<_, _>>()?;
            let kept = carried.kept.get_or_insert_default();
            if !kept.replace(tensors, &self.budget) {
                let limit = self.budget.limit();
                return Err(InferError::TooMuchState { limit });
            }
        }
        let asked = &carried.asked;
        response.outputs.retain(|tensor| {
            let index = tensor.desc.index;
            let Ok(known) = self.outputs.binary_search(&index) else {
                return false;
            };
            tensor.desc.index = known;
            asked.is_empty() || asked.contains(&index)
        });
        Ok(())
    }

    fn rows(&self, carried: &Carried) -> Option<usize> {
        self.has_batch.then_some(carried.rows)
    }
}

impl StatePlace {
    /// What a response leaves for the next request, as its input.
    fn left(&self, response: &Response, rows: Option<usize>) -> Result<Option<Tensor>, InferError> {
        let Some(Tensor { desc, bytes }) = response.output(self.output) else {
            return Ok(None);
        };
        let is_of_rows = rows.is_none_or(|rows| desc.shape.first() == Some(&rows));
        let reason = if is_of_rows {
            misfit(&self.spec, &desc.shape, (desc.dtype, bytes))
        } else {
            let rows = rows.unwrap_or_default();
            Some(format!("its shape is {}, for {rows} rows", desc.shape))
        };
        if let Some(reason) = reason {
            let input = self.spec.name.as_str().into();
            let reason = reason.into();
            return Err(InferError::State { input, reason });
        }
        let desc = TensorDesc {
            index: self.input,
            ..desc.clone()
        };
        let bytes = bytes.clone();
        Ok(Some(Tensor { desc, bytes }))
    }
}

/// Puts an input where it belongs, unless it is there.
fn add(call: &mut Call, desc: TensorDesc, frames: Frames) {
    let mut before = call.descs.iter().map(|desc| desc.index);
    let found = before.position(|index| index >= desc.index);
    let place = found.unwrap_or(call.descs.len());
    let is_given = call
        .descs
        .get(place)
        .is_some_and(|it| it.index == desc.index);
    if !is_given {
        call.descs.insert(place, desc);
        call.frames.insert(place, frames);
    }
}

/// One element for each row, where there are rows.
fn one_each(rows: Option<usize>) -> Shape {
    Shape::new(rows.into_iter().chain([1]))
}
