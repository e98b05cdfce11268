//! What a version of a model is made of, read: two that are made of the same answer the same. Knows nothing of what is in
//! the files.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use nav_package_format::{Digest, Hasher};
use prost::Message;

use super::open::Opened;
use super::stamp::{MOST_DEPTH, MOST_FILES};
use crate::proto::ModelConfig;

/// What a package is called, which has all of its files in itself. Other files may have parts beside them.
const PACKAGE: &str = "nav";

/// The digest of everything that the answers of this version depend on; none where that is not known: of a lone file that
/// may have parts elsewhere.
pub(super) fn digest(
    place: &Path,
    config: &ModelConfig,
    opened: &Opened,
) -> io::Result<Option<Digest>> {
    let mut hasher = Hasher::default();
    let mut part = |bytes: &[u8]| {
        // Each says how long it is, so that no two lists of parts read the same.
        hasher.update(&(bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    };
    part(&config.encode_to_vec());
    part(opened.platform.as_bytes());
    part(format!("{:?} {:?}", opened.device, opened.told).as_bytes());
    if !place.is_dir() {
        if place.extension().is_none_or(|it| it != PACKAGE) {
            return Ok(None);
        }
        part(Digest::of_reader(File::open(place)?, |_| {})?.as_bytes());
        return Ok(Some(hasher.finish()));
    }
    let mut files = Vec::new();
    gather(place, 0, &mut files)?;
    // Folders are listed in any order.
    files.sort_unstable();
    for file in files {
        let name = file.strip_prefix(place).unwrap_or(&file);
        part(name.as_os_str().as_encoded_bytes());
        part(Digest::of_reader(File::open(&file)?, |_| {})?.as_bytes());
    }
    Ok(Some(hasher.finish()))
}

fn gather(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in folder.read_dir()? {
        let path = entry?.path();
        if !path.is_dir() {
            files.push(path);
        } else if depth < MOST_DEPTH {
            gather(&path, depth + 1, files)?;
        }
        if files.len() > MOST_FILES {
            return Err(io::Error::other(format!("more than {MOST_FILES} files")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use nav_engine::Callable;
    use nav_package_format::Signature;

    use super::*;

    #[test]
    fn what_is_the_same_is_made_of_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let version = folder.path().join("1");
        let write = |path: &str, text: &str| {
            let path = version.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        let opened = |platform: &str| {
            let signature = Signature {
                inputs: Vec::new(),
                outputs: Vec::new(),
            };
            Opened::new(Callable::shared(signature, |_: &mut _| Ok(())), platform)
        };
        let config = |name: &str| ModelConfig {
            name: name.to_owned(),
            ..ModelConfig::default()
        };
        let of = |place: &Path, name: &str, platform: &str| {
            digest(place, &config(name), &opened(platform)).unwrap()
        };
        write("model.onnx", "one");
        write("weights/a", "two");
        let first = of(&version, "m", "p");
        assert!(first.is_some());
        write("model.onnx", "one");
        assert_eq!(of(&version, "m", "p"), first, "written again");
        let mut seen = vec![first, of(&version, "n", "p"), of(&version, "m", "q")];
        write("weights/a", "three");
        seen.push(of(&version, "m", "p"));
        std::fs::rename(version.join("weights/a"), version.join("weights/b")).unwrap();
        seen.push(of(&version, "m", "p"));
        let all = seen.len();
        seen.sort_unstable_by_key(|it| format!("{it:?}"));
        seen.dedup();
        assert_eq!(seen.len(), all, "{seen:?}");
        assert_eq!(of(&version.join("model.onnx"), "m", "p"), None);
        write("model.nav", "");
        assert!(of(&version.join("model.nav"), "m", "p").is_some());
    }
}
