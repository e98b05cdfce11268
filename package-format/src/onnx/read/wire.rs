//! Protobuf's wire format, read forwards from a file: fields inside spans, within bounds.
//!
//! Knows nothing of ONNX. Never allocates by what the file claims, only for bytes that it has checked to
//! be there and within the limits.

use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

use crate::onnx::error::OnnxError;
use crate::onnx::limits::Limits;

/// What a text takes besides its bytes.
const TEXT_OVERHEAD: u64 = 32;
const LONGEST_VARINT: u32 = 10;

/// A message that can be read field by field. Reading one twice merges, as protobuf demands.
pub(super) trait Message: Default {
    /// Takes in one field. Fields of no interest must be skipped.
    fn field<R: Read + Seek>(&mut self, field: Field, wire: &mut Wire<R>) -> Result<(), OnnxError>;
}

/// The start of one field.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    pub(super) number: u32,
    pub(super) offset: u64,
    pub(super) value: Value,
}

/// The value of a field, or where it ends.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value {
    Varint(u64),
    Fixed32,
    Fixed64,
    /// Bytes that have not been read yet, and the offset after them.
    Span(u64),
}

impl Field {
    pub(super) const fn wrong(&self) -> OnnxError {
        OnnxError::WrongType {
            offset: self.offset,
            field: self.number,
        }
    }

    pub(super) const fn varint(&self) -> Result<u64, OnnxError> {
        match self.value {
            Value::Varint(value) => Ok(value),
            _ => Err(self.wrong()),
        }
    }

    pub(super) fn signed(&self) -> Result<i64, OnnxError> {
        Ok(self.varint()?.cast_signed())
    }

    /// A number of 32 bits. Like every protobuf parser, this drops the upper half of a longer one.
    #[expect(clippy::cast_possible_truncation, reason = "dropping it is the point")]
    pub(super) fn signed32(&self) -> Result<i32, OnnxError> {
        Ok((self.varint()? as u32).cast_signed())
    }

    pub(super) const fn span(&self) -> Result<u64, OnnxError> {
        match self.value {
            Value::Span(end) => Ok(end),
            _ => Err(self.wrong()),
        }
    }
}

/// A position in a file, and what is left of the limits.
#[derive(Debug)]
pub(super) struct Wire<R> {
    source: BufReader<R>,
    offset: u64,
    depth: u32,
    memory: u64,
    limits: Limits,
}

impl<R: Read + Seek> Wire<R> {
    /// The whole of `source`, and where it ends.
    pub(super) fn new(mut source: R, limits: Limits) -> Result<(Self, u64), OnnxError> {
        let failed = |source| OnnxError::Io { offset: 0, source };
        let end = source.seek(SeekFrom::End(0)).map_err(failed)?;
        source.rewind().map_err(failed)?;
        let wire = Self {
            source: BufReader::new(source),
            offset: 0,
            depth: 0,
            memory: 0,
            limits,
        };
        Ok((wire, end))
    }

    /// The next field before `end`.
    pub(super) fn next(&mut self, end: u64) -> Result<Option<Field>, OnnxError> {
        let offset = self.offset;
        if offset >= end {
            return Ok(None);
        }
        let key = self.varint(end)?;
        let number = u32::try_from(key >> 3).ok();
        let Some(number) = number.filter(|number| (1..1 << 29).contains(number)) else {
            return Err(OnnxError::BadKey { offset });
        };
        let value = match key & 7 {
            0 => Value::Varint(self.varint(end)?),
            1 => {
                self.advance(8, end)?;
                Value::Fixed64
            }
            2 => {
                let length = self.varint(end)?;
                let after = self.offset.checked_add(length);
                let after = after.filter(|&after| after <= end);
                Value::Span(after.ok_or(OnnxError::Truncated {
                    offset: self.offset,
                })?)
            }
            5 => {
                self.advance(4, end)?;
                Value::Fixed32
            }
            _ => return Err(OnnxError::BadKey { offset }),
        };
        Ok(Some(Field {
            number,
            offset,
            value,
        }))
    }

    /// Passes over what is left of a field.
    pub(super) fn skip(&mut self, field: Field) -> Result<(), OnnxError> {
        match field.value {
            Value::Span(end) => self.advance(end - self.offset, end),
            Value::Varint(_) | Value::Fixed32 | Value::Fixed64 => Ok(()),
        }
    }

    /// Reads a message that is part of another one.
    pub(super) fn each(
        &mut self,
        field: Field,
        mut take: impl FnMut(Field, &mut Self) -> Result<(), OnnxError>,
    ) -> Result<(), OnnxError> {
        let end = field.span()?;
        if self.depth >= self.limits.depth {
            return Err(OnnxError::TooDeep {
                offset: field.offset,
                limit: self.limits.depth,
            });
        }
        self.depth += 1;
        while let Some(field) = self.next(end)? {
            take(field, self)?;
        }
        self.depth -= 1;
        Ok(())
    }

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
        self.charge(2 * size_of::<M>() as u64, field.offset)?;
        let mut message = M::default();
        self.merge(&mut message, field)?;
        list.push(message);
        Ok(())
    }

    /// Reads a name.
    pub(super) fn name(&mut self, name: &mut String, field: Field) -> Result<(), OnnxError> {
        *name = self.text(field, self.limits.name_bytes)?;
        Ok(())
    }

    /// Reads one more name of a list.
    pub(super) fn push_name(
        &mut self,
        names: &mut Vec<String>,
        field: Field,
    ) -> Result<(), OnnxError> {
        self.charge(2 * size_of::<String>() as u64, field.offset)?;
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
                self.charge(16, field.offset)?;
                numbers.push(value.cast_signed());
                return Ok(());
            }
            Value::Span(end) => end,
            Value::Fixed32 | Value::Fixed64 => return Err(field.wrong()),
        };
        while self.offset < end {
            self.charge(16, field.offset)?;
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
        let (mut count, mut length) = (0, 0);
        while self.offset < end {
            let offset = self.offset;
            let left = usize_of(end - offset);
            let buffer = self.buffer()?;
            let taken = buffer.len().min(left);
            for byte in buffer.iter().take(taken) {
                length += 1;
                if byte & 0x80 == 0 {
                    count += 1;
                    length = 0;
                } else if length >= LONGEST_VARINT {
                    return Err(OnnxError::BadVarint { offset });
                }
            }
            self.source.consume(taken);
            self.offset += taken as u64;
        }
        if length == 0 {
            Ok(count)
        } else {
            Err(OnnxError::Truncated { offset: end })
        }
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

    /// Takes note of memory that is about to be used.
    pub(super) fn charge(&mut self, bytes: u64, offset: u64) -> Result<(), OnnxError> {
        self.memory = self.memory.saturating_add(bytes);
        if self.memory > self.limits.memory {
            return Err(OnnxError::TooMany {
                offset,
                limit: self.limits.memory,
            });
        }
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
        self.charge(bytes + TEXT_OVERHEAD, offset)?;
        let mut text = vec![0; usize_of(bytes)];
        let read = self.source.read_exact(&mut text);
        read.map_err(|source| self.failed(source))?;
        self.offset += bytes;
        String::from_utf8(text).map_err(|_| OnnxError::NotUtf8 { offset })
    }

    fn varint(&mut self, end: u64) -> Result<u64, OnnxError> {
        let offset = self.offset;
        let mut value = 0;
        for position in 0..LONGEST_VARINT {
            if self.offset >= end {
                return Err(OnnxError::Truncated {
                    offset: self.offset,
                });
            }
            let byte = self.buffer()?.first().copied().unwrap_or_default();
            self.source.consume(1);
            self.offset += 1;
            // The tenth byte has room for one bit only.
            if position + 1 == LONGEST_VARINT && byte > 1 {
                break;
            }
            value |= u64::from(byte & 0x7f) << (7 * position);
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(OnnxError::BadVarint { offset })
    }

    /// Bytes that are at hand, at least one.
    fn buffer(&mut self) -> Result<&[u8], OnnxError> {
        let offset = self.offset;
        match self.source.fill_buf() {
            // The file became shorter since its end was looked up.
            Ok([]) => Err(OnnxError::Truncated { offset }),
            Ok(buffer) => Ok(buffer),
            Err(source) => Err(OnnxError::Io { offset, source }),
        }
    }

    fn advance(&mut self, bytes: u64, end: u64) -> Result<(), OnnxError> {
        let truncated = OnnxError::Truncated {
            offset: self.offset,
        };
        let after = self.offset.checked_add(bytes);
        let Some(after) = after.filter(|&after| after <= end) else {
            return Err(truncated);
        };
        let distance = i64::try_from(bytes).map_err(|_| truncated)?;
        let sought = self.source.seek_relative(distance);
        sought.map_err(|source| self.failed(source))?;
        self.offset = after;
        Ok(())
    }

    fn failed(&self, source: io::Error) -> OnnxError {
        let offset = self.offset;
        match source.kind() {
            io::ErrorKind::UnexpectedEof => OnnxError::Truncated { offset },
            _ => OnnxError::Io { offset, source },
        }
    }
}

/// A count that has been checked against a buffer or a limit, or is about to be cut down to one.
fn usize_of(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
