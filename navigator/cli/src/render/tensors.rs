//! Tensors for people and for scripts.

use std::time::Duration;

use half::{bf16, f16};
use nav_package_format::{DType, Shape, TensorView};
use serde::Serialize;
use serde_json::{Value, json};

/// How many elements are shown to people.
const SHOWN: usize = 12;

/// A line for each tensor and its first elements.
pub(crate) fn tensors(tensors: &[(&str, TensorView<'_>)]) -> String {
    let lines: Vec<String> = tensors
        .iter()
        .map(|(name, tensor)| {
            let elements = elements(*tensor);
            let count = tensor.shape().element_count().unwrap_or_default();
            let shown: Vec<String> = elements
                .take(SHOWN)
                .map(|value| value.to_string())
                .collect();
            let more = if count > SHOWN {
                format!(", ... {count} in all")
            } else {
                String::new()
            };
            let (dtype, shape) = (tensor.dtype(), tensor.shape());
            format!("{name}: {dtype} {shape}\n  {}{more}", shown.join(", "))
        })
        .collect();
    lines.join("\n")
}

/// Outputs as scripts read them.
#[derive(Debug, Serialize)]
pub(crate) struct Outputs<'a> {
    schema: u32,
    outputs: Vec<Output<'a>>,
}

#[derive(Debug, Serialize)]
struct Output<'a> {
    name: &'a str,
    datatype: DType,
    shape: &'a Shape,
    data: Vec<Value>,
}

/// The version of the JSON that is printed.
const SCHEMA: u32 = 1;

/// The same in full, for scripts.
pub(crate) fn tensors_json<'a>(tensors: &[(&'a str, TensorView<'a>)]) -> Outputs<'a> {
    let outputs = tensors.iter().map(|&(name, tensor)| Output {
        name,
        datatype: tensor.dtype(),
        shape: tensor.shape(),
        data: elements(tensor).collect(),
    });
    Outputs {
        schema: SCHEMA,
        outputs: outputs.collect(),
    }
}

/// How long something took, in the unit that people would use.
pub(crate) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds >= 1.0 {
        format!("{seconds:.2} s")
    } else if seconds >= 1e-3 {
        format!("{:.1} ms", seconds * 1e3)
    } else {
        format!("{:.0} us", seconds * 1e6)
    }
}

fn elements<'a>(tensor: TensorView<'a>) -> Box<dyn Iterator<Item = Value> + 'a> {
    let bytes = tensor.bytes();
    match tensor.dtype() {
        DType::Bool => Box::new(bytes.iter().map(|&byte| Value::Bool(byte != 0))),
        DType::Uint8 => Box::new(numbers(bytes, u8::from_le_bytes)),
        DType::Uint16 => Box::new(numbers(bytes, u16::from_le_bytes)),
        DType::Uint32 => Box::new(numbers(bytes, u32::from_le_bytes)),
        DType::Uint64 => Box::new(numbers(bytes, u64::from_le_bytes)),
        DType::Int8 => Box::new(numbers(bytes, i8::from_le_bytes)),
        DType::Int16 => Box::new(numbers(bytes, i16::from_le_bytes)),
        DType::Int32 => Box::new(numbers(bytes, i32::from_le_bytes)),
        DType::Int64 => Box::new(numbers(bytes, i64::from_le_bytes)),
        DType::Fp16 => Box::new(floats(
            bytes,
            |b| f16::from_le_bytes(b).to_f64(),
            |b| f16::from_le_bytes(b).to_string(),
        )),
        DType::Bf16 => Box::new(floats(
            bytes,
            |b| bf16::from_le_bytes(b).to_f64(),
            |b| bf16::from_le_bytes(b).to_string(),
        )),
        DType::Fp32 => Box::new(floats(
            bytes,
            |b| f64::from(f32::from_le_bytes(b)),
            |b| f32::from_le_bytes(b).to_string(),
        )),
        DType::Fp64 => Box::new(floats(bytes, f64::from_le_bytes, |b| {
            f64::from_le_bytes(b).to_string()
        })),
        DType::Bytes => Box::new(
            tensor
                .strings()
                .map(|bytes| Value::String(String::from_utf8_lossy(bytes).into_owned())),
        ),
    }
}

fn numbers<const N: usize, T: Into<Value>>(
    bytes: &[u8],
    read: fn([u8; N]) -> T,
) -> impl Iterator<Item = Value> {
    let (elements, _) = bytes.as_chunks::<N>();
    elements.iter().map(move |&element| read(element).into())
}

/// Numbers in their own shortest form; JSON has none for what is not finite, which becomes text.
fn floats<const N: usize>(
    bytes: &[u8],
    read: fn([u8; N]) -> f64,
    shortest: fn([u8; N]) -> String,
) -> impl Iterator<Item = Value> {
    let (elements, _) = bytes.as_chunks::<N>();
    elements.iter().map(move |&element| {
        let text = shortest(element);
        let finite = read(element)
            .is_finite()
            .then(|| text.parse::<f64>().ok())
            .flatten();
        finite.map_or(Value::String(text), |number| json!(number))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_print_in_their_own_precision() {
        let shape = Shape::from([3]);
        let bytes: Vec<u8> = [0.1_f32, -2.0, f32::NAN]
            .iter()
            .flat_map(|number| number.to_le_bytes())
            .collect();
        let view = TensorView::new(DType::Fp32, &shape, &bytes).unwrap();
        assert_eq!(tensors(&[("y", view)]), "y: FP32 [3]\n  0.1, -2.0, \"NaN\"");
        let shape = Shape::from([2]);
        let bytes: Vec<u8> = [u64::MAX, 1]
            .iter()
            .flat_map(|number| number.to_le_bytes())
            .collect();
        let view = TensorView::new(DType::Uint64, &shape, &bytes).unwrap();
        assert_eq!(
            tensors_json(&[("n", view)]).outputs[0].data,
            [json!(u64::MAX), json!(1)]
        );
    }

    #[test]
    fn durations_are_told_in_the_unit_that_fits() {
        assert_eq!(duration(Duration::from_micros(250)), "250 us");
        assert_eq!(duration(Duration::from_micros(1500)), "1.5 ms");
        assert_eq!(duration(Duration::from_millis(2500)), "2.50 s");
    }
}
