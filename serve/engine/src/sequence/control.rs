//! Inputs that tell a model which part of its sequence a request is: their values.

use bytes::Bytes;
use nav_package_format::DType;

use crate::request::{Correlation, CorrelationId};

/// An input that is filled in with a control.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControlInput {
    /// The name of the input.
    pub name: Box<str>,
    /// What it tells. Each row is told the same, in one element.
    pub control: Control,
}

/// What a model can be told of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Control {
    /// Whether its sequence begins with it.
    Start(Flag),
    /// Whether its sequence ends with it.
    End(Flag),
    /// Whether it is to be answered, which is true: nothing else is run.
    Ready(Flag),
    /// What its sequence is called. Of a number, as much as such an element holds, from the lowest bits on.
    CorrelationId(DType),
}

/// What stands for no and for yes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flag {
    dtype: DType,
    no: Bytes,
    yes: Bytes,
}

impl Flag {
    /// One of these whole numbers.
    pub fn int32(no: i32, yes: i32) -> Self {
        Self::of(DType::Int32, &no.to_le_bytes(), &yes.to_le_bytes())
    }

    /// One of these numbers.
    pub fn fp32(no: f32, yes: f32) -> Self {
        Self::of(DType::Fp32, &no.to_le_bytes(), &yes.to_le_bytes())
    }

    /// One of these truth values.
    pub fn bool(no: bool, yes: bool) -> Self {
        Self::of(DType::Bool, &[no.into()], &[yes.into()])
    }

    fn of(dtype: DType, no: &[u8], yes: &[u8]) -> Self {
        Self {
            dtype,
            no: Bytes::copy_from_slice(no),
            yes: Bytes::copy_from_slice(yes),
        }
    }

    fn value(&self, is_true: bool) -> Bytes {
        if is_true { &self.yes } else { &self.no }.clone()
    }
}

impl Control {
    /// The type of its elements.
    pub const fn dtype(&self) -> DType {
        match self {
            Self::Start(flag) | Self::End(flag) | Self::Ready(flag) => flag.dtype,
            Self::CorrelationId(dtype) => *dtype,
        }
    }

    /// Whether elements of its type can tell it.
    pub(super) const fn is_possible(&self) -> bool {
        use DType::{Bytes, Int32, Int64, Uint32, Uint64};
        match self {
            Self::CorrelationId(dtype) => matches!(dtype, Int32 | Int64 | Uint32 | Uint64 | Bytes),
            Self::Start(_) | Self::End(_) | Self::Ready(_) => true,
        }
    }

    /// Whether it can tell the name of this sequence.
    pub(super) const fn can_tell(&self, id: &CorrelationId) -> bool {
        match (self, id) {
            (Self::CorrelationId(dtype), CorrelationId::Text(_)) => matches!(dtype, DType::Bytes),
            _ => true,
        }
    }

    /// The one element that tells it.
    pub(super) fn element(&self, part: &Correlation) -> Bytes {
        match self {
            Self::Start(flag) => flag.value(part.start),
            Self::End(flag) => flag.value(part.end),
            Self::Ready(flag) => flag.value(true),
            Self::CorrelationId(DType::Bytes) => match &part.id {
                CorrelationId::Number(number) => text(&number.to_string()),
                CorrelationId::Text(name) => text(name),
            },
            Self::CorrelationId(dtype) => {
                // A name of another kind is turned away before it gets here.
                let number = match part.id {
                    CorrelationId::Number(number) => number,
                    CorrelationId::Text(_) => 0,
                };
                let bytes = number.to_le_bytes();
                let size = dtype.element_size().unwrap_or(bytes.len());
                Bytes::copy_from_slice(bytes.get(..size).unwrap_or(&bytes))
            }
        }
    }
}

/// A byte string: its length, and itself.
fn text(text: &str) -> Bytes {
    let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
    [&length.to_le_bytes(), text.as_bytes()].concat().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_tells_which_part_a_request_is() {
        let number = CorrelationId::Number(0x0102_0304_0506_0708);
        let check = |control: Control, (id, start, end): (&CorrelationId, bool, bool), expected| {
            let id = id.clone();
            let element = control.element(&Correlation {
                id,
                start,
                end,
                owner: None,
            });
            assert_eq!(element, expected, "{control:?}");
        };
        let start = || Control::Start(Flag::int32(-1, 7));
        check(start(), (&number, true, false), vec![7, 0, 0, 0]);
        check(start(), (&number, false, true), vec![255; 4]);
        let end = || Control::End(Flag::bool(false, true));
        check(end(), (&number, true, false), vec![0]);
        check(end(), (&number, false, true), vec![1]);
        let ready = Control::Ready(Flag::fp32(0.0, 1.0));
        check(ready, (&number, false, false), vec![0, 0, 0x80, 0x3f]);
        let id = Control::CorrelationId;
        let part = (&number, false, false);
        check(id(DType::Uint64), part, vec![8, 7, 6, 5, 4, 3, 2, 1]);
        check(id(DType::Int64), part, vec![8, 7, 6, 5, 4, 3, 2, 1]);
        check(id(DType::Int32), part, vec![8, 7, 6, 5]);
        check(id(DType::Uint32), part, vec![8, 7, 6, 5]);
        let name = CorrelationId::Text("mine".into());
        let expected = [&[4, 0, 0, 0], &b"mine"[..]].concat();
        check(id(DType::Bytes), (&name, false, false), expected);
        let twelve = CorrelationId::Number(12);
        let expected = [&[2, 0, 0, 0], &b"12"[..]].concat();
        check(id(DType::Bytes), (&twelve, false, false), expected);
    }

    #[test]
    fn a_name_is_told_in_texts_only() {
        let name = CorrelationId::Text("mine".into());
        let number = CorrelationId::Number(1);
        let can = |dtype, id| Control::CorrelationId(dtype).can_tell(id);
        assert!(can(DType::Bytes, &name) && can(DType::Bytes, &number));
        assert!(!can(DType::Uint64, &name) && can(DType::Uint64, &number));
        assert!(Control::Start(Flag::bool(false, true)).can_tell(&name));
    }
}
