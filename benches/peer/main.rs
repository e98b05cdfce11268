//! Requests to models of ours and to the same models behind `PyTriton`, in turns by the same client on the same cores.
//!
//! Needs a Python with `nvidia-pytriton==0.7.0` and `onnxruntime`, which `NAV_PEER_PYTHON` names; without one there is
//! nobody to compare with, and that is said. `cargo bench -p nav-benches --bench peer -- [MODEL...]`.

mod peer;

use std::error::Error;
use std::net::SocketAddr;

use nav_benches::load::closed_calls;
use nav_benches::percentile::median;
use nav_benches::record::{Record, asked};
use nav_benches::served::Served;
use nav_benches::suite::{self, Subject};
use nav_perf::Protocol;

use self::peer::Peer;

/// Pairs of turns.
const ROUNDS: usize = 5;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    suite::write(folder.path())?;
    let mut record = Record::new("peer");
    let Some(peer) = Peer::start(folder.path())? else {
        record.result("there is no Python with PyTriton in NAV_PEER_PYTHON", 0.0);
        return Ok(record.print()?);
    };
    let suite = suite::serve(folder.path())?;
    for subject in suite.subjects.iter().filter(|it| asked(&it.call.model)) {
        for protocol in [Protocol::Http, Protocol::HttpJson, Protocol::Grpc] {
            let model = &*subject.call.model;
            if protocol == Protocol::HttpJson && model != "identity" {
                continue;
            }
            let most = if matches!(model, "identity" | "perceptron") {
                64
            } else {
                16
            };
            for concurrency in [1, 4, 16, 64].into_iter().filter(|it| *it <= most) {
                let asked = (subject, protocol, concurrency);
                compare(&mut record, asked, (&suite.served, &peer))?;
            }
        }
    }
    Ok(record.print()?)
}

fn compare(
    record: &mut Record,
    (subject, protocol, concurrency): (&Subject, Protocol, usize),
    (ours, peer): (&Served, &Peer),
) -> Result<(), Box<dyn Error>> {
    let place = |http: SocketAddr, grpc: SocketAddr| if protocol.is_grpc() { grpc } else { http };
    let ours = place(ours.http, ours.grpc);
    let theirs = place(peer.http, peer.grpc);
    let (mut rates, mut ratios, mut latencies) = (Vec::new(), Vec::new(), Vec::new());
    let calls = std::slice::from_ref(&subject.call);
    for _ in 0..ROUNDS {
        let one = closed_calls((ours, protocol), calls, concurrency, subject.slice)?;
        let other = closed_calls((theirs, protocol), calls, concurrency, subject.slice)?;
        rates.push(one.throughput);
        ratios.push(one.throughput / other.throughput);
        let p99 = |it: &nav_perf::Level| it.latencies.quantile(0.99).as_secs_f64();
        latencies.push(p99(&one) / p99(&other));
    }
    let name = format!(
        "{}, {}, {concurrency} at a time",
        subject.call.model,
        protocol.name()
    );
    record.result(&format!("{name}, per second"), median(&mut rates));
    record.result(&format!("{name}, times the peer"), median(&mut ratios));
    let part = median(&mut latencies);
    record.result(&format!("{name}, p99 of the peer's"), part);
    Ok(())
}
