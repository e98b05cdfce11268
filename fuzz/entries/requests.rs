//! Requests to infer: any bytes as JSON with binary blocks behind it, as a raw tensor, as a request to generate and as
//! a message over gRPC are refused or answered.

use std::sync::LazyLock;

use nav_engine::{Batch, Callable, ModelOptions, ModelSpec, Response};
use nav_package_format::{DType, Dim, Signature, TensorSpec};
use nav_runners::Tensor;
use nav_serve::fuzzing::Target;

/// Inputs of every kind that is read in a way of its own, none of which must be there.
static TARGET: LazyLock<Target> = LazyLock::new(|| {
    let kinds = [
        ("f", DType::Fp32),
        ("h", DType::Fp16),
        ("i", DType::Int64),
        ("u", DType::Uint8),
        ("b", DType::Bool),
        ("s", DType::Bytes),
    ];
    let spec = |(name, dtype): (&str, DType)| TensorSpec {
        name: name.to_owned(),
        dtype,
        dims: Some(vec![Dim::Unknown]),
        optional: true,
    };
    let specs: Vec<TensorSpec> = kinds.into_iter().map(spec).collect();
    let signature = Signature {
        inputs: specs.clone(),
        outputs: specs,
    };
    let echo = |batch: &mut Batch| {
        let answers: Vec<Response> = batch
            .calls()
            .map(|call| {
                Response::new(call.inputs().map(|input| Tensor {
                    desc: input.desc.clone(),
                    bytes: input.contiguous(),
                }))
            })
            .collect();
        for (index, answer) in answers.into_iter().enumerate() {
            batch.answer(index, Ok(answer));
        }
        Ok(())
    };
    let spec = ModelSpec::new(Callable::shared(signature, echo), ModelOptions::default());
    Target::new(spec).expect("the model can be served")
});

/// Whether the bytes were taken for a request, and answered.
pub(crate) fn enter(bytes: &[u8]) -> bool {
    // The first byte says what the others are.
    let Some((kind, body)) = bytes.split_first() else {
        return false;
    };
    match kind % 4 {
        0 => TARGET.http(body.len(), body),
        1 => {
            let header = body.iter().position(|byte| *byte == 0).unwrap_or(0);
            TARGET.http(header, body)
        }
        2 => TARGET.generate(body),
        _ => TARGET.grpc(body),
    }
}
