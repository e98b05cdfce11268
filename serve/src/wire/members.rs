//! Members of one kind each, and what to say where they are of another.

use std::borrow::Cow;

use super::cursor::{Cursor, Kind};
use super::fault::Fault;

/// A string.
pub(crate) fn text<'text>(
    cursor: &mut Cursor<'text>,
    member: &'static str,
) -> Result<Cow<'text, str>, Fault> {
    expect(cursor, Kind::Text, (member, "string"))?;
    cursor.string()
}

/// A truth value.
pub(crate) fn boolean(cursor: &mut Cursor<'_>, member: &'static str) -> Result<bool, Fault> {
    expect(cursor, Kind::Bool, (member, "boolean"))?;
    cursor.boolean()
}

/// A whole number that is not negative.
pub(crate) fn unsigned(cursor: &mut Cursor<'_>, member: &'static str) -> Result<u64, Fault> {
    let what = (member, "unsigned-integer");
    expect(cursor, Kind::Number, what)?;
    cursor.number()?.parse().map_err(|_| kind(what))
}

/// A size in memory.
pub(crate) fn size(cursor: &mut Cursor<'_>, member: &'static str) -> Result<usize, Fault> {
    let number = unsigned(cursor, member)?;
    usize::try_from(number).map_err(|_| kind((member, "unsigned-integer")))
}

/// Fails unless a value of this kind comes next.
pub(crate) fn expect(
    cursor: &mut Cursor<'_>,
    wanted: Kind,
    what: (&'static str, &'static str),
) -> Result<(), Fault> {
    if cursor.kind()? == wanted {
        Ok(())
    } else {
        Err(kind(what))
    }
}

const fn kind((member, expected): (&'static str, &'static str)) -> Fault {
    Fault::Kind { member, expected }
}
