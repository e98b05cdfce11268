//! A server of functions bound to it, for clients in other languages: texts, every type, streams, failures, a cache.
//!
//! `cargo run -p nav-tests --bin bound-server`; ports are free ones unless the environment says otherwise. The addresses and the
//! token are printed when it answers; it ends by a signal, or when its input ends where that was asked for. The exit
//! code is 3 when a model said that it cannot go on.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a program for tests, which says where it is and ends when it cannot go on"
)]

mod models;

use std::io::Read;
use std::process::ExitCode;
use std::sync::Arc;

use nav_adapter::{Triton, TritonConfig, TritonError};

fn main() -> ExitCode {
    let config = TritonConfig {
        response_cache_byte_size: Some(1 << 20),
        ..TritonConfig::default()
    };
    let triton = Triton::builder(config).log(|line| eprintln!("{line}"));
    let triton = Arc::new(triton.build().unwrap());
    models::bind(&triton).unwrap();
    triton.run().unwrap();
    let addresses = [
        ("http", triton.http_address()),
        ("grpc", triton.grpc_address()),
    ];
    for (protocol, address) in addresses {
        println!("{protocol} {}", address.unwrap());
    }
    println!("token {}", triton.access_token());
    println!("metrics {}", triton.metrics_address().unwrap());
    if std::env::args().any(|it| it == "--until-input-ends") {
        stop_with_input(&triton);
    }
    match triton.serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error @ TritonError::Unrecoverable { .. }) => {
            eprintln!("{error}");
            ExitCode::from(3)
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn stop_with_input(triton: &Arc<Triton>) {
    let triton = Arc::clone(triton);
    let watch = move || {
        let mut input = Vec::new();
        // However it ends, there is nobody any more who wants the server.
        std::io::stdin().read_to_end(&mut input).ok();
        triton.stop().ok();
    };
    let thread = std::thread::Builder::new().name("input".to_owned());
    thread.spawn(watch).unwrap();
}
