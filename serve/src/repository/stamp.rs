//! What tells whether files have changed: their names, sizes, times and identities, without reading them.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nav_package_format::{Digest, Hasher};

/// How deep folders are looked into.
pub(super) const MOST_DEPTH: usize = 8;
/// The most files that are looked at.
pub(super) const MOST_FILES: usize = 1 << 16;

/// A stamp of a file, or of everything in a folder but what `is_left_out` says of its names at the top.
pub(super) fn stamp(path: &Path, is_left_out: &dyn Fn(&str) -> bool) -> io::Result<Digest> {
    let mut lines = Vec::new();
    gather(path, 0, is_left_out, &mut lines)?;
    // Folders are listed in any order.
    lines.sort_unstable();
    let mut hasher = Hasher::default();
    for line in &lines {
        hasher.update(line.as_bytes());
    }
    Ok(hasher.finish())
}

fn gather(
    path: &Path,
    depth: usize,
    is_left_out: &dyn Fn(&str) -> bool,
    lines: &mut Vec<String>,
) -> io::Result<()> {
    let found = std::fs::metadata(path)?;
    if !found.is_dir() {
        let (seconds, nanoseconds) = (found.mtime(), found.mtime_nsec());
        let (device, number, size) = (found.dev(), found.ino(), found.len());
        lines.push(format!(
            "{} {device} {number} {size} {seconds}.{nanoseconds}\n",
            path.display()
        ));
        if lines.len() > MOST_FILES {
            return Err(io::Error::other(format!("more than {MOST_FILES} files")));
        }
        return Ok(());
    }
    // Nothing that a model consists of lies deeper.
    if depth > MOST_DEPTH {
        return Ok(());
    }
    lines.push(format!("{}\n", path.display()));
    for entry in path.read_dir()? {
        let entry = entry?;
        let is_out = depth == 0 && entry.file_name().to_str().is_some_and(is_left_out);
        if !is_out {
            gather(&entry.path(), depth + 1, is_left_out, lines)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_change_shows_but_what_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let of = || stamp(folder.path(), &|name| name == "1").unwrap();
        let write =
            |path: &str, text: &str| std::fs::write(folder.path().join(path), text).unwrap();
        let mut seen = vec![of()];
        let mut check = |is_new: bool| {
            let now = of();
            assert_eq!(!seen.contains(&now), is_new);
            seen.push(now);
        };
        write("a", "one");
        check(true);
        check(false);
        write("a", "more");
        check(true);
        std::fs::create_dir_all(folder.path().join("1")).unwrap();
        write("1/model", "left out");
        check(false);
        std::fs::create_dir_all(folder.path().join("b/c")).unwrap();
        check(true);
        write("b/c/d", "");
        check(true);
        std::fs::remove_file(folder.path().join("a")).unwrap();
        check(true);
    }
}
