//! A body in the pieces in which it arrived, cut without copies.

use bytes::{Bytes, BytesMut};
use nav_engine::Frames;

/// Takes the first `length` bytes off `frames`; `None`, and `frames` as it was, when there are not so many.
pub(crate) fn cut(frames: &mut std::collections::VecDeque<Bytes>, length: usize) -> Option<Frames> {
    let total = frames
        .iter()
        .map(Bytes::len)
        .try_fold(0, usize::checked_add)?;
    if total < length {
        return None;
    }
    let mut taken = Frames::new();
    let mut missing = length;
    while missing > 0 {
        let first = frames.front_mut()?;
        if first.len() > missing {
            taken.push(first.split_to(missing));
            break;
        }
        missing -= first.len();
        let whole = frames.pop_front()?;
        if !whole.is_empty() {
            taken.push(whole);
        }
    }
    Some(taken)
}

/// Pieces in one, copied only if they are several.
pub(crate) fn join(frames: Frames) -> Bytes {
    if frames.len() > 1 {
        let mut joined = BytesMut::with_capacity(frames.iter().map(Bytes::len).sum());
        for frame in &frames {
            joined.extend_from_slice(frame);
        }
        return joined.freeze();
    }
    frames.into_iter().next().unwrap_or_default()
}
