//! Tensors for suites, from plain Rust values.

use half::{bf16, f16};
use nav_package_format::onnx::build::Element;
use nav_package_format::{DType, Shape, TensorData, strings};

fn tensor(dtype: DType, shape: &[usize], bytes: Vec<u8>) -> TensorData {
    TensorData::new(dtype, Shape::from(shape), bytes).expect("a suite's own tensor is well-formed")
}

/// A tensor of numbers.
pub(crate) fn numbers<E: Element>(shape: &[usize], elements: &[E]) -> TensorData {
    let mut bytes = Vec::with_capacity(size_of_val(elements));
    for &element in elements {
        element.append(&mut bytes);
    }
    tensor(E::DTYPE, shape, bytes)
}

/// A tensor of truth values.
pub(crate) fn bools(shape: &[usize], elements: &[bool]) -> TensorData {
    let bytes = elements.iter().map(|&element| element.into()).collect();
    tensor(DType::Bool, shape, bytes)
}

/// A tensor in half precision.
pub(crate) fn halves(shape: &[usize], elements: &[f16]) -> TensorData {
    let bytes = elements.iter().flat_map(|element| element.to_le_bytes());
    tensor(DType::Fp16, shape, bytes.collect())
}

/// A tensor of brain floating point numbers.
pub(crate) fn brains(shape: &[usize], elements: &[bf16]) -> TensorData {
    let bytes = elements.iter().flat_map(|element| element.to_le_bytes());
    tensor(DType::Bf16, shape, bytes.collect())
}

/// A tensor of byte strings.
pub(crate) fn texts<S: AsRef<[u8]>>(shape: &[usize], elements: &[S]) -> TensorData {
    let bytes = strings::encode(elements).expect("a suite's own strings are short");
    tensor(DType::Bytes, shape, bytes)
}

/// Numbers between -1 and 1 without a pattern, the same in every run.
pub(crate) fn noise(count: usize) -> Vec<f32> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let upper = u16::try_from(state >> 16).unwrap_or_default();
        f32::from(upper) / 32_768.0 - 1.0
    };
    (0..count).map(|_| next()).collect()
}
