//! Models bound to a server: what can be bound, what comes of what callables do, and the life of the server.

mod binding;
mod callables;
mod config;
mod decoupled;
mod life;
mod repository;
mod scheduling;
mod security;

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nav_adapter::{
    Array, DType, Environment, InferFunc, Inputs, Tensor, Triton, TritonBuilder, TritonConfig,
};
use nav_engine::{InferError, ReplyFuture};

/// How long a test waits for what must come. Only a broken server makes it wait for so long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Everything on a free port.
pub(crate) fn free_ports() -> TritonConfig {
    TritonConfig {
        http_port: Some(0),
        grpc_port: Some(0),
        metrics_port: Some(0),
        ..TritonConfig::default()
    }
}

/// A server that the environment says nothing of.
pub(crate) fn builder(config: TritonConfig) -> TritonBuilder {
    Triton::builder(config).environment(Environment::default())
}

pub(crate) fn triton() -> Triton {
    builder(free_ports()).build().unwrap()
}

/// `x`, rows of one number.
pub(crate) fn x() -> [Tensor; 1] {
    [Tensor::new(DType::Int32, [1]).named("x")]
}

/// `y`, rows of one number.
pub(crate) fn y() -> [Tensor; 1] {
    [Tensor::new(DType::Int32, [1]).named("y")]
}

/// Rows of one number each.
pub(crate) fn column(numbers: &[i32]) -> Array {
    Array::new([numbers.len(), 1], numbers).unwrap()
}

/// A request of these rows of one number.
pub(crate) fn request(rows: &[i32]) -> nav_engine::Request {
    let array = column(rows);
    let (shape, bytes) = (array.shape().clone(), array.bytes().clone());
    nav_engine::Request::new().with_input("x", array.dtype(), shape, bytes)
}

pub(crate) fn asked(triton: &Triton, model: &str, rows: &[i32]) -> ReplyFuture {
    triton.engine().unwrap().infer(model, None, request(rows))
}

/// The numbers of `y`, or the words of the error.
pub(crate) fn answer(reply: ReplyFuture) -> Result<Vec<i32>, String> {
    let answered = reply.wait_until(Instant::now() + PATIENCE);
    let response = answered.expect("there is no answer");
    let response = response.map_err(|error: InferError| error.to_string())?;
    let output = response.output(0).unwrap();
    let array = Array::of_bytes(
        output.desc.dtype,
        output.desc.shape.clone(),
        output.bytes.clone(),
    );
    Ok(array.unwrap().to_vec().unwrap())
}

pub(crate) fn ask(triton: &Triton, model: &str, rows: &[i32]) -> Result<Vec<i32>, String> {
    answer(asked(triton, model, rows))
}

/// `y` is `x` and 1 more.
pub(crate) fn more() -> impl Into<InferFunc> {
    nav_adapter::batch(|inputs: Inputs| Ok([("y", inputs.array("x")?.map(|it: i32| it + 1)?)]))
}

/// A callable that gives back `x`, but only when it is told to.
pub(crate) struct Gate {
    entered: Receiver<()>,
    go_on: Sender<()>,
}

impl Gate {
    pub(crate) fn new() -> (Self, impl Into<InferFunc>) {
        let (enter, entered) = channel();
        let (go_on, may_go_on) = channel();
        let may_go_on = Arc::new(Mutex::new(may_go_on));
        let infer = nav_adapter::batch(move |inputs: Inputs| {
            // A test that is over does not care any more.
            enter.send(()).ok();
            may_go_on.lock().unwrap().recv().ok();
            Ok([inputs.array("x")?.clone()])
        });
        (Self { entered, go_on }, infer)
    }

    /// Waits until it runs.
    pub(crate) fn entered(&self) {
        self.entered.recv_timeout(PATIENCE).unwrap();
    }

    /// Lets it finish.
    pub(crate) fn go_on(&self) {
        self.go_on.send(()).unwrap();
    }
}
