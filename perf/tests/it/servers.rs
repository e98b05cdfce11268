//! Servers for tests: ours in this process, and sockets that say whatever a test wants.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::AtomicBool;
use std::thread::Builder;
use std::time::Duration;

use nav_engine::{
    Batch, Callable, Engine, EngineOptions, InferError, ModelOptions, ModelSpec, Response,
};
use nav_package_format::{DType, Dim, Shape, Signature, TensorData, TensorSpec};
use nav_perf::{Call, Level, Load, Options, Protocol, Target, measure};
use nav_runners::Tensor;
use nav_serve::{Log, Server, ServerOptions, Stopper, TlsOptions};

/// A server of ours, until this is dropped.
pub(crate) struct Served {
    pub(crate) http: SocketAddr,
    pub(crate) grpc: SocketAddr,
    pub(crate) engine: Engine,
    stopper: Stopper,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.stopper.stop();
    }
}

impl Served {
    /// Where it speaks this protocol.
    pub(crate) fn target(&self, protocol: Protocol) -> Target {
        let address = if protocol.is_grpc() {
            self.grpc
        } else {
            self.http
        };
        Target::at(address, protocol)
    }
}

/// Serves `x` as `y`, four numbers to a row; a row that begins with -1 fails.
pub(crate) fn identity() -> Served {
    identity_behind(None)
}

/// The same over encrypted connections, or plain ones.
pub(crate) fn identity_behind(tls: Option<&TlsOptions>) -> Served {
    let spec = |name: &str| TensorSpec {
        name: name.to_owned(),
        dtype: DType::Fp32,
        dims: Some(vec![Dim::Unknown, Dim::Unknown]),
        optional: false,
    };
    let signature = Signature {
        inputs: vec![spec("x")],
        outputs: vec![spec("y")],
    };
    let options = ModelOptions {
        decoupled: true,
        ..ModelOptions::default()
    };
    let talks = ModelSpec::new(Callable::shared(signature.clone(), talk), options);
    let spec = ModelSpec::new(Callable::shared(signature, echo), ModelOptions::batched(8));
    let engine = Engine::new(EngineOptions::default()).unwrap();
    engine.load("talks", 1, talks).unwrap();
    engine.load("identity", 1, spec).unwrap();
    let options = ServerOptions {
        metrics: None,
        ..ServerOptions::default()
    };
    let options = options.everywhere(|it| {
        it.address.set_port(0);
        it.tls = tls.cloned();
    });
    let server = Server::bind(engine.clone(), &Log::silent(), options).unwrap();
    let running = Served {
        http: server.http_address().unwrap().unwrap(),
        grpc: server.grpc_address().unwrap().unwrap(),
        engine,
        stopper: server.stopper(),
    };
    let thread = Builder::new().name("served".to_owned());
    thread.spawn(move || server.run(|| {})).unwrap();
    running
}

#[expect(clippy::unnecessary_wraps, reason = "it has the signature of a model")]
fn echo(batch: &mut Batch) -> Result<(), InferError> {
    let answers: Vec<Result<Response, InferError>> = batch
        .calls()
        .map(|call| {
            let outputs: Vec<Tensor> = call
                .inputs()
                .map(|input| Tensor {
                    desc: input.desc.clone(),
                    bytes: input.contiguous(),
                })
                .collect();
            let is_refused = outputs
                .iter()
                .any(|it| it.bytes.starts_with(&(-1.0_f32).to_le_bytes()));
            if is_refused {
                return Err(InferError::model("minus one"));
            }
            Ok(Response::new(outputs))
        })
        .collect();
    for (index, answer) in answers.into_iter().enumerate() {
        batch.answer(index, answer);
    }
    Ok(())
}

/// Answers `x` as often as it has numbers, then fails if the first is -1.
#[expect(clippy::unnecessary_wraps, reason = "it has the signature of a model")]
fn talk(batch: &mut Batch) -> Result<(), InferError> {
    let calls: Vec<nav_engine::Call> = batch.calls().cloned().collect();
    for (index, call) in calls.iter().enumerate() {
        let input = call.input(0).unwrap();
        let output = Tensor {
            desc: input.desc.clone(),
            bytes: input.contiguous(),
        };
        let fails = output.bytes.starts_with(&(-1.0_f32).to_le_bytes());
        let mut responder = batch.responder(index).unwrap();
        for _ in 0..output.bytes.len() / size_of::<f32>() {
            // Whoever has gone is told nothing more.
            responder.send(Ok(Response::new([output.clone()]))).ok();
        }
        if fails {
            responder.send(Err(InferError::model("minus one"))).ok();
        }
        responder.end();
    }
    Ok(())
}

/// Asks an identity for these numbers.
pub(crate) fn call(numbers: &[f32]) -> Call {
    let bytes = numbers.iter().flat_map(|it| it.to_le_bytes()).collect();
    let shape = Shape::from([1, numbers.len()]);
    Call {
        model: "identity".to_owned(),
        inputs: vec![(
            "x".to_owned(),
            TensorData::new(DType::Fp32, shape, bytes).unwrap(),
        )],
        expected: vec!["y".to_owned()],
        ..Call::default()
    }
}

/// A server whose every connection is dealt with by this, on a thread of its own.
pub(crate) fn scripted(
    serve: impl Fn(TcpStream) -> std::io::Result<()> + Clone + Send + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let accept = move || {
        for stream in listener.incoming().flatten() {
            let serve = serve.clone();
            // Clients that go away in the middle are no failure of the test.
            let dealt = move || serve(stream).ok();
            Builder::new()
                .name("scripted".to_owned())
                .spawn(dealt)
                .unwrap();
        }
    };
    Builder::new()
        .name("scripted".to_owned())
        .spawn(accept)
        .unwrap();
    address
}

/// Reads a request of HTTP to its end.
pub(crate) fn request(stream: &mut TcpStream) -> std::io::Result<()> {
    let mut bytes = Vec::new();
    let mut memory = [0; 4096];
    loop {
        let count = stream.read(&mut memory)?;
        if count == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        bytes.extend_from_slice(&memory[..count]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, _)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("Content-Length: "));
        let length: usize = length.map_or(0, |length| length.parse().unwrap());
        if bytes.len() >= head.len() + 4 + length {
            return Ok(());
        }
    }
}

/// Answers every request with this.
pub(crate) fn always(answer: &'static str) -> SocketAddr {
    scripted(move |mut stream| {
        loop {
            request(&mut stream)?;
            stream.write_all(answer.as_bytes())?;
        }
    })
}

/// An answer of this status with this body.
pub(crate) const RIGHT: &str = "HTTP/1.1 200 OK\r\nContent-Length: 71\r\n\r\n{\"outputs\":[{\"name\":\"y\",\"datatype\":\"FP32\",\"shape\":[1,1],\"data\":[1.0]}]}";

/// Measures so briefly that only what becomes of requests counts.
pub(crate) fn brief() -> Options {
    Options {
        timeout: Duration::from_secs(20),
        check: true,
        ..Options::exactly(Duration::from_millis(200))
    }
}

pub(crate) fn measured(target: &Target, calls: &[Call], load: Load, options: &Options) -> Level {
    measure(target, calls, load, options, &AtomicBool::new(false)).unwrap()
}
