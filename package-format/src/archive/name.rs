//! Which names entries may have: relative, downward, and one file each on every system. Pure text.
//!
//! Two names that differ in case only are one file on some systems. Case is folded by the full mappings
//! to lower, upper and lower case in turn that the standard library has, which join every two names that
//! Unicode's simple case folding joins. Names that differ in how accents are composed are left apart.

use super::error::{ArchiveError, EntryFault};
use super::limits::Limits;

/// Why a name is not allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameFault {
    /// There is nothing.
    #[error("its name is empty")]
    Empty,
    /// It starts at the root.
    #[error("its name is an absolute path")]
    Absolute,
    /// It has `..` in it.
    #[error("its name leads out of a folder")]
    Parent,
    /// It has an empty part or `.` in it.
    #[error("its name has an empty part")]
    EmptyPart,
    /// It has a character that is unsafe on some system, or on a terminal.
    #[error("its name has the character {0:?}")]
    Character(char),
    /// It starts with a drive letter.
    #[error("its name starts with a drive letter")]
    Drive,
    /// It is too long.
    #[error("its name has {found} bytes, more than the {limit} allowed")]
    TooLong {
        /// How many bytes it has.
        found: usize,
        /// How many it may have.
        limit: usize,
    },
    /// It has too many parts.
    #[error("its name has more than the {limit} parts allowed")]
    TooDeep {
        /// How many it may have.
        limit: usize,
    },
}

/// Checks the name of a file.
pub fn check_name(name: &str, limits: &Limits) -> Result<(), NameFault> {
    if name.is_empty() {
        return Err(NameFault::Empty);
    }
    if name.len() > limits.name_bytes {
        return Err(NameFault::TooLong {
            found: name.len(),
            limit: limits.name_bytes,
        });
    }
    if let Some(character) = name.chars().find(|c| *c == '\\' || c.is_control()) {
        return Err(NameFault::Character(character));
    }
    if name.starts_with('/') {
        return Err(NameFault::Absolute);
    }
    if matches!(name.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic()) {
        return Err(NameFault::Drive);
    }
    for (position, part) in name.split('/').enumerate() {
        if position >= limits.depth {
            return Err(NameFault::TooDeep {
                limit: limits.depth,
            });
        }
        match part {
            "" | "." => return Err(NameFault::EmptyPart),
            ".." => return Err(NameFault::Parent),
            _ => {}
        }
    }
    Ok(())
}

/// What names are once upper and lower case are one.
fn fold(name: &str) -> String {
    name.to_lowercase().to_uppercase().to_lowercase()
}

/// A name among others.
struct Place<'a> {
    /// Its parts, folded.
    folded: String,
    /// It as it is, without the slash at the end of a folder's.
    path: &'a str,
    /// Which of the names it is.
    position: usize,
    /// Whether it is a folder's.
    folder: bool,
}

/// Checks that no name stands in the way of another. Names of folders end in `/`. Each is fine by itself.
///
/// Sorted by their folded parts, names with the same folders are neighbours, so that only neighbours need
/// to be compared, and nothing is kept for each folder.
pub(super) fn check_together<'a>(
    names: impl IntoIterator<Item = &'a str>,
) -> Result<(), ArchiveError> {
    let names = names.into_iter().enumerate();
    let mut places: Vec<Place<'_>> = names
        .map(|(position, name)| {
            let path = name.strip_suffix('/').unwrap_or(name);
            Place {
                folded: fold(path),
                path,
                position,
                folder: path.len() < name.len(),
            }
        })
        .collect();
    let order = |a: &Place<'_>, b: &Place<'_>| a.folded.split('/').cmp(b.folded.split('/'));
    places.sort_by(order);
    for pair in places.windows(2) {
        if let [first, second] = pair
            && let Err(fault) = check_neighbours(first, second)
        {
            let later = if first.position < second.position {
                second
            } else {
                first
            };
            return Err(ArchiveError::in_entry(later.path, fault));
        }
    }
    Ok(())
}

fn check_neighbours(first: &Place<'_>, second: &Place<'_>) -> Result<(), EntryFault> {
    let folded = first.folded.split('/').zip(second.folded.split('/'));
    let shared = folded.take_while(|(a, b)| a == b).count();
    let parts = first.path.split('/').zip(second.path.split('/'));
    if parts.take(shared).any(|(a, b)| a != b) {
        let (earlier, _) = if first.position < second.position {
            (first, second)
        } else {
            (second, first)
        };
        return Err(EntryFault::Collision {
            other: earlier.path.to_owned(),
        });
    }
    if first.path == second.path && first.folder == second.folder {
        return Err(EntryFault::Duplicate);
    }
    let whole = shared == first.path.split('/').count();
    if whole && (first.path == second.path || !first.folder) {
        return Err(EntryFault::FileAndFolder {
            other: first.path.to_owned(),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, expected: Result<(), NameFault>) {
        assert_eq!(check_name(name, &Limits::default()), expected, "{name:?}");
    }

    #[test]
    fn a_name_is_a_relative_path_that_leads_downward() {
        check("status.yaml", Ok(()));
        check("model_input/profiling/0.npz", Ok(()));
        check("é/…/..data", Ok(()));
        check("", Err(NameFault::Empty));
        check("/etc/passwd", Err(NameFault::Absolute));
        check("../x", Err(NameFault::Parent));
        check("a/../../x", Err(NameFault::Parent));
        check("a/..", Err(NameFault::Parent));
        check("./a", Err(NameFault::EmptyPart));
        check("a//b", Err(NameFault::EmptyPart));
        check("a/", Err(NameFault::EmptyPart));
        check("C:x", Err(NameFault::Drive));
        check("a\\b", Err(NameFault::Character('\\')));
        check("a\0", Err(NameFault::Character('\0')));
        check("a\u{1b}[2J", Err(NameFault::Character('\u{1b}')));
        check("a\u{9b}", Err(NameFault::Character('\u{9b}')));
        check(&"a/".repeat(32), Err(NameFault::TooDeep { limit: 32 }));
        let long = NameFault::TooLong {
            found: 513,
            limit: 512,
        };
        check(&"a".repeat(513), Err(long));
    }

    #[test]
    fn no_name_stands_in_the_way_of_another() {
        let check = |names: &[&str], expected: Option<&str>| {
            let error = check_together(names.iter().copied()).err();
            let error = error.map(|error| match error {
                ArchiveError::Entry { name, fault } => format!("{name}: {fault}"),
                other => other.to_string(),
            });
            assert_eq!(error.as_deref(), expected, "{names:?}");
        };
        check(&["a/b", "a/c", "a/", "a!", "b"], None);
        check(&["a", "a"], Some("a: there are two entries of this name"));
        check(
            &["a/x", "A/y"],
            Some("A/y: its name differs from \"a/x\" in upper and lower case only"),
        );
        check(
            &["a", "b", "a/", "a/c"],
            Some("a: \"a\" is the name of a file and of a folder"),
        );
        check(
            &["straße", "STRASSE"],
            Some("STRASSE: its name differs from \"straße\" in upper and lower case only"),
        );
        check(
            &["ß", "ẞ"],
            Some("ẞ: its name differs from \"ß\" in upper and lower case only"),
        );
        check(
            &["k", "\u{212a}"],
            Some("\u{212a}: its name differs from \"k\" in upper and lower case only"),
        );
        check(
            &["a", "a/b"],
            Some("a/b: \"a\" is the name of a file and of a folder"),
        );
        check(
            &["a/b", "a"],
            Some("a: \"a\" is the name of a file and of a folder"),
        );
    }
}
