//! A model in this process, asked without a socket: what a server adds is the difference.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use nav_engine::{
    Engine, ErrorKind, InferError, Parameter as EngineParameter, ReplyFuture, Request, Response,
    TensorKey,
};

use crate::call::{Call, Parameter};
use crate::describe::ServerSide;
use crate::drive::flow::Flow;
use crate::drive::talk::Reply;
use crate::failure::{Failed, Failure};

/// How often requests are looked at that may have taken too long.
const LOOK: Duration = Duration::from_millis(10);

/// A model of an engine of this process.
#[derive(Clone, Debug)]
pub struct InProcess {
    /// The engine.
    pub engine: Engine,
    /// The model.
    pub model: String,
}

/// One thread's requests to a model.
pub(crate) struct Replies<'a> {
    model: &'a InProcess,
    requests: &'a [Request],
    flow: Flow<'a>,
    slots: Vec<Option<(Instant, ReplyFuture)>>,
    wakers: Vec<Waker>,
    free: Vec<usize>,
    woken: Arc<Woken>,
    call: usize,
    under_way: usize,
    looked: Instant,
}

/// Which requests may have been answered.
#[derive(Debug)]
struct Woken {
    slots: Mutex<Vec<usize>>,
    thread: Thread,
}

/// Tells that one may have been.
struct Waking {
    slot: usize,
    woken: Arc<Woken>,
}

impl Wake for Waking {
    fn wake(self: Arc<Self>) {
        let slots = self.woken.slots.lock();
        slots
            .unwrap_or_else(PoisonError::into_inner)
            .push(self.slot);
        self.woken.thread.unpark();
    }
}

/// What the engine is asked for these calls.
pub(crate) fn requests(calls: &[Call]) -> Vec<Request> {
    calls.iter().map(request).collect()
}

/// What the engine did with a model so far.
pub fn statistics_of(model: &InProcess) -> ServerSide {
    let sides = model.engine.versions(&model.model).into_iter().map(|it| {
        let told = it.statistics();
        let time = |tally: nav_engine::Tally| Duration::from_nanos(tally.ns);
        ServerSide {
            succeeded: told.success.count,
            failed: told.fail.count,
            from_cache: told.cache_hit.count,
            rows: told.inference_count,
            runs: told.execution_count,
            whole: time(told.success),
            queue: time(told.queue),
            compute_input: time(told.compute_input),
            compute_infer: time(told.compute_infer),
            compute_output: time(told.compute_output),
        }
    });
    sides.sum()
}

fn request(call: &Call) -> Request {
    let mut request = Request::new();
    for (name, tensor) in &call.inputs {
        let bytes = Bytes::copy_from_slice(tensor.bytes());
        let shape = tensor.shape().clone();
        request = request.with_input(name.as_str(), tensor.dtype(), shape, bytes);
    }
    request.outputs = call
        .outputs
        .iter()
        .map(|name| TensorKey::from(name.as_str()))
        .collect();
    request.parameters = call
        .parameters
        .iter()
        .map(|(name, value)| (name.as_str().into(), parameter(value)))
        .collect();
    request
}

fn parameter(value: &Parameter) -> EngineParameter {
    match value {
        Parameter::Bool(value) => EngineParameter::Bool(*value),
        Parameter::Int(value) => EngineParameter::Int(*value),
        Parameter::Double(value) => EngineParameter::Double(*value),
        Parameter::Text(value) => EngineParameter::Text(value.as_str().into()),
    }
}

impl<'a> Replies<'a> {
    pub(crate) fn new(
        model: &'a InProcess,
        requests: &'a [Request],
        flow: Flow<'a>,
        most: usize,
    ) -> Self {
        let woken = Arc::new(Woken {
            slots: Mutex::default(),
            thread: std::thread::current(),
        });
        let waker = |slot| {
            Waker::from(Arc::new(Waking {
                slot,
                woken: Arc::clone(&woken),
            }))
        };
        Self {
            model,
            requests,
            flow,
            slots: (0..most).map(|_| None).collect(),
            wakers: (0..most).map(waker).collect(),
            free: (0..most).rev().collect(),
            woken,
            call: 0,
            under_way: 0,
            looked: Instant::now(),
        }
    }

    /// Asks until it is told to stop, then waits for what is under way.
    pub(crate) fn run(mut self) {
        loop {
            let now = Instant::now();
            if !self.flow.turn(now, self.under_way) {
                break;
            }
            self.begin_due();
            let slots = self.woken.slots.lock();
            let woken = std::mem::take(&mut *slots.unwrap_or_else(PoisonError::into_inner));
            for slot in &woken {
                self.look(*slot);
            }
            if now.saturating_duration_since(self.looked) >= LOOK {
                self.looked = now;
                (0..self.slots.len()).for_each(|slot| self.look(slot));
            }
            // A load that is refused at once is due again at once.
            let is_due = !self.free.is_empty() && !self.flow.is_open() && self.flow.is_going_on();
            if woken.is_empty() && !is_due {
                let until = self
                    .flow
                    .wake(!self.free.is_empty())
                    .min(self.looked + LOOK);
                std::thread::park_timeout(until.saturating_duration_since(Instant::now()));
            }
        }
        self.flow.finish(self.under_way);
    }

    fn begin_due(&mut self) {
        // Those that are refused at once would otherwise be all that is ever done.
        for _ in 0..self.slots.len() {
            let now = Instant::now();
            let Some(slot) = self.free.last().copied() else {
                if self.flow.is_open() && self.flow.is_due(now) {
                    self.flow.hold_back(now);
                }
                return;
            };
            let Some(due) = self.flow.next(now) else {
                return;
            };
            self.free.pop();
            let request = self.requests.get(self.call % self.requests.len().max(1));
            self.call = self.call.wrapping_add(1);
            let request = request.cloned().unwrap_or_default();
            let reply = self.model.engine.infer(&self.model.model, None, request);
            self.flow.sent(due, Instant::now());
            self.under_way += 1;
            if let Some(place) = self.slots.get_mut(slot) {
                *place = Some((due, reply));
            }
            self.look(slot);
        }
    }

    /// Sees whether a request was answered.
    fn look(&mut self, slot: usize) {
        let Some((place, waker)) = self.slots.get_mut(slot).zip(self.wakers.get(slot)) else {
            return;
        };
        let Some((due, reply)) = place else {
            return;
        };
        let now = Instant::now();
        let reply = match Pin::new(reply).poll(&mut Context::from_waker(waker)) {
            Poll::Ready(result) => told(result),
            Poll::Pending if now.saturating_duration_since(*due) >= self.flow.timeout() => {
                Reply::failed(Failed::new(Failure::TimedOut, "while it was waited for"))
            }
            Poll::Pending => return,
        };
        let due = *due;
        *place = None;
        self.free.push(slot);
        self.under_way -= 1;
        self.flow.replied(reply, due, now);
    }
}

/// What a kind of failure is called.
const fn kind_name(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::InvalidInput => "invalid input",
        ErrorKind::NotFound => "not found",
        ErrorKind::NotReady => "not ready",
        ErrorKind::Overloaded => "overloaded",
        ErrorKind::DeadlineExceeded => "too late",
        ErrorKind::Cancelled => "cancelled",
        ErrorKind::Unsupported => "unsupported",
        ErrorKind::Internal => "internal error",
    }
}

fn told(result: Result<Response, InferError>) -> Reply {
    match result {
        Ok(_) => Reply::answered(),
        Err(error) => {
            let kind = Failure::Engine(kind_name(error.kind()));
            Reply::failed(Failed::new(kind, nav_engine::with_causes(&error)))
        }
    }
}
