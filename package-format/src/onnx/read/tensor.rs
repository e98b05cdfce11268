//! Reads tensors without their values.

use std::io::{Read, Seek};

use super::take::Message;
use super::wire::{Field, Wire};
use crate::onnx::element::ElementType;
use crate::onnx::error::OnnxError;
use crate::onnx::proto::tensor_proto::DataLocation;
use crate::onnx::structure::{Entry, SparseTensor, Tensor};

impl Message for Tensor {
    fn field<R: Read + Seek>(&mut self, field: Field, wire: &mut Wire<R>) -> Result<(), OnnxError> {
        let payload = &mut self.payload;
        match field.number {
            1 => return wire.push_numbers(&mut self.dims, field),
            2 => self.element = ElementType(field.signed32()?),
            4 => payload.floats += wire.count_fixed(field, 4)?,
            5 => payload.int32s += wire.count_numbers(field)?,
            6 => {
                payload.strings += 1;
                payload.string_bytes += wire.count_bytes(field)?;
            }
            7 => payload.int64s += wire.count_numbers(field)?,
            8 => return wire.name(&mut self.name, field),
            9 => payload.raw = Some(wire.count_bytes(field)?),
            10 => payload.doubles += wire.count_fixed(field, 8)?,
            11 => payload.uint64s += wire.count_numbers(field)?,
            13 => return wire.push(&mut self.external_data, field),
            // Protobuf passes over values that an enumeration does not have.
            14 => match DataLocation::try_from(field.signed32()?) {
                Ok(location) => self.external = location == DataLocation::External,
                Err(_) => return Ok(()),
            },
            _ => return wire.skip(field),
        }
        Ok(())
    }
}

impl Message for SparseTensor {
    fn field<R: Read + Seek>(&mut self, field: Field, wire: &mut Wire<R>) -> Result<(), OnnxError> {
        match field.number {
            1 => wire.merge(&mut self.values, field),
            2 => wire.merge(&mut self.indices, field),
            3 => wire.push_numbers(&mut self.dims, field),
            _ => wire.skip(field),
        }
    }
}

impl Message for Entry {
    fn field<R: Read + Seek>(&mut self, field: Field, wire: &mut Wire<R>) -> Result<(), OnnxError> {
        match field.number {
            1 => wire.name(&mut self.key, field),
            2 => wire.long_text(&mut self.value, field),
            _ => wire.skip(field),
        }
    }
}
