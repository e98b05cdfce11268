//! The extra fields of a header: numbers too large for it, padding, and what others put there.

use super::number::number;
use crate::archive::error::EntryFault;
use crate::archive::limits::Dialect;

/// Numbers of eight bytes.
const WIDE: u64 = 0x0001;
/// Padding that aligns the content, as Apache Commons Compress has it registered.
pub(in crate::archive) const ALIGNMENT: u64 = 0xa11e;
/// Another name, another comment, and another cipher: they change what an entry means to some.
const CHANGING: [u64; 3] = [0x7075, 0x6375, 0x9901];

/// Checks the extra fields, and gives the one with numbers of eight bytes.
pub(super) fn wide(extra: &[u8], dialect: Dialect) -> Result<Option<&[u8]>, EntryFault> {
    let torn = EntryFault::Header {
        what: "its extra fields do not fill the room they have",
    };
    let mut wide = None;
    let mut rest = extra;
    while !rest.is_empty() {
        let Some((head, after)) = rest.split_at_checked(4) else {
            return Err(torn);
        };
        let id = number::<2>(head, 0);
        let length = usize::try_from(number::<2>(head, 2)).unwrap_or(usize::MAX);
        let Some((field, after)) = after.split_at_checked(length) else {
            return Err(torn);
        };
        let known = match dialect {
            Dialect::Package => id == ALIGNMENT,
            Dialect::Tensors => !CHANGING.contains(&id),
        };
        if id == WIDE {
            if wide.replace(field).is_some() {
                return Err(EntryFault::Extra { id });
            }
        } else if !known {
            return Err(EntryFault::Extra { id });
        }
        rest = after;
    }
    Ok(wide)
}

/// Takes the next number of eight bytes.
pub(super) fn take(field: &mut &[u8]) -> Option<u64> {
    let (digits, rest) = field.split_at_checked(8)?;
    *field = rest;
    Some(number::<8>(digits, 0))
}
