//! Reads the declared types of values.

use std::io::{Read, Seek};

use super::take::Message;
use super::wire::{Field, Wire};
use crate::Dim;
use crate::onnx::element::ElementType;
use crate::onnx::error::OnnxError;
use crate::onnx::structure::{TensorType, ValueInfo, ValueType};

impl Message for ValueInfo {
    fn field<R: Read + Seek>(&mut self, field: Field, wire: &mut Wire<R>) -> Result<(), OnnxError> {
        match field.number {
            1 => wire.name(&mut self.name, field),
            2 => wire.merge(&mut self.kind, field),
            _ => wire.skip(field),
        }
    }
}

/// Fields of a type that say what kind of type it is.
mod kind {
    pub(super) const TENSOR: u32 = 1;
    pub(super) const SEQUENCE: u32 = 4;
    pub(super) const MAP: u32 = 5;
    pub(super) const OPAQUE: u32 = 7;
    pub(super) const SPARSE_TENSOR: u32 = 8;
    pub(super) const OPTIONAL: u32 = 9;
}

impl ValueType {
    /// An empty type of the kind that a field stands for; none when the field is none of them.
    fn of_field(number: u32) -> Option<Self> {
        Some(match number {
            kind::TENSOR => Self::Tensor(TensorType::default()),
            kind::SEQUENCE => Self::Sequence(Box::default()),
            kind::MAP => Self::Map {
                key: ElementType::default(),
                value: Box::default(),
            },
            kind::OPAQUE => Self::Opaque,
            kind::SPARSE_TENSOR => Self::SparseTensor(TensorType::default()),
            kind::OPTIONAL => Self::Optional(Box::default()),
            _ => return None,
        })
    }
}

impl Message for ValueType {
    fn field<R: Read + Seek>(&mut self, field: Field, wire: &mut Wire<R>) -> Result<(), OnnxError> {
        let Some(empty) = Self::of_field(field.number) else {
            return wire.skip(field);
        };
        // The kinds exclude each other: the same one again is merged, another one replaces it.
        if std::mem::discriminant(self) != std::mem::discriminant(&empty) {
            wire.charge(size_of::<Self>() as u64, field.offset)?;
            *self = empty;
        }
        match self {
            Self::Tensor(tensor) | Self::SparseTensor(tensor) => wire.merge(tensor, field),
            Self::Sequence(element) | Self::Optional(element) => {
                wire.each(field, |field, wire| match field.number {
                    1 => wire.merge(element.as_mut(), field),
                    _ => wire.skip(field),
                })
            }
            Self::Map { key, value } => wire.each(field, |field, wire| match field.number {
                1 => {
                    *key = ElementType(field.signed32()?);
                    Ok(())
                }
                2 => wire.merge(value.as_mut(), field),
                _ => wire.skip(field),
            }),
            Self::Opaque | Self::Undeclared => wire.skip(field),
        }
    }
}

impl Message for TensorType {
    fn field<R: Read + Seek>(&mut self, field: Field, wire: &mut Wire<R>) -> Result<(), OnnxError> {
        match field.number {
            1 => {
                self.element = ElementType(field.signed32()?);
                Ok(())
            }
            2 => {
                let dims = self.dims.get_or_insert_default();
                wire.each(field, |field, wire| match field.number {
                    1 => push_dim(dims, field, wire),
                    _ => wire.skip(field),
                })
            }
            _ => wire.skip(field),
        }
    }
}

fn push_dim<R: Read + Seek>(
    dims: &mut Vec<Dim>,
    field: Field,
    wire: &mut Wire<R>,
) -> Result<(), OnnxError> {
    wire.make_room(dims, field.offset)?;
    let mut dim = Dim::Unknown;
    wire.each(field, |field, wire| {
        match field.number {
            // Exporters write -1 for an extent that is open, and the runtimes read it so.
            1 => dim = usize::try_from(field.signed()?).map_or(Dim::Unknown, Dim::Fixed),
            2 => {
                let mut name = String::new();
                wire.name(&mut name, field)?;
                dim = if name.is_empty() {
                    Dim::Unknown
                } else {
                    Dim::Symbolic(name)
                };
            }
            _ => wire.skip(field)?,
        }
        Ok(())
    })?;
    dims.push(dim);
    Ok(())
}
