//! Taking the wanted files, and only those, out of a wheel whose digest has been checked.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use zip::ZipArchive;
use zip::result::ZipError;

use super::catalogue::{Member, Wheel};
use super::error::RuntimeError;

/// Unpacks the wheel's members below `folder`. `seen` is told the bytes written so far and the bytes
/// there are to write.
pub(super) fn unpack(
    wheel: &Wheel,
    file: &Path,
    folder: &Path,
    mut seen: impl FnMut(u64, u64),
) -> Result<(), RuntimeError> {
    let broken = |error: ZipError| RuntimeError::Wheel {
        file_name: wheel.file_name.to_owned(),
        reason: error.to_string(),
    };
    let opened = File::open(file).map_err(RuntimeError::file("open", file))?;
    let mut archive = ZipArchive::new(opened).map_err(broken)?;
    let mut wanted: Vec<(usize, PathBuf)> = Vec::new();
    let mut total = 0;
    for index in 0..archive.len() {
        let entry = archive.by_index_raw(index).map_err(broken)?;
        let name = entry.name().map_err(broken)?;
        let target = wheel.members.iter().find_map(|member| member.target(&name));
        if let Some(target) = target.filter(|_| entry.is_file()) {
            total += entry.size();
            wanted.push((index, target));
        }
    }
    if let Some(absent) = wheel
        .members
        .iter()
        .find(|member| member.is_absent(&archive))
    {
        return Err(RuntimeError::Wheel {
            file_name: wheel.file_name.to_owned(),
            reason: format!("{} is not in it", absent.path),
        });
    }
    let mut done = 0;
    for (index, target) in wanted {
        let entry = archive.by_index(index).map_err(broken)?;
        let target = folder.join(target);
        write(entry, &target, |count| {
            done += count;
            seen(done, total);
        })?;
    }
    Ok(())
}

impl Member {
    /// Where an entry of this name goes, if this member covers it.
    fn target(&self, entry: &str) -> Option<PathBuf> {
        if entry == self.path {
            let name = Path::new(entry).file_name()?;
            return Some(Path::new(self.folder).join(name));
        }
        // A folder of the wheel, which keeps its inner layout.
        let inner = entry
            .strip_prefix(self.path)
            .filter(|_| self.path.ends_with('/'))?;
        let plain = Path::new(inner)
            .components()
            .all(|part| matches!(part, std::path::Component::Normal(_)));
        plain.then(|| Path::new(self.folder).join(inner))
    }

    fn is_absent<R: Read + Seek>(&self, archive: &ZipArchive<R>) -> bool {
        let covers = |name: &str| self.target(name).is_some();
        !archive
            .file_names()
            .any(|name| name.is_ok_and(|name| covers(&name)))
    }
}

fn write(
    mut entry: impl Read,
    target: &Path,
    mut written: impl FnMut(u64),
) -> Result<(), RuntimeError> {
    if let Some(parent) = target.parent() {
        std::fs::create_dir_all(parent).map_err(RuntimeError::file("create", parent))?;
    }
    let created = OpenOptions::new().write(true).create_new(true).open(target);
    let mut file = created.map_err(RuntimeError::file("create", target))?;
    let mut buffer = vec![0_u8; 1 << 20];
    loop {
        let count = match entry.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(RuntimeError::file("unpack", target)(error)),
        };
        file.write_all(&buffer[..count])
            .map_err(RuntimeError::file("write", target))?;
        written(count as u64);
    }
}
