//! Models that remember, and that have an input to leave out.

use std::collections::HashMap;
use std::sync::Mutex;

use nav_engine::{Call, CorrelationId};
use nav_package_format::DType;

use super::{Answered, floats, integers, output, plus};

/// The sum so far of each sequence.
pub(super) fn seqsum() -> impl Fn(&Call) -> Answered + Send + Sync {
    let sums: Mutex<HashMap<CorrelationId, i32>> = Mutex::default();
    move |call: &Call| {
        let part = call.correlation().unwrap();
        let mut sums = sums.lock().unwrap();
        let sum = sums.entry(part.id.clone()).or_default();
        if part.start {
            *sum = 0;
        }
        *sum = sum.wrapping_add(integers(call, 0)[0]);
        let desc = &call.input(0).unwrap().desc;
        let told = output(
            0,
            DType::Int32,
            desc.shape.clone(),
            sum.to_le_bytes().to_vec(),
        );
        Ok(nav_engine::Response::new([told]))
    }
}

/// The input with a bias, which is 10 unless it is given.
pub(super) fn optional(call: &Call) -> Answered {
    let bias = floats(call, 1).map_or(10.0, |bias| bias[0]);
    plus(call, bias)
}
