//! Protobuf's wire format, read forwards from a file: fields and numbers inside spans, within bounds.
//!
//! Knows nothing of ONNX. Never allocates by what the file claims, only for bytes that it has checked to
//! be there and within the limits.

use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

use crate::onnx::error::OnnxError;
use crate::onnx::limits::Limits;

const LONGEST_VARINT: u32 = 10;

/// The start of one field.
#[derive(Clone, Copy, Debug)]
pub(in crate::onnx) struct Field {
    pub(in crate::onnx) number: u32,
    pub(in crate::onnx) offset: u64,
    pub(in crate::onnx) value: Value,
}

/// The value of a field, or where it ends.
#[derive(Clone, Copy, Debug)]
pub(in crate::onnx) enum Value {
    Varint(u64),
    Fixed32,
    Fixed64,
    /// Bytes that have not been read yet, and the offset after them.
    Span(u64),
}

impl Field {
    pub(in crate::onnx) const fn wrong(&self) -> OnnxError {
        OnnxError::WrongType {
            offset: self.offset,
            field: self.number,
        }
    }

    pub(in crate::onnx) const fn varint(&self) -> Result<u64, OnnxError> {
        match self.value {
            Value::Varint(value) => Ok(value),
            _ => Err(self.wrong()),
        }
    }

    pub(in crate::onnx) fn signed(&self) -> Result<i64, OnnxError> {
        Ok(self.varint()?.cast_signed())
    }

    /// A number of 32 bits. Like every protobuf parser, this drops the upper half of a longer one.
    #[expect(clippy::cast_possible_truncation, reason = "dropping it is the point")]
    pub(in crate::onnx) fn signed32(&self) -> Result<i32, OnnxError> {
        Ok((self.varint()? as u32).cast_signed())
    }

    pub(in crate::onnx) const fn span(&self) -> Result<u64, OnnxError> {
        match self.value {
            Value::Span(end) => Ok(end),
            _ => Err(self.wrong()),
        }
    }
}

/// A position in a file, and what is left of the limits.
#[derive(Debug)]
pub(in crate::onnx) struct Wire<R> {
    source: BufReader<R>,
    pub(in crate::onnx) offset: u64,
    depth: u32,
    memory: u64,
    pub(in crate::onnx) limits: Limits,
}

impl<R: Read + Seek> Wire<R> {
    /// The whole of `source`, and where it ends.
    pub(in crate::onnx) fn new(mut source: R, limits: Limits) -> Result<(Self, u64), OnnxError> {
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
    pub(in crate::onnx) fn next(&mut self, end: u64) -> Result<Option<Field>, OnnxError> {
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
    pub(in crate::onnx) fn skip(&mut self, field: Field) -> Result<(), OnnxError> {
        match field.value {
            Value::Span(end) => self.advance(end - self.offset, end),
            Value::Varint(_) | Value::Fixed32 | Value::Fixed64 => Ok(()),
        }
    }

    /// Reads a message that is part of another one.
    pub(in crate::onnx) fn each(
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

    /// Takes note of memory that is about to be used.
    pub(in crate::onnx) fn charge(&mut self, bytes: u64, offset: u64) -> Result<(), OnnxError> {
        self.memory = self.memory.saturating_add(bytes);
        if self.memory > self.limits.memory {
            return Err(OnnxError::TooMany {
                offset,
                limit: self.limits.memory,
            });
        }
        Ok(())
    }

    /// The next bytes, which must be known to be there and within a limit.
    pub(in crate::onnx) fn bytes(&mut self, count: u64) -> Result<Vec<u8>, OnnxError> {
        let mut bytes = vec![0; usize_of(count)];
        let read = self.source.read_exact(&mut bytes);
        read.map_err(|source| self.failed(source))?;
        self.offset += count;
        Ok(bytes)
    }

    /// Counts the numbers that are packed up to `end`.
    pub(in crate::onnx) fn count_varints(&mut self, end: u64) -> Result<u64, OnnxError> {
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

    pub(in crate::onnx) fn varint(&mut self, end: u64) -> Result<u64, OnnxError> {
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
