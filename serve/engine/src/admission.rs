//! Whether a request can be asked of a model: everything that can be known before it waits.
//!
//! What passes here can share a batch without being able to shift another request's elements.

use bytes::Bytes;
use nav_package_format::{DType, Signature};
use nav_runners::TensorDesc;
use nav_runners::input::{InputError, check_inputs};
use smallvec::SmallVec;

use crate::call::Call;
use crate::error::InferError;
use crate::options::ModelOptions;
use crate::request::{Frames, Input, Request, RequestFault, TensorKey};

/// The request as its model will see it.
pub(crate) fn admit(
    request: Request,
    signature: &Signature,
    options: &ModelOptions,
) -> Result<Call, InferError> {
    let (descs, frames) = resolve_inputs(request.inputs, signature)?;
    check_inputs(signature, &descs)?;
    for (desc, frames) in descs.iter().zip(&frames) {
        if desc.dtype == DType::Bytes {
            check_strings(desc, frames, signature)?;
        }
    }
    let rows = if options.max_batch == 0 {
        1
    } else {
        rows(&descs, signature, options.max_batch)?
    };
    Ok(Call {
        id: request.id,
        outputs: resolve_outputs(&request.outputs, signature)?,
        descs,
        frames,
        parameters: request.parameters,
        correlation: request.correlation,
        priority: options.level(request.priority),
        timeout: request.timeout,
        deadline: request.deadline,
        rows,
    })
}

type Inputs = (SmallVec<[TensorDesc; 2]>, SmallVec<[Frames; 2]>);

fn resolve_inputs(
    inputs: SmallVec<[Input; 2]>,
    signature: &Signature,
) -> Result<Inputs, InputError> {
    let mut resolved: SmallVec<[(usize, Input); 2]> = SmallVec::with_capacity(inputs.len());
    for input in inputs {
        let index = match &input.key {
            TensorKey::Index(index) => *index,
            TensorKey::Name(name) => match signature.input(name) {
                Some((index, _)) => index,
                None => {
                    return Err(InputError::Unknown {
                        name: name.as_ref().to_owned(),
                    });
                }
            },
        };
        resolved.push((index, input));
    }
    resolved.sort_by_key(|(index, _)| *index);
    let mut descs = SmallVec::with_capacity(resolved.len());
    let mut frames = SmallVec::with_capacity(resolved.len());
    for (index, input) in resolved {
        descs.push(TensorDesc {
            index,
            dtype: input.dtype,
            shape: input.shape,
            byte_size: input
                .frames
                .iter()
                .map(Bytes::len)
                .fold(0, usize::saturating_add),
        });
        frames.push(input.frames);
    }
    Ok((descs, frames))
}

fn resolve_outputs(
    keys: &[TensorKey],
    signature: &Signature,
) -> Result<SmallVec<[usize; 4]>, RequestFault> {
    let mut outputs = SmallVec::with_capacity(keys.len());
    for key in keys {
        let name = || key.to_string().into_boxed_str();
        let index = match key {
            TensorKey::Index(index) => {
                Some(*index).filter(|&index| index < signature.outputs.len())
            }
            TensorKey::Name(name) => signature.output(name).map(|(index, _)| index),
        };
        let index = index.ok_or_else(|| RequestFault::UnknownOutput { name: name() })?;
        if outputs.contains(&index) {
            return Err(RequestFault::DuplicateOutput { name: name() });
        }
        outputs.push(index);
    }
    Ok(outputs)
}

fn rows(descs: &[TensorDesc], signature: &Signature, limit: usize) -> Result<usize, RequestFault> {
    let mut expected = None;
    for desc in descs {
        let input = || {
            let spec = signature.inputs.get(desc.index);
            spec.map_or_else(Box::default, |spec| spec.name.as_str().into())
        };
        let Some(&rows) = desc.shape.first() else {
            return Err(RequestFault::NoBatchDimension { input: input() });
        };
        let expected = *expected.get_or_insert(rows);
        if rows != expected {
            return Err(RequestFault::RowsDiffer {
                input: input(),
                rows,
                expected,
            });
        }
    }
    // A request without inputs has nothing to say how many rows it wants, and gets one.
    let rows = expected.unwrap_or(1);
    if rows > limit {
        return Err(RequestFault::TooManyRows { rows, limit });
    }
    Ok(rows)
}

/// Whether byte strings are as many as the shape says. Otherwise those of one request could end up in
/// another's rows.
fn check_strings(
    desc: &TensorDesc,
    frames: &Frames,
    signature: &Signature,
) -> Result<(), InputError> {
    let name = || {
        let spec = signature.inputs.get(desc.index);
        spec.map(|spec| spec.name.clone()).unwrap_or_default()
    };
    let count = desc
        .shape
        .element_count()
        .map_err(|error| InputError::TooLarge {
            name: name(),
            found: error.shape,
        })?;
    let reason = match frames.as_slice() {
        [frame] => nav_package_format::strings::check(frame, count)
            .err()
            .map(|error| error.to_string()),
        frames => (count_strings(frames) != Some(count))
            .then(|| format!("there are not exactly {count} of them")),
    };
    match reason {
        Some(reason) => Err(InputError::Strings {
            name: name(),
            reason,
        }),
        None => Ok(()),
    }
}

/// How many byte strings lie in these pieces; `None` when the last one is not whole.
fn count_strings(frames: &[Bytes]) -> Option<usize> {
    let mut count = 0;
    let mut prefix = 0_u32;
    let mut prefix_bytes = 0_u32;
    let mut left = 0_usize;
    for frame in frames {
        let mut rest = frame.as_ref();
        while !rest.is_empty() {
            if left > 0 {
                let taken = left.min(rest.len());
                left -= taken;
                rest = rest.get(taken..)?;
                continue;
            }
            let (&byte, tail) = rest.split_first()?;
            prefix |= u32::from(byte) << (8 * prefix_bytes);
            prefix_bytes += 1;
            rest = tail;
            if prefix_bytes == 4 {
                count += 1;
                left = usize::try_from(prefix).ok()?;
                prefix = 0;
                prefix_bytes = 0;
            }
        }
    }
    (left == 0 && prefix_bytes == 0).then_some(count)
}

#[cfg(test)]
mod tests;
