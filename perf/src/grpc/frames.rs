//! Frames of HTTP/2: their heads, and those that a client sends.

use crate::failure::Failed;

/// The bytes of a frame's head.
pub(super) const HEAD: usize = 9;
/// What a client says first.
pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// The largest frame that a server takes unless it says more.
pub(super) const USUAL_FRAME: usize = 16 << 10;
/// The largest frame that it may send.
pub(super) const LARGEST_FRAME: usize = 1 << 20;

pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PUSH_PROMISE: u8 = 5;
pub(super) const PING: u8 = 6;
pub(super) const GOAWAY: u8 = 7;
pub(super) const WINDOW_UPDATE: u8 = 8;
pub(super) const CONTINUATION: u8 = 9;

pub(super) const END_STREAM: u8 = 1;
pub(super) const ACK: u8 = 1;
pub(super) const END_HEADERS: u8 = 4;
pub(super) const PADDED: u8 = 8;
pub(super) const PRIORITY: u8 = 32;

pub(super) const SETTING_TABLE: u16 = 1;
pub(super) const SETTING_PUSH: u16 = 2;
pub(super) const SETTING_WINDOW: u16 = 4;
pub(super) const SETTING_FRAME: u16 = 5;

/// A frame that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame<'a> {
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
    pub(super) payload: &'a [u8],
}

impl<'a> Frame<'a> {
    /// The frame that these bytes begin with, if all of it is there, and what is behind it.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Option<(Self, &'a [u8])>, Failed> {
        let Some((head, rest)) = bytes.split_first_chunk::<HEAD>() else {
            return Ok(None);
        };
        let [high, middle, low, kind, flags, a, b, c, d] = *head;
        let length = u32::from_be_bytes([0, high, middle, low]);
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length > LARGEST_FRAME {
            // Answers of HTTP/1 look like this.
            let text = format!("no answer of HTTP/2: a frame of {length} bytes");
            return Err(Failed::broken(text));
        }
        Ok(rest.split_at_checked(length).map(|(payload, rest)| {
            let frame = Self {
                kind,
                flags,
                stream: u32::from_be_bytes([a & 0x7f, b, c, d]),
                payload,
            };
            (frame, rest)
        }))
    }

    /// Its payload without what only fills it up, and without priorities.
    pub(super) fn content(&self) -> Result<&'a [u8], Failed> {
        let short = || Failed::broken("a frame is shorter than it says");
        let mut content = self.payload;
        if self.flags & PADDED != 0 {
            let (padding, rest) = content.split_first().ok_or_else(short)?;
            let kept = rest.len().checked_sub(usize::from(*padding));
            content = kept.and_then(|kept| rest.get(..kept)).ok_or_else(short)?;
        }
        if self.kind == HEADERS && self.flags & PRIORITY != 0 {
            content = content.get(5..).ok_or_else(short)?;
        }
        Ok(content)
    }
}

/// The head of a frame.
pub(super) fn head(length: usize, kind: u8, flags: u8, stream: u32) -> [u8; HEAD] {
    let [_, high, middle, low] = u32::try_from(length).unwrap_or_default().to_be_bytes();
    let [a, b, c, d] = stream.to_be_bytes();
    [high, middle, low, kind, flags, a, b, c, d]
}

/// Settings.
pub(super) fn settings(settings: &[(u16, u32)], out: &mut Vec<u8>) {
    out.extend(head(6 * settings.len(), SETTINGS, 0, 0));
    for (name, value) in settings {
        out.extend(name.to_be_bytes());
        out.extend(value.to_be_bytes());
    }
}

/// Room for so many bytes more.
pub(super) fn window_update(stream: u32, more: u32, out: &mut Vec<u8>) {
    out.extend(head(4, WINDOW_UPDATE, 0, stream));
    out.extend(more.to_be_bytes());
}

/// A number of four bytes at the beginning.
pub(super) fn number(bytes: &[u8]) -> Result<u32, Failed> {
    let number = bytes.first_chunk::<4>();
    let number = number.ok_or_else(|| Failed::broken("a frame is too short"))?;
    Ok(u32::from_be_bytes(*number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_read_as_they_are_written() {
        let mut bytes = Vec::new();
        window_update(7, 1 << 20, &mut bytes);
        settings(&[(SETTING_PUSH, 0)], &mut bytes);
        for cut in 0..HEAD + 4 {
            assert_eq!(Frame::read(&bytes[..cut]).unwrap(), None, "{cut}");
        }
        let (first, rest) = Frame::read(&bytes).unwrap().unwrap();
        assert_eq!((first.kind, first.stream), (WINDOW_UPDATE, 7));
        assert_eq!(number(first.payload).unwrap(), 1 << 20);
        let (second, rest) = Frame::read(rest).unwrap().unwrap();
        assert_eq!(
            (second.kind, second.payload, rest.len()),
            (SETTINGS, &[0, 2, 0, 0, 0, 0][..], 0)
        );
    }

    #[test]
    fn what_fills_frames_up_is_left_out() {
        let check = |kind, flags, payload: &[u8], expected: Option<&[u8]>| {
            let frame = Frame {
                kind,
                flags,
                stream: 1,
                payload,
            };
            assert_eq!(frame.content().ok(), expected);
        };
        check(DATA, 0, &[1, 2], Some(&[1, 2]));
        check(DATA, PADDED, &[1, 2, 0], Some(&[2]));
        check(DATA, PADDED, &[2, 2], None);
        check(DATA, PADDED, &[], None);
        check(HEADERS, PRIORITY, &[0, 0, 0, 0, 9, 5], Some(&[5]));
    }

    #[test]
    fn an_answer_of_another_protocol_is_told_from_a_frame() {
        assert!(Frame::read(b"HTTP/1.1 400 Bad Request\r\n\r\n").is_err());
    }
}
