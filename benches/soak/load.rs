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
use crate::wire::PATIENCE;

/// How many requests a second, over each protocol.
const RATE: f64 = 10.0;

/// How long what is told together.
pub(crate) const WINDOW: Duration = Duration::from_secs(15);

/// The row that is asked for.
const ROW: Row = Row {
    model: "rows",
    ..IDENTITY
};

/// Latencies over the windows of one server. Of those that are over, only what is told is kept: there are many in a day.
#[derive(Debug, Default)]
pub(crate) struct Windows(Mutex<(Vec<Told>, usize, Latencies)>);

/// What is told of one window, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told {
    number: usize,
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

impl Windows {
    /// What there is to tell of each window that is over, from this one on.
    pub(crate) fn told(&self, first: usize) -> Vec<Told> {
        let windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let told = windows.0.iter().filter(|it| it.number >= first);
        told.copied().collect()
    }

    fn add(&self, number: usize, latencies: &Latencies) {
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (told, current, all) = &mut *windows;
        if number > *current && all.count() > 0 {
            let at = |part| all.quantile(part).as_secs_f64() * 1e3;
            told.push(Told {
                number: *current,
                p50: at(0.5),
                p99: at(0.99),
            });
            *all = Latencies::default();
        }
        *current = number.max(*current);
        all.add(latencies);
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
        connections: 32,
    };
    let options = Options {
        check: asked.check,
        timeout: PATIENCE,
        // The rest of a window is for the last answers.
        ..Options::exactly(WINDOW.mul_f64(0.9))
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
