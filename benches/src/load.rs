//! What models of the benches are asked, by the generator that `nav perf` has.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use nav_package_format::{DType, Shape, TensorData};
use nav_perf::{Arrivals, Call, Level, Load, Options, Protocol, Target, measure};

use crate::served::WIDTH;

/// A row of numbers that a model is asked with.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The model.
    pub model: &'static str,
    /// Its input.
    pub input: &'static str,
    /// The extents of a row of it.
    pub extents: &'static [usize],
    /// The output that is wanted.
    pub output: &'static str,
}

/// Sixteen numbers for an identity.
pub const IDENTITY: Row = Row {
    model: "identity",
    input: "x",
    extents: &[WIDTH],
    output: "y",
};

/// The most connections of a load that comes whatever becomes of it.
const CONNECTIONS: usize = 8192;

/// Asks for this row with so many requests at a time, for this long. Every one must be a success; what an echo answers
/// is no answer of a model, so no more is asked of it.
pub fn closed(
    (address, protocol): (SocketAddr, Protocol),
    row: &Row,
    concurrency: usize,
    time: Duration,
) -> Result<Level, Box<dyn Error>> {
    closed_calls((address, protocol), &[call(row)?], concurrency, time)
}

/// The same for any requests, in turns.
pub fn closed_calls(
    (address, protocol): (SocketAddr, Protocol),
    calls: &[Call],
    concurrency: usize,
    time: Duration,
) -> Result<Level, Box<dyn Error>> {
    let load = Load::Closed { concurrency };
    let level = asked((address, protocol), calls, load, time)?;
    match level.failures.first() {
        None => Ok(level),
        Some((_, tally)) => Err(tally.example.to_string().into()),
    }
}

/// Asks for the identity so often a second over HTTP, for this long, and waits for all answers.
pub fn open(address: SocketAddr, rate: f64, time: Duration) -> Result<Level, Box<dyn Error>> {
    let load = Load::Open {
        rate,
        arrivals: Arrivals::Constant,
        connections: CONNECTIONS,
    };
    asked((address, Protocol::Http), &[call(&IDENTITY)?], load, time)
}

fn asked(
    (address, protocol): (SocketAddr, Protocol),
    calls: &[Call],
    load: Load,
    time: Duration,
) -> Result<Level, Box<dyn Error>> {
    let target = Target::at(address, protocol);
    let options = Options {
        check: false,
        ..Options::exactly(time)
    };
    let never = AtomicBool::new(false);
    Ok(measure(&target, calls, load, &options, &never)?)
}

/// The request for a row of zeros.
pub fn call(row: &Row) -> Result<Call, Box<dyn Error>> {
    zeros(row.model, (row.input, row.extents), row.output)
}

/// The request to a model for a row of zeros of these extents.
pub fn zeros(
    model: &str,
    (input, extents): (&str, &[usize]),
    output: &str,
) -> Result<Call, Box<dyn Error>> {
    let extents = std::iter::once(1).chain(extents.iter().copied());
    let shape = Shape::new(extents);
    let zeros = vec![0; shape.byte_size(DType::Fp32)?.unwrap_or_default()];
    Ok(Call {
        model: model.to_owned(),
        inputs: vec![(
            input.to_owned(),
            TensorData::new(DType::Fp32, shape, zeros)?,
        )],
        outputs: vec![output.to_owned()],
        ..Call::default()
    })
}
