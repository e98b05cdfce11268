//! Models that remember, that have an input to leave out, that ask others.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use nav_engine::{Call, CorrelationId, EnsembleSpec, EnsembleStep, ModelSpec};
use nav_package_format::{DType, Signature, TensorSpec};

use super::{each, facts, floats, integers, one, output, sequences, single, spec};

/// The sum so far of each sequence.
pub(super) fn seqsum() -> ModelSpec {
    let sums: Mutex<HashMap<CorrelationId, i32>> = Mutex::default();
    let add = move |call: &Call| {
        let part = call.correlation().unwrap();
        let mut sums = sums.lock().unwrap();
        let sum = sums.entry(part.id.clone()).or_default();
        if part.start {
            *sum = 0;
        }
        *sum += integers(call, 0)[0];
        let desc = &call.input(0).unwrap().desc;
        let told = output(
            0,
            DType::Int32,
            desc.shape.clone(),
            sum.to_le_bytes().to_vec(),
        );
        Ok(nav_engine::Response::new([told]))
    };
    each(one(DType::Int32, &[-1, 1]), sequences(), add)
}

/// The input with a bias, which is 10 unless it is given.
pub(super) fn optional() -> ModelSpec {
    let mut signature: Signature = one(DType::Fp32, &[-1, 2]);
    signature.inputs.push(TensorSpec {
        optional: true,
        ..spec("BIAS", DType::Fp32, &[-1, 1])
    });
    let add = |call: &Call| {
        let bias = floats(call, 1).map_or(10.0, |bias| bias[0]);
        super::plus(call, bias)
    };
    each(signature, single(8), add)
}

/// The same twice.
pub(super) fn ensemble() -> EnsembleSpec {
    let step = |from: &str, to: &str| EnsembleStep {
        model: "ident_fp32".to_owned(),
        version: None,
        inputs: vec![("INPUT0".to_owned(), from.to_owned())],
        outputs: vec![("OUTPUT0".to_owned(), to.to_owned())],
    };
    EnsembleSpec {
        signature: Signature {
            inputs: vec![spec("X", DType::Fp32, &[-1, -1])],
            outputs: vec![spec("Y", DType::Fp32, &[-1, -1])],
        },
        steps: vec![step("X", "mid"), step("mid", "Y")],
        max_batch: 8,
        about: Arc::new(facts("ensemble")),
        ..EnsembleSpec::default()
    }
}
