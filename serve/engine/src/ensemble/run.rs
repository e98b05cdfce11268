//! One request on its way through an ensemble. It moves on whichever thread answers a step.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nav_runners::{Tensor, TensorDesc};

use super::plan::{Plan, Step};
use crate::cache::CacheKey;
use crate::call::{Call, joined};
use crate::core::{Core, Entrance};
use crate::error::InferError;
use crate::limits::Permit;
use crate::model::Model;
use crate::reply::{Reply, Target, Ticket, Withdraw, Withdrawal};
use crate::request::{Frames, Input, Request, TensorKey};
use crate::response::Response;

/// A request under way.
struct Run {
    core: Arc<Core>,
    plan: Arc<Plan>,
    call: Call,
    arrived: Instant,
    state: Mutex<State>,
}

struct State {
    tensors: Vec<Known>,
    /// Steps that can be asked and were not yet.
    due: VecDeque<usize>,
    /// Steps that have no answer yet.
    left: usize,
    /// Whether a thread is asking for steps. Others leave theirs to it, so that no stack grows.
    is_asking: bool,
    /// None once it is answered.
    open: Option<Open>,
    /// How to take the steps back that were asked for.
    asked: Vec<Withdrawal>,
}

/// What an answer ends.
struct Open {
    reply: Reply,
    permit: Option<Permit>,
    keep: Option<(CacheKey, Duration)>,
}

/// What is known of a tensor.
#[derive(Clone)]
enum Known {
    /// Nobody has given it yet.
    NotYet,
    /// Whoever should give it has left it out.
    LeftOut,
    /// This.
    Value(Value),
}

/// A tensor between steps.
#[derive(Clone)]
struct Value {
    desc: TensorDesc,
    frames: Frames,
}

/// Begins a request whose inputs were checked. How it is taken back.
pub(crate) fn begin(core: &Arc<Core>, plan: &Arc<Plan>, entrance: Entrance) -> Withdrawal {
    let Entrance {
        call,
        reply,
        permit,
        keep,
        arrived,
    } = entrance;
    let mut tensors = vec![Known::NotYet; plan.tensors];
    for known in tensors.iter_mut().take(plan.signature.inputs.len()) {
        *known = Known::LeftOut;
    }
    for (desc, frames) in call.descs.iter().cloned().zip(call.frames.iter().cloned()) {
        if let Some(known) = tensors.get_mut(desc.index) {
            *known = Known::Value(Value { desc, frames });
        }
    }
    let run = Arc::new(Run {
        core: Arc::clone(core),
        plan: Arc::clone(plan),
        call,
        arrived,
        state: Mutex::new(State {
            tensors,
            due: VecDeque::new(),
            left: plan.steps.len(),
            is_asking: false,
            open: Some(Open {
                reply,
                permit,
                keep,
            }),
            asked: Vec::new(),
        }),
    });
    let mut state = run.state();
    let has_all = |step: &Step| step.inputs.iter().all(|&(_, it)| state.is_known(it));
    let due = plan.steps.iter().enumerate();
    let due: Vec<usize> = due
        .filter(|(_, step)| has_all(step))
        .map(|(it, _)| it)
        .collect();
    state.due.extend(due);
    drop(state);
    run.ask_due();
    Withdrawal {
        from: run,
        // There is only one request in it.
        ticket: Ticket { level: 0, place: 0 },
    }
}

impl State {
    fn value(&self, tensor: usize) -> Option<&Value> {
        match self.tensors.get(tensor)? {
            Known::Value(value) => Some(value),
            Known::NotYet | Known::LeftOut => None,
        }
    }

    fn is_known(&self, tensor: usize) -> bool {
        !matches!(self.tensors.get(tensor), Some(Known::NotYet))
    }
}

impl Run {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for every step that can be asked for, unless another thread is at it, or further up this one.
    fn ask_due(self: &Arc<Self>) {
        let mut state = self.state();
        if state.is_asking {
            return;
        }
        state.is_asking = true;
        while let Some(index) = state.due.pop_front() {
            let is_cancelled = state
                .open
                .as_ref()
                .is_none_or(|open| open.reply.is_cancelled());
            if is_cancelled {
                drop(state);
                self.finish(Err(InferError::Cancelled));
                state = self.state();
                continue;
            }
            let request = self
                .plan
                .steps
                .get(index)
                .map(|step| self.request(step, &state));
            drop(state);
            let asked = request.and_then(|request| self.ask(index, request));
            state = self.state();
            state.asked.extend(asked);
        }
        state.is_asking = false;
    }

    fn request(&self, step: &Step, state: &State) -> Request {
        let inputs = step.inputs.iter().filter_map(|(own, tensor)| {
            let value = state.value(*tensor)?;
            Some(Input {
                key: TensorKey::Name(own.clone()),
                dtype: value.desc.dtype,
                shape: value.desc.shape.clone(),
                frames: value.frames.clone(),
            })
        });
        let outputs = step.outputs.iter();
        Request {
            id: self.call.id.clone(),
            inputs: inputs.collect(),
            outputs: outputs
                .map(|(own, _)| TensorKey::Name(own.clone()))
                .collect(),
            parameters: self.call.parameters.clone(),
            priority: self.call.priority,
            timeout: self.call.timeout,
            deadline: self.call.deadline,
            correlation: self.call.correlation.clone(),
        }
    }

    fn ask(self: &Arc<Self>, index: usize, request: Request) -> Option<Withdrawal> {
        let step = self.plan.steps.get(index)?;
        let model = match self.core.step_model(&step.model, step.version) {
            Ok(model) => model,
            Err(error) => {
                self.finish(Err(error));
                return None;
            }
        };
        let run = Arc::clone(self);
        // The model must be there until its answer is: it is not kept alive by its own queue.
        let held = Arc::clone(&model);
        let answered = move |result| {
            run.answered(index, &held, result);
        };
        model
            .core()
            .enter_step(request, Target::Callback(Box::new(answered)))
    }

    /// Takes the answer to a step, and goes on with what that makes possible.
    fn answered(
        self: &Arc<Self>,
        index: usize,
        model: &Model,
        result: Result<Response, InferError>,
    ) {
        let response = match result {
            Ok(response) => response,
            Err(error) => return self.finish(Err(error)),
        };
        let Some(step) = self.plan.steps.get(index) else {
            return;
        };
        let mut state = self.state();
        for (own, tensor) in &step.outputs {
            let output = model
                .signature()
                .output(own)
                .and_then(|(it, _)| response.output(it));
            let value = output.map(|tensor| Value {
                frames: std::iter::once(tensor.bytes.clone()).collect(),
                desc: tensor.desc.clone(),
            });
            if let Some(known) = state.tensors.get_mut(*tensor) {
                *known = value.map_or(Known::LeftOut, Known::Value);
            }
        }
        let given = step.outputs.iter();
        let users = given
            .filter_map(|(_, tensor)| self.plan.users.get(*tensor))
            .flatten();
        let mut due: Vec<usize> = users
            .copied()
            .filter(|&user| {
                let step = self.plan.steps.get(user);
                step.is_some_and(|step| step.inputs.iter().all(|&(_, it)| state.is_known(it)))
            })
            .collect();
        due.sort_unstable();
        due.dedup();
        state.due.extend(due);
        state.left -= 1;
        let is_over = state.left == 0;
        let response = is_over.then(|| self.response(&state));
        drop(state);
        match response {
            Some(response) => self.finish(Ok(response)),
            None => self.ask_due(),
        }
    }

    fn response(&self, state: &State) -> Response {
        let outputs = self.plan.outputs.iter().enumerate();
        let wanted = outputs.filter(|(index, _)| self.call.wants(*index));
        Response::new(wanted.filter_map(|(index, tensor)| {
            let value = state.value(*tensor)?;
            let desc = TensorDesc {
                index,
                ..value.desc.clone()
            };
            let bytes = joined(&value.frames);
            Some(Tensor { desc, bytes })
        }))
    }

    /// Answers, once.
    fn finish(&self, result: Result<Response, InferError>) {
        let mut state = self.state();
        let Some(open) = state.open.take() else {
            return;
        };
        state.due.clear();
        let asked = std::mem::take(&mut state.asked);
        drop(state);
        if let Ok(response) = &result {
            self.core.keep_response(open.keep, &self.call, response);
        }
        self.core
            .recorder
            .ensemble(self.call.rows, result.as_ref().err(), self.arrived);
        drop(open.permit);
        let has_failed = result.is_err();
        open.reply.finish(result);
        if has_failed {
            // Nobody needs the other steps any more.
            for withdrawal in asked {
                withdrawal.withdraw();
            }
        }
    }
}

impl Withdraw for Run {
    fn withdraw(&self, _: Ticket) {
        self.finish(Err(InferError::Cancelled));
    }
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run")
            .field("call", &self.call)
            .finish_non_exhaustive()
    }
}
