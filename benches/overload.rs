//! What becomes of a server that is asked ten times as much as it can: how much of its best it still does, how long
//! those wait who are answered, and how soon the others know. `cargo bench -p nav-benches --bench overload`.

use std::error::Error;
use std::time::Duration;

use nav_benches::load::{self, Told};
use nav_benches::percentile::percentile;
use nav_benches::record::Record;
use nav_benches::served;

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
    let best = load::http(served.http, 8, SLICE)?;
    let best = rate(best.len());
    let told = load::open(served.http, best * FOLD, SLICE)?;
    let of = |status: u16| -> Vec<f64> {
        let told = told.iter().filter(|told| told.status == status);
        told.map(|told| told.milliseconds).collect()
    };
    let (mut answered, mut refused) = (of(200), of(503));
    let others = told.len() - answered.len() - refused.len();
    let last = told.iter().map(|told: &Told| told.at).fold(0.0, f64::max);
    let mut record = Record::new("overload");
    record.result("best, per second", best);
    record.result("asked, per second", rate(told.len()));
    record.result(
        "answered, per second",
        f64::from(u32::try_from(answered.len())?) / last,
    );
    record.result("answered, p50, ms", percentile(&mut answered, 0.5));
    record.result("answered, p99, ms", percentile(&mut answered, 0.99));
    record.result("refused, p50, ms", percentile(&mut refused, 0.5));
    record.result(
        "neither answered nor refused",
        f64::from(u32::try_from(others)?),
    );
    let retried = told
        .iter()
        .filter(|told| told.status == 503 && told.says_when);
    let retried = f64::from(u32::try_from(retried.count())?);
    record.least(
        "refused that say when to come back",
        retried / f64::from(u32::try_from(refused.len())?),
        1.0,
    );
    let goodput = f64::from(u32::try_from(answered.len())?) / last / best;
    record.least("answered, of the best", goodput, GOODPUT);
    record.bar("refused, p99, ms", percentile(&mut refused, 0.99), REFUSED);
    Ok(record.print()?)
}

#[expect(clippy::cast_precision_loss, reason = "counts of requests are small")]
fn rate(requests: usize) -> f64 {
    requests as f64 / SLICE.as_secs_f64()
}
