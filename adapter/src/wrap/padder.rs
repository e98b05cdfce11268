//! Outputs of different extents, padded to the same.

use half::{bf16, f16};
use nav_package_format::{DType, Element, Shape};

use crate::array::Array;
use crate::callable::Outputs;
use crate::failure::Failure;

/// Pads outputs at the ends of their dimensions, but for that of the batch; with this value, or with empty texts.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ConstantPadder {
    value: f64,
}

impl ConstantPadder {
    /// Pads with this value.
    pub fn new(value: impl Into<f64>) -> Self {
        Self {
            value: value.into(),
        }
    }

    /// The outputs of several batches, with the same extents beyond their rows.
    pub(super) fn pad(self, given: Vec<Outputs>) -> Result<Vec<Outputs>, Failure> {
        let Some(first) = given.first() else {
            return Ok(given);
        };
        let count = first.iter().count();
        let labels: Vec<String> = (0..count).map(|position| first.label(position)).collect();
        let mut largest: Vec<Vec<usize>> = Vec::with_capacity(count);
        for (position, label) in labels.iter().enumerate() {
            let mut extents: Vec<usize> = Vec::new();
            for array in given.iter().filter_map(|it| it.at(position, label)) {
                let found = array.shape().get(1..).unwrap_or_default();
                if extents.is_empty() {
                    extents = found.to_vec();
                }
                if found.len() != extents.len() {
                    let text = format!("output `{label}` has more dimensions for some groups");
                    return Err(Failure::new(text));
                }
                for (most, found) in extents.iter_mut().zip(found) {
                    *most = (*most).max(*found);
                }
            }
            largest.push(extents);
        }
        let padded = given.iter().map(|outputs| {
            outputs.changed(|position, array| {
                let label = outputs.label(position);
                let known = labels.iter().position(|it| *it == label);
                match known.and_then(|known| largest.get(known)) {
                    Some(extents) => self.padded(array, extents),
                    None => Ok(array.clone()),
                }
            })
        });
        padded.collect()
    }

    fn padded(self, array: &Array, extents: &[usize]) -> Result<Array, Failure> {
        if array.shape().get(1..) == Some(extents) {
            return Ok(array.clone());
        }
        match array.dtype() {
            DType::Bool => filled(array, extents, self.value != 0.0),
            DType::Uint8 => filled(array, extents, self.integer::<u8>()?),
            DType::Uint16 => filled(array, extents, self.integer::<u16>()?),
            DType::Uint32 => filled(array, extents, self.integer::<u32>()?),
            DType::Uint64 => filled(array, extents, self.integer::<u64>()?),
            DType::Int8 => filled(array, extents, self.integer::<i8>()?),
            DType::Int16 => filled(array, extents, self.integer::<i16>()?),
            DType::Int32 => filled(array, extents, self.integer::<i32>()?),
            DType::Int64 => filled(array, extents, self.integer::<i64>()?),
            DType::Fp16 => filled(array, extents, f16::from_f64(self.value)),
            DType::Bf16 => filled(array, extents, bf16::from_f64(self.value)),
            #[expect(clippy::cast_possible_truncation, reason = "it is as near as there is")]
            DType::Fp32 => filled(array, extents, self.value as f32),
            DType::Fp64 => filled(array, extents, self.value),
            DType::Bytes => {
                let (shape, places) = places(array, extents);
                let mut strings: Vec<&[u8]> = vec![b""; shape.element_count()?];
                for (string, place) in array.byte_strings()?.into_iter().zip(places) {
                    if let Some(slot) = strings.get_mut(place) {
                        *slot = string;
                    }
                }
                Ok(Array::strings(shape, strings)?)
            }
        }
    }

    /// The value as a whole number of this type, if it is one.
    fn integer<T: TryFrom<i64>>(self) -> Result<T, Failure> {
        #[expect(clippy::cast_possible_truncation, reason = "only whole numbers pass")]
        let whole = self.value as i64;
        #[expect(
            clippy::cast_precision_loss,
            reason = "one that loses some does not pass"
        )]
        let is_whole = (whole as f64 - self.value).abs() == 0.0;
        let fitting = T::try_from(whole).ok().filter(|_| is_whole);
        fitting.ok_or_else(|| {
            let text = format!("an output cannot be padded with {}", self.value);
            Failure::new(text)
        })
    }
}

fn filled<E: Element>(array: &Array, extents: &[usize], value: E) -> Result<Array, Failure> {
    let (shape, places) = places(array, extents);
    let mut elements = vec![value; shape.element_count()?];
    for (element, place) in array.elements::<E>()?.iter().zip(places) {
        if let Some(slot) = elements.get_mut(place) {
            *slot = *element;
        }
    }
    Ok(Array::new(shape, elements)?)
}

/// The shape with these extents beyond the rows, and where in it each element of the array comes to lie.
fn places(array: &Array, extents: &[usize]) -> (Shape, Vec<usize>) {
    let shape = Shape::new(array.rows().into_iter().chain(extents.iter().copied()));
    let places = (0..array.len()).map(|element| {
        let mut rest = element;
        let mut place = 0;
        let mut stride = 1;
        for (old, new) in array.shape().iter().zip(shape.iter()).rev() {
            place += (rest % old) * stride;
            rest /= old;
            stride *= new;
        }
        place
    });
    let places = places.collect();
    (shape, places)
}
