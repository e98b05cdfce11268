//! What a set of files is called: the digest of what is in it.

use super::error::CacheError;
use crate::archive::{Limits, check_name};
use crate::{Digest, Hasher};

/// A file of a set.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CachedFile {
    /// Its name in the set: a relative path, its parts separated by `/`.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// The digest of its content.
    pub digest: Digest,
}

/// The key of a set, whatever the order in which its files are given. Lengths come before names, so that no
/// two sets are written alike.
pub(super) fn key(files: &[CachedFile]) -> Result<Digest, CacheError> {
    let mut sorted: Vec<&CachedFile> = files.iter().collect();
    sorted.sort_unstable();
    if sorted.is_empty() {
        return Err(CacheError::Request("no file"));
    }
    let mut pairs = sorted.iter().zip(sorted.iter().skip(1));
    if pairs.any(|(file, next)| file.name == next.name) {
        return Err(CacheError::Request("two files of one name"));
    }
    let mut hasher = Hasher::default();
    hasher.update(b"nav files 1\n");
    for file in sorted {
        let checked = check_name(&file.name, &Limits::default());
        checked.map_err(|source| CacheError::Name {
            name: file.name.clone(),
            source,
        })?;
        hasher.update(&(file.name.len() as u64).to_le_bytes());
        hasher.update(file.name.as_bytes());
        hasher.update(&file.bytes.to_le_bytes());
        hasher.update(file.digest.as_bytes());
    }
    Ok(hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, bytes: u64, content: &[u8]) -> CachedFile {
        CachedFile {
            name: name.to_owned(),
            bytes,
            digest: Digest::of(content),
        }
    }

    #[test]
    fn a_key_is_told_by_all_that_is_in_the_set_in_any_order() {
        let (a, b) = (file("a", 1, b"x"), file("b", 1, b"y"));
        let same = key(&[a.clone(), b.clone()]).unwrap();
        assert_eq!(key(&[b, a.clone()]).unwrap(), same);
        for other in [file("c", 1, b"y"), file("b", 2, b"y"), file("b", 1, b"z")] {
            assert_ne!(key(&[a.clone(), other]).unwrap(), same);
        }
        for wrong in [vec![], vec![a.clone(), file("a", 2, b"z")]] {
            assert!(matches!(key(&wrong), Err(CacheError::Request(_))));
        }
        let outside = key(&[a, file("../b", 1, b"y")]);
        assert!(matches!(outside, Err(CacheError::Name { .. })));
    }
}
