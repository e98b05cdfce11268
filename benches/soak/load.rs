//! The steady load that latencies are told of, over every protocol, by the generator of `nav perf`; and the same over a handler
//! that only echoes, which tells what the machine does to everybody.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use nav_benches::load::{IDENTITY, Row, call};
use nav_perf::{Arrivals, Call, Latencies, Load, Options, Protocol, Target, measure};

use crate::pace::Over;
use crate::server::Addresses;
use crate::tally::Tally;

/// How many requests a second, over each protocol.
const RATE: f64 = 10.0;

/// How long what is told together.
pub(crate) const WINDOW: Duration = Duration::from_secs(15);

/// The row that is asked for.
const ROW: Row = Row {
    model: "rows",
    ..IDENTITY
};

/// Latencies over the windows of one server, in milliseconds.
#[derive(Debug, Default)]
pub(crate) struct Windows(Mutex<Vec<(usize, Latencies)>>);

impl Windows {
    /// The percentile of each whole window, from this one on.
    pub(crate) fn quantiles(&self, part: f64, first: usize) -> Vec<f64> {
        let windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let windows = windows.iter().filter(|(window, _)| *window >= first);
        let times = windows.map(|(_, all)| all.quantile(part).as_secs_f64() * 1e3);
        times.collect()
    }

    fn add(&self, window: usize, latencies: &Latencies) {
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match windows.iter_mut().find(|(known, _)| *known == window) {
            Some((_, all)) => all.add(latencies),
            None => windows.push((window, latencies.clone())),
        }
    }
}

/// What a window is numbered by.
pub(crate) fn window(began: Instant) -> usize {
    usize::try_from(began.elapsed().as_secs() / WINDOW.as_secs()).unwrap_or_default()
}

/// The request of the load.
pub(crate) fn row() -> Result<Call, Box<dyn Error>> {
    let mut call = call(&ROW)?;
    call.expected = vec!["y".to_owned()];
    Ok(call)
}

/// Where a protocol is spoken.
pub(crate) const fn address(at: Addresses, protocol: Protocol) -> SocketAddr {
    if protocol.is_grpc() { at.grpc } else { at.http }
}

/// Who is asked, and whether with an eye on the answers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    pub(crate) address: SocketAddr,
    pub(crate) protocol: Protocol,
    pub(crate) check: bool,
}

/// Asks until it is over.
pub(crate) fn go_on(
    asked: Asked,
    call: &Call,
    (began, over): (Instant, &Over),
    (windows, tally): (&Windows, &Tally),
) {
    let target = Target::at(asked.address, asked.protocol);
    let load = Load::Open {
        rate: RATE,
        arrivals: Arrivals::Poisson,
        connections: 8,
    };
    let options = Options {
        check: asked.check,
        ..Options::exactly(WINDOW - Duration::from_secs(1))
    };
    let name = format!("load, {}", asked.protocol.name());
    let never = AtomicBool::new(false);
    while !over.wait_until(Instant::now()) {
        let number = window(began);
        match measure(&target, std::slice::from_ref(call), load, &options, &never) {
            Ok(level) => {
                let failed: u64 = level.failures.iter().map(|(_, tally)| tally.count).sum();
                let example = level
                    .failures
                    .first()
                    .map(|(_, tally)| tally.example.to_string());
                let answered = level.latencies.count();
                tally.add(&name, answered, example.map(|why| (failed, why)));
                windows.add(number, &level.latencies);
            }
            Err(error) => tally.note(&name, Err(error.to_string())),
        }
        // All of them begin a window together.
        let next = WINDOW * u32::try_from(number + 1).unwrap_or(u32::MAX);
        over.wait_until(began + next);
    }
}
