//! What the server's edges cost: requests to an identity over sockets, beside a handler that only echoes the body, both
//! asked in turns by the same client on the same cores. `cargo bench -p nav-benches --bench serving`.

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use nav_benches::load::{IDENTITY, closed};
use nav_benches::percentile::median;
use nav_benches::record::Record;
use nav_benches::{echo_edges, served};
use nav_perf::{Latencies, Protocol};

/// Rounds of turns.
const ROUNDS: usize = 7;

/// How long each is asked in a turn.
const SLICE: Duration = Duration::from_millis(700);

/// How much of the rate of an echo the server must reach.
const BAR: f64 = 0.5;

/// The longest that nearly all requests may take that come one at a time, in microseconds.
const LATENCY: f64 = 300.0;

fn main() -> Result<(), Box<dyn Error>> {
    let served = served::identity()?;
    let mut record = Record::new("serving");
    let edges: [(Protocol, SocketAddr, SocketAddr); 2] = [
        (Protocol::Http, served.http, echo_edges::http()?),
        (Protocol::Grpc, served.grpc, echo_edges::grpc()?),
    ];
    for (protocol, ours, echo) in edges {
        let name = protocol.name();
        for concurrency in [1, 16] {
            let (mut rates, mut ratios) = (Vec::new(), Vec::new());
            let mut latencies = Latencies::default();
            for _ in 0..ROUNDS {
                let of_ours = closed((ours, protocol), &IDENTITY, concurrency, SLICE)?;
                let of_echo = closed((echo, protocol), &IDENTITY, concurrency, SLICE)?;
                rates.push(of_ours.throughput);
                ratios.push(of_ours.throughput / of_echo.throughput);
                latencies.add(&of_ours.latencies);
            }
            let at = format!("{name}, {concurrency} at a time");
            record.result(&format!("{at}, per second"), median(&mut rates));
            let ratio = median(&mut ratios);
            if concurrency == 1 {
                record.result(&format!("{at}, of an echo"), ratio);
                let p99 = latencies.quantile(0.99).as_secs_f64() * 1e6;
                record.bar(&format!("{at}, p99, us"), p99, LATENCY);
            } else {
                record.least(&format!("{at}, of an echo"), ratio, BAR);
            }
        }
    }
    Ok(record.print()?)
}
