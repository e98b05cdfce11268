//! A server of an identity of sixteen numbers, on free ports of this process.

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use nav_engine::{
    Batch, Callable, Engine, EngineOptions, InferError, ModelOptions, ModelSpec, Response,
};
use nav_package_format::{DType, Dim, Signature, TensorSpec};
use nav_runners::Tensor;
use nav_serve::{Log, Server, ServerOptions, Stopper};

/// Elements of a row.
pub const WIDTH: usize = 16;

/// A server that runs until this is dropped.
#[derive(Debug)]
pub struct Served {
    /// Where it answers over HTTP.
    pub http: SocketAddr,
    /// Where it answers over gRPC.
    pub grpc: SocketAddr,
    stopper: Stopper,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.stopper.stop();
    }
}

/// Serves `x` as `y`, in batches.
pub fn identity() -> Result<Served, Box<dyn Error>> {
    serve(echo, ModelOptions::batched(16))
}

/// The same, one request at a time, each of which takes this long.
pub fn slow(work: Duration) -> Result<Served, Box<dyn Error>> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the work is to take time, and no more"
    )]
    let run = move |batch: &mut Batch| {
        std::thread::sleep(work);
        echo(batch)
    };
    let options = ModelOptions {
        max_batch: 1,
        ..ModelOptions::default()
    };
    serve(run, options)
}

fn serve(
    run: impl Fn(&mut Batch) -> Result<(), InferError> + Send + Sync + 'static,
    model: ModelOptions,
) -> Result<Served, Box<dyn Error>> {
    let spec = |name: &str| TensorSpec {
        name: name.to_owned(),
        dtype: DType::Fp32,
        dims: Some(vec![Dim::Unknown, Dim::Fixed(WIDTH)]),
        optional: false,
    };
    let signature = Signature {
        inputs: vec![spec("x")],
        outputs: vec![spec("y")],
    };
    let spec = ModelSpec::new(Callable::shared(signature, run), model);
    models([("identity", spec)])
}

/// Serves these models.
pub fn models(
    models: impl IntoIterator<Item = (impl AsRef<str>, ModelSpec)>,
) -> Result<Served, Box<dyn Error>> {
    let engine = Engine::new(EngineOptions::default())?;
    for (name, spec) in models {
        engine.load(name.as_ref(), 1, spec)?;
    }
    let options = ServerOptions {
        metrics: None,
        ..ServerOptions::default()
    };
    let options = options.everywhere(|it| it.address.set_port(0));
    let server = Server::bind(engine, &Log::silent(), options)?;
    let http = server.http_address()?.ok_or("no port for HTTP")?;
    let grpc = server.grpc_address()?.ok_or("no port for gRPC")?;
    let stopper = server.stopper();
    let thread = std::thread::Builder::new().name("served".to_owned());
    // It ends with the process.
    drop(thread.spawn(move || server.run(|| {}))?);
    Ok(Served {
        http,
        grpc,
        stopper,
    })
}

/// Gives the inputs of each call back as its outputs.
pub fn echo(batch: &mut Batch) -> Result<(), InferError> {
    let answers: Vec<Response> = batch
        .calls()
        .map(|call| {
            Response::new(call.inputs().map(|input| Tensor {
                desc: input.desc.clone(),
                bytes: input.contiguous(),
            }))
        })
        .collect();
    for (index, answer) in answers.into_iter().enumerate() {
        batch.answer(index, Ok(answer));
    }
    Ok(())
}
