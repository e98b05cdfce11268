//! Backends of the server's own, which need no file: for tests of clients and of what surrounds a server.

mod identity;
mod repeat;
mod square;

use std::time::{Duration, Instant};

use nav_engine::{Tensor, TensorDesc};
use nav_package_format::{DType, Dim, Shape, TensorSpec};

use super::open::{BackendFacts, OpenError, Opened, Wanted};

/// How a model of a backend is opened.
pub(crate) type Open = fn(&Wanted<'_>) -> Result<Opened, OpenError>;

/// A backend of the server's own.
pub(crate) struct BuiltIn {
    pub(crate) facts: BackendFacts,
    pub(crate) open: Open,
}

const fn built_in(name: &'static str, open: Open) -> BuiltIn {
    BuiltIn {
        facts: BackendFacts {
            name,
            platform: name,
            file: "",
        },
        open,
    }
}

/// All of them.
pub(crate) const BUILT_IN: &[BuiltIn] = &[
    built_in("identity", identity::open),
    built_in("repeat", repeat::open),
    built_in("square", square::open),
];

fn tensor(name: &str, dtype: DType, dim: Dim, optional: bool) -> TensorSpec {
    TensorSpec {
        name: name.to_owned(),
        dtype,
        dims: Some(vec![dim]),
        optional,
    }
}

/// An output of one element.
fn element(index: usize, dtype: DType, bytes: [u8; 4]) -> Tensor {
    Tensor {
        desc: TensorDesc {
            index,
            dtype,
            shape: Shape::from([1]),
            byte_size: bytes.len(),
        },
        bytes: bytes.to_vec().into(),
    }
}

/// Waits, in pieces, until the time is over or nobody waits for it any more.
fn pause(time: Duration, is_over: impl Fn() -> bool) {
    const PIECE: Duration = Duration::from_millis(10);
    let Some(until) = Instant::now().checked_add(time) else {
        return;
    };
    while !is_over() {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        // Nobody wakes it up: a client that goes away is noticed at the end of a piece.
        std::thread::park_timeout(left.min(PIECE));
    }
}

fn must_be_decoupled(wanted: &Wanted<'_>) -> Result<(), OpenError> {
    if !wanted.options.decoupled {
        let text =
            "it gives any number of responses: model_transaction_policy must have decoupled: true";
        return Err(OpenError::new(text));
    }
    if wanted.options.max_batch > 0 {
        return Err(OpenError::new(
            "it has no batches: max_batch_size must be 0",
        ));
    }
    Ok(())
}
