//! Every model over every protocol, one to 64 requests at a time, each beside its ceiling in turns within one run: a
//! handler that only echoes the body where the model is a function of this program, and the bare loop over the runner where it
//! is not, in batches as large as requests there are. `cargo bench -p nav-benches --bench serving_table -- [MODEL...]`.

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use nav_benches::load::closed_calls;
use nav_benches::percentile::median;
use nav_benches::record::{Record, asked};
use nav_benches::suite::{self, Subject};
use nav_benches::{bare, echo_edges};
use nav_perf::{Latencies, Protocol};

/// Rounds of turns.
const ROUNDS: usize = 5;

/// How many requests at a time.
const AMOUNTS: &[usize] = &[1, 4, 16, 64];

/// Where echoes answer.
struct Echoes {
    http: SocketAddr,
    grpc: SocketAddr,
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    suite::write(folder.path())?;
    let suite = suite::serve(folder.path())?;
    let echoes = Echoes {
        http: echo_edges::http()?,
        grpc: echo_edges::grpc()?,
    };
    let mut record = Record::new("serving_table");
    for subject in suite.subjects.iter().filter(|it| asked(&it.call.model)) {
        for protocol in [Protocol::Http, Protocol::HttpJson, Protocol::Grpc] {
            let (ours, echo) = if protocol.is_grpc() {
                (suite.served.grpc, echoes.grpc)
            } else {
                (suite.served.http, echoes.http)
            };
            for &amount in AMOUNTS {
                let name = format!("{}, {}, {amount}", subject.call.model, protocol.name());
                let places = (ours, echo);
                let found = beside(subject, (protocol, amount), places)?;
                for (what, value) in found {
                    record.result(&format!("{name}, {what}"), value);
                }
            }
        }
    }
    Ok(record.print()?)
}

/// The rate, what it is of the ceiling's, and the 99th percentile in milliseconds.
fn beside(
    subject: &Subject,
    (protocol, amount): (Protocol, usize),
    (ours, echo): (SocketAddr, SocketAddr),
) -> Result<[(&'static str, f64); 3], Box<dyn Error>> {
    let calls = std::slice::from_ref(&subject.call);
    let slice = subject.slice;
    let (mut rates, mut ratios) = (Vec::new(), Vec::new());
    let mut latencies = Latencies::default();
    for _ in 0..ROUNDS {
        let level = closed_calls((ours, protocol), calls, amount, slice)?;
        let ceiling = match &subject.runner {
            None => closed_calls((echo, protocol), calls, amount, slice)?.throughput,
            Some((loaded, most)) => {
                let time = slice.min(Duration::from_secs(2));
                bare::rows_a_second(loaded, &subject.call.inputs, amount.min(*most), time)?
            }
        };
        rates.push(level.throughput);
        ratios.push(level.throughput / ceiling);
        latencies.add(&level.latencies);
    }
    let p99 = latencies.quantile(0.99).as_secs_f64() * 1e3;
    Ok([
        ("per second", median(&mut rates)),
        ("of the ceiling", median(&mut ratios)),
        ("p99 ms", p99),
    ])
}
