//! What becomes of a server that is asked ten times as much as it can: how much of its best it still does, how long
//! those wait who are answered, and how soon the others know. `cargo bench -p nav-benches --bench overload`.

use std::error::Error;
use std::time::Duration;

use nav_benches::load::{IDENTITY, closed, open};
use nav_benches::record::Record;
use nav_benches::served;
use nav_perf::{Failure, Latencies, Protocol};

/// How long the model takes for a request, of which it does one at a time.
const WORK: Duration = Duration::from_millis(2);

/// How many times as much as it can the server is asked.
const FOLD: f64 = 10.0;

const SLICE: Duration = Duration::from_secs(3);

/// How much of its best the server must still do.
const GOODPUT: f64 = 0.9;

/// How soon nearly all know who are refused, in milliseconds.
const REFUSED: f64 = 50.0;

fn main() -> Result<(), Box<dyn Error>> {
    let served = served::slow(WORK)?;
    let best = closed((served.http, Protocol::Http), &IDENTITY, 8, SLICE)?;
    let best = best.throughput;
    let asked = open(served.http, best * FOLD, SLICE)?;
    let refused = asked
        .failures
        .iter()
        .find(|(kind, _)| *kind == Failure::Status(503));
    let (refused, says_when) = refused.map_or_else(Default::default, |(_, tally)| {
        (tally.latencies.clone(), tally.says_when)
    });
    let answered = &asked.latencies;
    let others = asked
        .sent
        .saturating_sub(answered.count() + refused.count());
    let last = asked.until_last.as_secs_f64();
    let goodput = count(answered.count())? / last;
    let mut record = Record::new("overload");
    record.result("best, per second", best);
    record.result(
        "asked, per second",
        count(asked.sent)? / SLICE.as_secs_f64(),
    );
    record.result("answered, per second", goodput);
    record.result("answered, p50, ms", milliseconds(answered, 0.5));
    record.result("answered, p99, ms", milliseconds(answered, 0.99));
    record.result("refused, p50, ms", milliseconds(&refused, 0.5));
    record.result("neither answered nor refused", count(others)?);
    record.least(
        "refused that say when to come back",
        count(says_when)? / count(refused.count())?,
        1.0,
    );
    record.least("answered, of the best", goodput / best, GOODPUT);
    record.bar("refused, p99, ms", milliseconds(&refused, 0.99), REFUSED);
    Ok(record.print()?)
}

fn count(requests: u64) -> Result<f64, std::num::TryFromIntError> {
    Ok(f64::from(u32::try_from(requests)?))
}

fn milliseconds(latencies: &Latencies, part: f64) -> f64 {
    latencies.quantile(part).as_secs_f64() * 1e3
}
