//! Reads a package of ours: its manifest, and whether the archive around it is what the manifest says.

use super::error::PackageError;
use crate::archive::{Archive, ArchiveError, EntryFault};
use crate::package::manifest::Manifest;

/// Where the manifest is.
pub(in crate::package) const MANIFEST: &str = "nav/manifest.json";
/// The most that a manifest may take.
const MANIFEST_BYTES: u64 = 64 << 20;

/// Reads the manifest. Every byte around the contents is checked here, and that the files are there in the
/// sizes that the manifest gives. Contents are checked when they are read.
pub(super) fn read(archive: &Archive) -> Result<Manifest, PackageError> {
    let text = archive.read_to_vec(MANIFEST, None, MANIFEST_BYTES)?;
    let manifest = Manifest::parse(&text)?;
    archive.check_canonical()?;
    for entry in archive.entries() {
        if entry.name() == MANIFEST {
            continue;
        }
        let Some(file) = manifest.file(entry.name()) else {
            return Err(fault(entry.name(), EntryFault::Unexpected));
        };
        if file.bytes != entry.bytes() {
            let (expected, found) = (file.bytes, entry.bytes());
            return Err(fault(&file.name, EntryFault::Size { expected, found }));
        }
    }
    let missing = |name: &str| archive.entry(name).is_none();
    match manifest.files.iter().find(|file| missing(&file.name)) {
        Some(file) => Err(fault(&file.name, EntryFault::Missing)),
        None => Ok(manifest),
    }
}

fn fault(name: &str, fault: EntryFault) -> PackageError {
    ArchiveError::in_entry(name, fault).into()
}
