//! Handlers that only echo what they are sent, on the stacks that most servers are made of: the ceiling for ours.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;
use tonic::Status;
use tonic::body::Body;
use tonic::server::{Grpc, UnaryService};
use tonic_prost::ProstCodec;

/// The part of a request that travels back.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Echo {
    /// The model, or what it is called.
    #[prost(string, tag = "1")]
    pub model_name: String,
    /// The tensors of a request.
    #[prost(bytes = "bytes", repeated, tag = "7")]
    pub raw_input_contents: Vec<bytes::Bytes>,
}

#[derive(Clone, Copy)]
struct Echoes;

impl UnaryService<Echo> for Echoes {
    type Response = Echo;
    type Future = std::future::Ready<Result<tonic::Response<Echo>, Status>>;

    fn call(&mut self, request: tonic::Request<Echo>) -> Self::Future {
        std::future::ready(Ok(tonic::Response::new(request.into_inner())))
    }
}

/// A handler of axum that gives back the body.
pub fn http() -> io::Result<SocketAddr> {
    serve(|listener| async {
        let router = Router::new().fallback(post(|body: Bytes| async { body }));
        // It ends with the process.
        drop(axum::serve(listener, router).await);
    })
}

/// A service of tonic that gives back the message.
pub fn grpc() -> io::Result<SocketAddr> {
    serve(|listener| async move {
        while let Ok((stream, _)) = listener.accept().await {
            drop(stream.set_nodelay(true));
            let service = service_fn(answer);
            let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            tokio::spawn(builder.serve_connection(TokioIo::new(stream), service));
        }
    })
}

async fn answer(request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    let codec: ProstCodec<Echo, Echo> = ProstCodec::default();
    Ok(Grpc::new(codec).unary(Echoes, request.map(Body::new)).await)
}

/// Serves on two threads of its own, as our server does.
fn serve<F>(run: impl FnOnce(TcpListener) -> F + Send + 'static) -> io::Result<SocketAddr>
where
    F: Future<Output = ()>,
{
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let address = listener.local_addr()?;
    let thread = std::thread::Builder::new().name("echo".to_owned());
    // It ends with the process.
    drop(thread.spawn(move || runtime.block_on(run(listener)))?);
    Ok(address)
}
