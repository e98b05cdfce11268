//! How much a tensor's value must take, and whether it does. Checked arithmetic throughout.

use super::element::ElementType;
use super::error::OnnxError;
use super::proto::tensor_proto::DataType;
use super::structure::{Payload, SparseTensor, Tensor};

/// How many extents of an impossible shape an error repeats.
const SHOWN_DIMS: usize = 8;

impl Tensor {
    /// How many elements it has.
    pub fn element_count(&self) -> Result<u64, OnnxError> {
        count(&self.name, &self.dims)
    }

    /// How many bytes its value takes as little-endian elements; none for byte strings and unknown types.
    pub fn byte_size(&self) -> Result<Option<u64>, OnnxError> {
        let count = self.element_count()?;
        Ok(self.element.bits().map(|bits| packed(count, bits)))
    }
}

fn count(tensor: &str, dims: &[i64]) -> Result<u64, OnnxError> {
    let impossible = || OnnxError::ShapeOverflow {
        tensor: tensor.to_owned(),
        dims: dims.iter().copied().take(SHOWN_DIMS).collect(),
    };
    if dims.iter().any(|&extent| extent < 0) {
        return Err(impossible());
    }
    // An extent of 0 makes the count 0 whatever the others are, so it must win over an overflow.
    if dims.contains(&0) {
        return Ok(0);
    }
    let count = dims
        .iter()
        .try_fold(1_i64, |count, &extent| count.checked_mul(extent));
    count.map(i64::cast_unsigned).ok_or_else(impossible)
}

/// Bytes for `count` elements of `bits` each. A count is below 2^63, so elements of 16 bytes can overflow.
fn packed(count: u64, bits: u32) -> u64 {
    let bytes = (u128::from(count) * u128::from(bits)).div_ceil(8);
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

/// Checks that the whole of a sparse tensor has extents that can be. Its parts are tensors themselves.
pub(super) fn check_sparse(sparse: &SparseTensor) -> Result<(), OnnxError> {
    count(&sparse.values.name, &sparse.dims).map(drop)
}

/// Checks that the value of a tensor is where its type says, and as large as its shape says.
pub(super) fn check(tensor: &Tensor) -> Result<(), OnnxError> {
    let count = tensor.element_count()?;
    let payload = &tensor.payload;
    let fields = typed_fields(payload);
    if tensor.external {
        return if fields == [0; 6] && payload.raw.unwrap_or_default() == 0 {
            Ok(())
        } else {
            Err(wrong_field(tensor))
        };
    }
    let Some((own_field, per_element)) = field_of(tensor.element) else {
        // A type that is newer than this program: nothing is known about its value.
        return Ok(());
    };
    let elsewhere = fields
        .iter()
        .enumerate()
        .any(|(field, &found)| field != own_field && found > 0);
    let found = fields.get(own_field).copied().unwrap_or_default();
    if elsewhere || (payload.raw.is_some() && found > 0) {
        return Err(wrong_field(tensor));
    }
    if let (Some(raw), Some(bits)) = (payload.raw, tensor.element.bits()) {
        return expect(tensor, "bytes", packed(count, bits), raw);
    }
    if payload.raw.is_some() {
        return Err(wrong_field(tensor));
    }
    // Elements smaller than a byte share entries; some writers give each its own.
    match tensor.element.bits() {
        Some(bits) if bits < 8 && found == packed(count, bits) => Ok(()),
        _ => expect(tensor, "elements", count.saturating_mul(per_element), found),
    }
}

fn expect(tensor: &Tensor, unit: &'static str, expected: u64, found: u64) -> Result<(), OnnxError> {
    if expected == found {
        return Ok(());
    }
    Err(OnnxError::PayloadSize {
        tensor: tensor.name.clone(),
        unit,
        expected,
        found,
    })
}

fn wrong_field(tensor: &Tensor) -> OnnxError {
    OnnxError::PayloadField {
        tensor: tensor.name.clone(),
    }
}

const fn typed_fields(payload: &Payload) -> [u64; 6] {
    [
        payload.floats,
        payload.int32s,
        payload.strings,
        payload.int64s,
        payload.doubles,
        payload.uint64s,
    ]
}

/// Which of the typed fields holds elements of this type, and how many entries an element takes there.
fn field_of(element: ElementType) -> Option<(usize, u64)> {
    Some(match element.known()? {
        DataType::Undefined => return None,
        DataType::Float => (0, 1),
        DataType::Complex64 => (0, 2),
        DataType::String => (2, 1),
        DataType::Int64 => (3, 1),
        DataType::Double => (4, 1),
        DataType::Complex128 => (4, 2),
        DataType::Uint32 | DataType::Uint64 => (5, 1),
        _ => (1, 1),
    })
}
