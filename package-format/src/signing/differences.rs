//! In what way files are not those that were signed. Plain data.

use std::collections::BTreeMap;
use std::fmt;

use crate::Digest;

/// How many names are said; the rest are counted.
const SAID: usize = 3;

/// Files that are not as they were signed, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Differences {
    /// Files with another content.
    pub changed: Vec<String>,
    /// Files that were signed and are not there.
    pub missing: Vec<String>,
    /// Files that are there and were not signed.
    pub extra: Vec<String>,
}

impl Differences {
    /// Compares what is there with what was signed.
    pub(super) fn of(found: &BTreeMap<String, Digest>, signed: &BTreeMap<String, Digest>) -> Self {
        let mut differences = Self::default();
        for (name, digest) in signed {
            match found.get(name) {
                Some(found) if found == digest => {}
                Some(_) => differences.changed.push(name.clone()),
                None => differences.missing.push(name.clone()),
            }
        }
        let extra = found.keys().filter(|name| !signed.contains_key(*name));
        differences.extra = extra.cloned().collect();
        differences
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.changed.is_empty() && self.missing.is_empty() && self.extra.is_empty()
    }
}

impl fmt::Display for Differences {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = [
            (&self.changed, "changed"),
            (&self.missing, "missing"),
            (&self.extra, "not signed"),
        ];
        let mut separator = "";
        for (names, what) in kinds.into_iter().filter(|(names, _)| !names.is_empty()) {
            write!(f, "{separator}{what}: ")?;
            separator = "; ";
            for (position, name) in names.iter().take(SAID).enumerate() {
                let comma = if position == 0 { "" } else { ", " };
                write!(f, "{comma}{name:?}")?;
            }
            if names.len() > SAID {
                write!(f, " and {} more", names.len() - SAID)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_difference_is_named() {
        let files = |names: &[&str], content: &[u8]| -> BTreeMap<String, Digest> {
            let names = names.iter();
            names
                .map(|name| ((*name).to_owned(), Digest::of(content)))
                .collect()
        };
        let check = |found: &BTreeMap<_, _>, signed: &BTreeMap<_, _>, expected: &str| {
            let differences = Differences::of(found, signed);
            assert_eq!(differences.to_string(), expected);
            assert_eq!(differences.is_empty(), expected.is_empty());
        };
        let signed = files(&["a", "b"], b"1");
        check(&signed, &signed, "");
        check(&files(&["a", "b"], b"2"), &signed, "changed: \"a\", \"b\"");
        check(
            &files(&["a", "c\n", "d", "e", "f"], b"1"),
            &signed,
            "missing: \"b\"; not signed: \"c\\n\", \"d\", \"e\" and 1 more",
        );
    }
}
