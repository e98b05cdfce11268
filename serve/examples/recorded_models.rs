//! A server of the models that the recorded exchanges were made with, for clients in other languages.
//!
//! `cargo run -p nav-serve --example recorded_models -- HTTP_PORT GRPC_PORT METRICS_PORT`; a port that is left out is any
//! that is free. The addresses are printed when it answers; it ends when its input does, or is told to.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program for tests, which says where it is and ends when it cannot go on"
)]

#[path = "../tests/it/models/mod.rs"]
mod models;

use std::io::Read;

use nav_serve::{
    AccessPolicy, Log, LogFormat, LogSettings, Server, ServerOptions, SharedMemoryOptions,
};

fn main() {
    let mut ports = std::env::args().skip(1).map(|port| port.parse().unwrap());
    let mut port = || ports.next().unwrap_or(0);
    let log = Log::new(LogFormat::Text, LogSettings::default(), |_| {}).unwrap();
    let options = ServerOptions {
        http_port: port(),
        grpc_port: Some(port()),
        metrics_port: Some(port()),
        signals: true,
        access: AccessPolicy::default().managed(),
        shared_memory: Some(SharedMemoryOptions::default()),
        ..ServerOptions::default()
    };
    let server = Server::bind(models::engine(), &log, options).unwrap();
    let http = server.http_address().unwrap();
    let grpc = server.grpc_address().unwrap().unwrap();
    let metrics = server.metrics_address().unwrap().unwrap();
    let stopper = server.stopper();
    let watch = move || {
        let mut input = Vec::new();
        // However it ends, there is nobody any more who wants the server.
        std::io::stdin().read_to_end(&mut input).ok();
        stopper.stop();
    };
    std::thread::Builder::new()
        .name("input".to_owned())
        .spawn(watch)
        .unwrap();
    server
        .run(|| println!("http {http}\ngrpc {grpc}\nmetrics {metrics}"))
        .unwrap();
}
