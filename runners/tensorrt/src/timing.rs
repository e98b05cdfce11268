//! What builds measured, kept for later builds: a file for each kind of device and each version. Losing it costs time, nothing else.

use std::fs::File;
use std::path::{Path, PathBuf};

use nav_runners::Libraries;
use nav_runners::cuda::DeviceFacts;

use crate::engine_file;

/// The folder of such files, beside that of the runtimes.
const FOLDER: &str = "tensorrt-timing";

/// Where it is kept, if anything is.
pub(crate) fn path(
    libraries: &Libraries,
    device: &DeviceFacts,
    (version, cuda): (&str, &str),
) -> Option<PathBuf> {
    let home = libraries.runtimes_folder.as_ref()?.parent()?;
    let capability = &device.compute_capability;
    let name = format!(
        "{}-{capability}-tensorrt-{version}-cuda-{cuda}",
        device.name
    );
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || ".-".contains(letter);
    let name: String = name
        .chars()
        .map(|letter| if is_plain(letter) { letter } else { '_' })
        .collect();
    Some(home.join(FOLDER).join(name))
}

/// Waits until no other process builds for this kind of device, and has others wait until it is dropped: builds measure, and would measure
/// each other. Where nothing can be kept, nobody is waited for.
pub(crate) fn turn(path: Option<&Path>) -> Option<File> {
    let path = path?;
    std::fs::create_dir_all(path.parent()?).ok()?;
    let lock = File::create(path.with_added_extension("lock")).ok()?;
    lock.lock().ok()?;
    Some(lock)
}

/// What earlier builds measured; nothing where there were none.
pub(crate) fn read(path: Option<&Path>) -> Vec<u8> {
    path.and_then(|path| std::fs::read(path).ok())
        .unwrap_or_default()
}

/// Keeps what was measured. What cannot be kept is measured again.
pub(crate) fn keep(path: Option<&Path>, measured: &[u8]) {
    let Some(path) = path else { return };
    let made = path.parent().map(std::fs::create_dir_all);
    if let Some(Ok(())) = made {
        drop(engine_file::write(path, measured));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(name: &str) -> DeviceFacts {
        DeviceFacts {
            number: 0,
            name: name.to_owned(),
            uuid: String::new(),
            memory_bytes: 0,
            compute_capability: "9.0".to_owned(),
        }
    }

    #[test]
    fn every_kind_of_device_and_every_version_has_a_file_of_its_own() {
        let libraries = Libraries {
            runtimes_folder: Some("/home/u/.cache/nav/runtimes".into()),
            ..Libraries::default()
        };
        let check = |name: &str, version: &str, expected: &str| {
            let found = path(&libraries, &device(name), (version, "13.0")).unwrap();
            let folder = Path::new("/home/u/.cache/nav/tensorrt-timing");
            assert_eq!(found, folder.join(expected));
        };
        check(
            "NVIDIA H200",
            "11.4.0.106",
            "NVIDIA_H200-9.0-tensorrt-11.4.0.106-cuda-13.0",
        );
        check(
            "../../x",
            "11.5.0.1",
            ".._.._x-9.0-tensorrt-11.5.0.1-cuda-13.0",
        );
        let nowhere = path(&Libraries::default(), &device("x"), ("1", "1"));
        assert_eq!(nowhere, None);
    }

    #[test]
    fn builds_for_one_kind_of_device_take_turns() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new").join("device");
        let first = turn(Some(&path)).unwrap();
        let (started, is_started) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            let next = scope.spawn(|| {
                started.send(()).unwrap();
                let _turn = turn(Some(&path)).unwrap();
                read(Some(&path))
            });
            is_started.recv().unwrap();
            keep(Some(&path), b"of the first");
            drop(first);
            assert_eq!(next.join().unwrap(), b"of the first");
        });
        assert!(turn(None).is_none());
    }

    #[test]
    fn what_was_measured_is_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new").join("device");
        assert_eq!(read(Some(&path)), b"");
        keep(Some(&path), b"measured");
        assert_eq!(read(Some(&path)), b"measured");
        assert_eq!(read(None), b"");
    }
}
