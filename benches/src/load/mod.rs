//! Requests that come as fast as they are answered, on one thread.

mod grpc;
mod http;
mod open;

pub use grpc::grpc;
pub use http::{Row, http, http_rows};
pub use open::{Told, open};

use std::io;
use std::time::{Duration, Instant};

use tokio::task::LocalSet;

/// Latencies in microseconds of requests that so many tasks make one after the other, until time is over.
fn closed<F>(
    concurrency: usize,
    time: Duration,
    mut task: impl FnMut(Instant) -> F,
) -> io::Result<Vec<f64>>
where
    F: Future<Output = io::Result<Vec<f64>>> + 'static,
{
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let until = Instant::now() + time;
    let local = LocalSet::new();
    let tasks: Vec<_> = (0..concurrency)
        .map(|_| local.spawn_local(task(until)))
        .collect();
    let all = async {
        let mut latencies = Vec::new();
        for task in tasks {
            latencies.extend(task.await.map_err(io::Error::other)??);
        }
        Ok(latencies)
    };
    runtime.block_on(local.run_until(all))
}

fn microseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e6
}
