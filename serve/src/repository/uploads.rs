//! Files that came with requests: kept in a private folder for as long as what was loaded from them is served.

use std::fs::{DirBuilder, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::parameters::LoadParameters;

/// How the folders are called.
const PREFIX: &str = "nav-model-";

/// Folders of versions that a request brought. They go when this is dropped.
#[derive(Debug)]
pub(super) struct Uploads {
    folder: TempDir,
}

impl Uploads {
    /// Writes the files of a request.
    pub(super) fn write(parameters: &LoadParameters, within: &Path) -> io::Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix(PREFIX)
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(within)?;
        let uploads = Self { folder };
        for ((version, path), content) in parameters.files() {
            // The path was checked when the parameter was taken: it only goes down.
            let place = uploads.path().join(version.to_string()).join(path);
            if let Some(parent) = place.parent() {
                DirBuilder::new()
                    .recursive(true)
                    .mode(0o700)
                    .create(parent)?;
            }
            let mut options = OpenOptions::new();
            let options = options.write(true).create_new(true).mode(0o600);
            options.open(&place)?.write_all(content)?;
        }
        Ok(uploads)
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Removes what servers left behind that were killed. Whoever still runs keeps its folder locked.
pub(super) struct Scratch {
    path: PathBuf,
    /// Held for as long as this process runs.
    _lock: std::fs::File,
}

impl std::fmt::Debug for Scratch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Scratch").field(&self.path).finish()
    }
}

const LOCK: &str = "lock";

impl Scratch {
    /// A folder of this process's own within this one.
    pub(super) fn within(folder: &Path) -> io::Result<Self> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
        for entry in folder.read_dir()? {
            let path = entry?.path();
            let is_left =
                std::fs::File::open(path.join(LOCK)).is_ok_and(|lock| lock.try_lock().is_ok());
            if is_left {
                // Another server that starts now may be faster.
                drop(std::fs::remove_dir_all(&path));
            }
        }
        let path = tempfile::Builder::new()
            .prefix("server-")
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(folder)?
            .keep();
        // Locked before it has its name, so that nobody takes it for one that was left behind.
        let unnamed = path.join("unlocked");
        let lock = std::fs::File::create(&unnamed)?;
        lock.lock()?;
        std::fs::rename(unnamed, path.join(LOCK))?;
        Ok(Self { path, _lock: lock })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Takes the folder away before this is dropped. Nothing can be kept in it from then on.
    pub(super) fn remove(&self) {
        // The next start would do it too.
        drop(std::fs::remove_dir_all(&self.path));
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        self.remove();
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::repository::parameters::ParameterValue;

    #[test]
    fn what_a_killed_server_left_goes_and_what_is_in_use_stays() {
        let folder = tempfile::tempdir().unwrap();
        let running = Scratch::within(folder.path()).unwrap();
        let left = folder.path().join("server-left");
        std::fs::create_dir(&left).unwrap();
        std::fs::write(left.join(LOCK), "").unwrap();
        let other = Scratch::within(folder.path()).unwrap();
        assert!(running.path().exists() && other.path().exists() && !left.exists());
        let path = running.path().to_owned();
        drop(running);
        assert!(!path.exists());
    }

    #[test]
    fn files_are_private_and_go_with_what_holds_them() {
        let folder = tempfile::tempdir().unwrap();
        let mut parameters = LoadParameters::default();
        let content = ParameterValue::Bytes(Bytes::from_static(b"abc"));
        parameters.set("file:2/weights/a.bin", content).unwrap();
        let uploads = Uploads::write(&parameters, folder.path()).unwrap();
        let file = uploads.path().join("2/weights/a.bin");
        assert_eq!(std::fs::read(&file).unwrap(), b"abc");
        let mode = PermissionsExt::mode;
        assert_eq!(
            mode(&uploads.path().metadata().unwrap().permissions()) & 0o777,
            0o700
        );
        assert_eq!(mode(&file.metadata().unwrap().permissions()) & 0o777, 0o600);
        drop(uploads);
        assert_eq!(folder.path().read_dir().unwrap().count(), 0);
    }
}
