//! A model that a test holds in its hand, and short ways to ask it.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use nav_engine::{
    Batch, Call, Callable, Engine, EngineOptions, InferError, ModelOptions, ModelSpec, ReplyFuture,
    Request, Response,
};
use nav_package_format::{DType, Dim, Signature, TensorSpec};
use nav_runners::Tensor;

/// How long a test waits for what must come. Only a broken engine makes it wait for so long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The name of the model.
pub(crate) const NAME: &str = "subject";

/// `x` and `y`, rows of bytes.
pub(crate) fn signature() -> Signature {
    let spec = |name: &str| TensorSpec {
        name: name.to_owned(),
        dtype: DType::Uint8,
        dims: Some(vec![Dim::Unknown, Dim::Unknown]),
        optional: false,
    };
    Signature {
        inputs: vec![spec("x")],
        outputs: vec![spec("y")],
    }
}

/// A request of these rows of one byte.
pub(crate) fn request(rows: &[u8]) -> Request {
    Request::new().with_input("x", DType::Uint8, [rows.len(), 1], rows.to_vec())
}

/// The bytes of a call.
pub(crate) fn bytes(call: &Call) -> Bytes {
    call.input(0).unwrap().contiguous()
}

/// What a model answers that gives back what it gets.
pub(crate) fn echo(call: &Call) -> Response {
    let input = call.input(0).unwrap();
    Response::new([Tensor {
        desc: input.desc.clone(),
        bytes: input.contiguous(),
    }])
}

/// Answers every call of a batch with its own input.
#[expect(clippy::unnecessary_wraps, reason = "it has the signature of a model")]
pub(crate) fn echo_all(batch: &mut Batch) -> Result<(), InferError> {
    let responses: Vec<Response> = batch.calls().map(echo).collect();
    for (index, response) in responses.into_iter().enumerate() {
        batch.answer(index, Ok(response));
    }
    Ok(())
}

/// The bytes of a response.
pub(crate) fn answer(reply: ReplyFuture) -> Result<Vec<u8>, InferError> {
    let waited = reply.wait_until(Instant::now() + PATIENCE);
    let response = waited.expect("there is no answer")?;
    Ok(response.output(0).unwrap().bytes.to_vec())
}

/// An engine.
pub(crate) fn engine() -> Engine {
    Engine::new(EngineOptions::default()).unwrap()
}

/// An engine with one model that is this function.
pub(crate) fn serving(
    options: ModelOptions,
    call: impl Fn(&mut Batch) -> Result<(), InferError> + Send + Sync + 'static,
) -> Engine {
    let engine = engine();
    engine.load(NAME, 1, spec(options, call)).unwrap();
    engine
}

/// A model that is this function.
pub(crate) fn spec(
    options: ModelOptions,
    call: impl Fn(&mut Batch) -> Result<(), InferError> + Send + Sync + 'static,
) -> ModelSpec {
    ModelSpec::new(Callable::shared(signature(), call), options)
}

/// A model that echoes, but only when it is told to.
pub(crate) struct Gate {
    entered: Receiver<Vec<Vec<u8>>>,
    go_on: Sender<()>,
}

impl Gate {
    /// The gate, and the model behind it.
    pub(crate) fn new() -> (
        Self,
        impl Fn(&mut Batch) -> Result<(), InferError> + Send + Sync,
    ) {
        let (enter, entered) = channel();
        let (go_on, may_go_on) = channel();
        let (enter, may_go_on) = (Mutex::new(enter), Mutex::new(may_go_on));
        let model = move |batch: &mut Batch| {
            let calls = batch.calls().map(|call| bytes(call).to_vec()).collect();
            // A test that is over does not care any more.
            let _told = enter.lock().unwrap().send(calls);
            let _gone = may_go_on.lock().unwrap().recv();
            echo_all(batch)
        };
        (Self { entered, go_on }, model)
    }

    /// Waits until a batch runs; the calls in it.
    pub(crate) fn entered(&self) -> Vec<Vec<u8>> {
        self.entered.recv_timeout(PATIENCE).unwrap()
    }

    /// Whether no batch runs that was not told of.
    pub(crate) fn is_quiet(&self) -> bool {
        self.entered.try_recv().is_err()
    }

    /// Lets a batch finish.
    pub(crate) fn go_on(&self) {
        self.go_on.send(()).unwrap();
    }
}

/// An engine with one model behind a gate, which is busy with a request of its own.
pub(crate) fn busy(options: ModelOptions) -> (Engine, Gate, ReplyFuture) {
    let (gate, model) = Gate::new();
    let engine = serving(options, model);
    let first = engine.infer(NAME, None, request(&[0]));
    assert_eq!(gate.entered(), [[0]]);
    (engine, gate, first)
}

/// A latch for things that happen on other threads.
pub(crate) fn shared<T>(value: T) -> Arc<Mutex<T>> {
    Arc::new(Mutex::new(value))
}
