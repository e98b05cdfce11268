//! Takes fields in: messages, names and numbers, each charged for before it is kept.

use std::io::{Read, Seek};

use super::wire::{Field, Value, Wire};
use crate::onnx::error::OnnxError;

/// What an allocation takes besides its bytes.
const ALLOCATION_OVERHEAD: u64 = 16;

/// A message that can be read field by field. Reading one twice merges, as protobuf demands.
pub(super) trait Message: Default {
    /// Takes in one field. Fields of no interest must be skipped.
    fn field<R: Read + Seek>(&mut self, field: Field, wire: &mut Wire<R>) -> Result<(), OnnxError>;
}

impl<R: Read + Seek> Wire<R> {
    /// Reads a message into one that may already hold something.
    pub(super) fn merge<M: Message>(
        &mut self,
        message: &mut M,
        field: Field,
    ) -> Result<(), OnnxError> {
        self.each(field, |field, wire| message.field(field, wire))
    }

    /// Reads a message into a place that may be empty.
    pub(super) fn merge_boxed<M: Message>(
        &mut self,
        message: &mut Option<Box<M>>,
        field: Field,
    ) -> Result<(), OnnxError> {
        if message.is_none() {
            self.charge(size_of::<M>() as u64, field.offset)?;
        }
        self.merge(message.get_or_insert_default().as_mut(), field)
    }

    /// Reads one more message of a list.
    pub(super) fn push<M: Message>(
        &mut self,
        list: &mut Vec<M>,
        field: Field,
    ) -> Result<(), OnnxError> {
        self.make_room(list, field.offset)?;
        let mut message = M::default();
        self.merge(&mut message, field)?;
        list.push(message);
        Ok(())
    }

    /// Reads a name.
    pub(in crate::onnx) fn name(
        &mut self,
        name: &mut String,
        field: Field,
    ) -> Result<(), OnnxError> {
        *name = self.text(field, self.limits.name_bytes)?;
        Ok(())
    }

    /// Reads one more name of a list.
    pub(super) fn push_name(
        &mut self,
        names: &mut Vec<String>,
        field: Field,
    ) -> Result<(), OnnxError> {
        self.make_room(names, field.offset)?;
        names.push(self.text(field, self.limits.name_bytes)?);
        Ok(())
    }

    /// Reads prose or settings.
    pub(super) fn long_text(&mut self, text: &mut String, field: Field) -> Result<(), OnnxError> {
        *text = self.text(field, self.limits.text_bytes)?;
        Ok(())
    }

    /// Reads whole numbers, packed or not.
    pub(super) fn push_numbers(
        &mut self,
        numbers: &mut Vec<i64>,
        field: Field,
    ) -> Result<(), OnnxError> {
        let end = match field.value {
            Value::Varint(value) => {
                self.make_room(numbers, field.offset)?;
                numbers.push(value.cast_signed());
                return Ok(());
            }
            Value::Span(end) => end,
            Value::Fixed32 | Value::Fixed64 => return Err(field.wrong()),
        };
        while self.offset < end {
            self.make_room(numbers, field.offset)?;
            numbers.push(self.varint(end)?.cast_signed());
        }
        Ok(())
    }

    /// Counts whole numbers, packed or not, without keeping them.
    pub(super) fn count_numbers(&mut self, field: Field) -> Result<u64, OnnxError> {
        let end = match field.value {
            Value::Varint(_) => return Ok(1),
            Value::Span(end) => end,
            Value::Fixed32 | Value::Fixed64 => return Err(field.wrong()),
        };
        self.count_varints(end)
    }

    /// Counts numbers of a fixed size, packed or not, without keeping them.
    pub(super) fn count_fixed(&mut self, field: Field, size: u64) -> Result<u64, OnnxError> {
        match (field.value, size) {
            (Value::Fixed32, 4) | (Value::Fixed64, 8) => Ok(1),
            (Value::Span(end), _) => {
                let bytes = end - self.offset;
                self.skip(field)?;
                if bytes.is_multiple_of(size) {
                    Ok(bytes / size)
                } else {
                    Err(OnnxError::Truncated { offset: end })
                }
            }
            _ => Err(field.wrong()),
        }
    }

    /// Passes over bytes and tells how many they were.
    pub(super) fn count_bytes(&mut self, field: Field) -> Result<u64, OnnxError> {
        let bytes = field.span()? - self.offset;
        self.skip(field)?;
        Ok(bytes)
    }

    /// Makes room for one more element of a list. Lists double, so that the time stays linear, but from one
    /// element on: most have just that.
    pub(super) fn make_room<T>(&mut self, list: &mut Vec<T>, offset: u64) -> Result<(), OnnxError> {
        if list.len() < list.capacity() {
            return Ok(());
        }
        let more = list.len().max(1);
        let bytes = more.saturating_mul(size_of::<T>()) as u64;
        self.charge(bytes + ALLOCATION_OVERHEAD, offset)?;
        list.reserve_exact(more);
        Ok(())
    }

    fn text(&mut self, field: Field, limit: u64) -> Result<String, OnnxError> {
        let bytes = field.span()? - self.offset;
        let offset = self.offset;
        if bytes > limit {
            return Err(OnnxError::TooLong {
                offset,
                bytes,
                limit,
            });
        }
        self.charge(bytes + ALLOCATION_OVERHEAD, offset)?;
        String::from_utf8(self.bytes(bytes)?).map_err(|_| OnnxError::NotUtf8 { offset })
    }
}
