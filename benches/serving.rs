//! What the server's edges cost: requests to an identity over sockets, beside a handler that only echoes the body, both
//! asked in turns by the same client on the same cores. `cargo bench -p nav-benches --bench serving`.

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use nav_benches::percentile::{median, percentile};
use nav_benches::record::Record;
use nav_benches::{echo_edges, load, served};

/// Rounds of turns.
const ROUNDS: usize = 7;

/// How long each is asked in a turn.
const SLICE: Duration = Duration::from_millis(700);

/// How much of the rate of an echo the server must reach.
const BAR: f64 = 0.5;

/// The longest that nearly all requests may take that come one at a time, in microseconds.
const LATENCY: f64 = 300.0;

/// Asks an address with so many requests at a time; the latencies, in microseconds.
type Ask = fn(SocketAddr, usize, Duration) -> std::io::Result<Vec<f64>>;

fn main() -> Result<(), Box<dyn Error>> {
    let served = served::identity()?;
    let mut record = Record::new("serving");
    let edges: [(&str, Ask, SocketAddr, SocketAddr); 2] = [
        ("http", load::http, served.http, echo_edges::http()?),
        ("grpc", load::grpc, served.grpc, echo_edges::grpc()?),
    ];
    for (name, ask, ours, echo) in edges {
        for concurrency in [1, 16] {
            let (mut rates, mut ratios) = (Vec::new(), Vec::new());
            let mut latencies = Vec::new();
            for _ in 0..ROUNDS {
                let mut of_ours = ask(ours, concurrency, SLICE)?;
                let of_echo = ask(echo, concurrency, SLICE)?;
                let rate = per_second(of_ours.len());
                rates.push(rate);
                ratios.push(rate / per_second(of_echo.len()));
                latencies.append(&mut of_ours);
            }
            let at = format!("{name}, {concurrency} at a time");
            record.result(&format!("{at}, per second"), median(&mut rates));
            let ratio = median(&mut ratios);
            if concurrency == 1 {
                record.result(&format!("{at}, of an echo"), ratio);
                let p99 = percentile(&mut latencies, 0.99);
                record.bar(&format!("{at}, p99, us"), p99, LATENCY);
            } else {
                record.least(&format!("{at}, of an echo"), ratio, BAR);
            }
        }
    }
    Ok(record.print()?)
}

#[expect(clippy::cast_precision_loss, reason = "counts of requests are small")]
fn per_second(requests: usize) -> f64 {
    requests as f64 / SLICE.as_secs_f64()
}
