//! Files that engines lie in: whether one can be an engine, and writing one as a whole or not at all.

use std::io::{self, Write};
use std::path::Path;

/// What a serialized engine begins with.
const MARKS: &[&[u8; 4]] = &[b"ftrt", b"ptrt"];

/// Less is no engine.
const LEAST: usize = 64;

/// Why a file is no engine, or nothing where it can be one. Whether it is, TensorRT says.
pub(crate) fn objection(plan: &[u8]) -> Option<String> {
    if plan.len() < LEAST {
        return Some(format!(
            "it has {} bytes, which is too few for an engine of TensorRT",
            plan.len()
        ));
    }
    let is_marked = MARKS.iter().any(|mark| plan.starts_with(*mark));
    (!is_marked).then(|| "it does not begin as engines of TensorRT do".to_owned())
}

/// Writes a file beside its place, and moves it there.
pub(crate) fn write(to: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = to.parent().unwrap_or(Path::new("/"));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(to).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_an_engine_is_known_before_tensorrt_sees_it() {
        let check = |head: &[u8], length: usize, expected: Option<&str>| {
            let mut plan = head.to_vec();
            plan.resize(length, 0);
            assert_eq!(objection(&plan).as_deref(), expected);
        };
        check(b"ftrt", 64, None);
        check(b"ptrt", 100, None);
        let no_mark = "it does not begin as engines of TensorRT do";
        check(b"\x08\x0a\x12\x07pytorch", 64, Some(no_mark));
        let short = "it has 63 bytes, which is too few for an engine of TensorRT";
        check(b"ftrt", 63, Some(short));
        let empty = "it has 0 bytes, which is too few for an engine of TensorRT";
        check(b"", 0, Some(empty));
    }

    #[test]
    fn a_file_replaces_what_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("engine");
        write(&path, b"one").unwrap();
        write(&path, b"two").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
