//! A server of the models that the recorded exchanges were made with, for replaying them and for clients in other
//! languages.
//!
//! `cargo run -p nav-tests --bin test-server -- --port 8000 --grpc-port 8001 --metrics-port 8002`; a port that is left
//! out is any that is free. The addresses are printed when it answers; it ends when it is told to by a signal, or when
//! its input ends where that was asked for.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a program for tests, which says where it is and ends when it cannot go on"
)]
#![expect(
    dead_code,
    reason = "the models are those of the server's own tests, which use more of them"
)]

#[path = "../../serve/tests/it/models/mod.rs"]
mod models;

use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr};

use clap::Parser;
use nav_serve::{
    AccessPolicy, Endpoint, HeaderPattern, Log, LogFormat, LogSettings, Server, ServerOptions,
    SharedMemoryOptions, Stopper,
};

/// Serves the recorded models, as they were when the exchanges were recorded: clients load and unload models, share
/// memory, and may change all settings.
#[derive(Parser, Debug)]
struct Arguments {
    /// The port for HTTP.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// The port for gRPC.
    #[arg(long, default_value_t = 0)]
    grpc_port: u16,
    /// The port for metrics.
    #[arg(long, default_value_t = 0)]
    metrics_port: u16,
    /// End when standard input does.
    #[arg(long)]
    until_input_ends: bool,
}

fn main() {
    let arguments = Arguments::parse();
    let options = ServerOptions {
        http: Some(endpoint(arguments.port)),
        grpc: Some(endpoint(arguments.grpc_port)),
        metrics: Some(local(arguments.metrics_port)),
        signals: true,
        shared_memory: Some(SharedMemoryOptions::default()),
        ..ServerOptions::default()
    };
    let folder = models::recorded::folder();
    let repository = models::recorded::repository(folder.path());
    let log = Log::new(LogFormat::Text, LogSettings::default(), |line| {
        eprintln!("{line}");
    });
    let server = Server::bind_repository(repository, &log.unwrap(), options).unwrap();
    let http = server.http_address().unwrap().unwrap();
    let grpc = server.grpc_address().unwrap().unwrap();
    let metrics = server.metrics_address().unwrap().unwrap();
    if arguments.until_input_ends {
        stop_with_input(server.stopper());
    }
    server
        .run(|| println!("http {http}\ngrpc {grpc}\nmetrics {metrics}"))
        .unwrap();
}

fn local(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

fn endpoint(port: u16) -> Endpoint {
    Endpoint {
        access: AccessPolicy::default().managed(),
        forward: Some(HeaderPattern::new("^x-forwarded-").unwrap()),
        ..Endpoint::new(local(port))
    }
}

fn stop_with_input(stopper: Stopper) {
    let watch = move || {
        let mut input = Vec::new();
        // However it ends, there is nobody any more who wants the server.
        std::io::stdin().read_to_end(&mut input).ok();
        stopper.stop();
    };
    let thread = std::thread::Builder::new().name("input".to_owned());
    thread.spawn(watch).unwrap();
}
