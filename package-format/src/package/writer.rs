//! Writes packages: each content once, the same bytes for the same content, and all of it or nothing.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use super::manifest::{Manifest, StoredFile};
use super::model_navigator;
use super::reader::{MANIFEST, PackageError};
use super::variant::VariantFile;
use crate::archive::{ArchiveWriter, Written};
use crate::{Digest, Format, TensorView, file, numpy};

/// A model that is to be packed.
#[derive(Clone, Copy, Debug)]
pub struct PackedModel<'a> {
    /// The kind of its file.
    pub format: Format,
    /// Where it is now.
    pub path: &'a Path,
    /// What it refers to: the paths that it finds them under, and where they are now.
    pub others: &'a [(String, PathBuf)],
}

/// A package in the making. Dropped before it is finished, it leaves nothing behind.
#[derive(Debug)]
pub struct PackageWriter {
    archive: ArchiveWriter,
    files: Vec<StoredFile>,
    by_content: HashMap<Digest, String>,
}

impl PackageWriter {
    /// Begins a package that will be at this path once it is finished.
    pub fn create(path: &Path) -> Result<Self, PackageError> {
        Ok(Self {
            archive: ArchiveWriter::create(path)?,
            files: Vec::new(),
            by_content: HashMap::new(),
        })
    }

    /// Adds a model and what it refers to below a folder of the package. `seen` is told the bytes of each
    /// file written so far.
    pub fn add_model(
        &mut self,
        folder: &str,
        model: &PackedModel<'_>,
        seen: &mut dyn FnMut(u64),
    ) -> Result<Vec<VariantFile>, PackageError> {
        let own = match model.format.extensions().first() {
            Some(extension) => format!("model.{extension}"),
            None => "model".to_owned(),
        };
        let own = (own, model.path.to_owned());
        let mut files = Vec::new();
        for (name, path) in std::iter::once(&own).chain(model.others) {
            let entry = self.add_file(&format!("{folder}/{name}"), path, seen)?;
            files.push(VariantFile {
                name: name.clone(),
                entry,
            });
        }
        Ok(files)
    }

    /// Adds a file, and gives the name that its content has in the package: that of an earlier file where
    /// the content is the same. It is read twice, so that nothing is written that is there already.
    pub fn add_file(
        &mut self,
        name: &str,
        path: &Path,
        seen: &mut dyn FnMut(u64),
    ) -> Result<String, PackageError> {
        let failed = |source: io::Error| PackageError::Read {
            path: path.to_owned(),
            source,
        };
        let (mut content, bytes) = file::open(path)?;
        let digest = Digest::of_reader(&mut content, |_| {}).map_err(failed)?;
        if let Some(known) = self.by_content.get(&digest) {
            return Ok(known.clone());
        }
        io::Seek::rewind(&mut content).map_err(failed)?;
        let written = self.archive.add(name, bytes, &mut content, seen)?;
        if written.digest != digest {
            return Err(PackageError::Changed {
                path: path.to_owned(),
            });
        }
        self.note(name, written);
        Ok(name.to_owned())
    }

    /// Adds content that is in memory, and gives the name that it has in the package.
    pub fn add_bytes(&mut self, name: &str, bytes: &[u8]) -> Result<String, PackageError> {
        if let Some(known) = self.by_content.get(&Digest::of(bytes)) {
            return Ok(known.clone());
        }
        let written = self.archive.add_bytes(name, bytes)?;
        self.note(name, written);
        Ok(name.to_owned())
    }

    /// Adds named tensors as an `.npz`. Samples go to `model_input/<kind>/<number>.npz`, and what the
    /// original gave for them to `model_output/<kind>/<number>.npz`.
    pub fn add_tensors<'a>(
        &mut self,
        name: &str,
        tensors: impl IntoIterator<Item = (&'a str, TensorView<'a>)>,
    ) -> Result<(), PackageError> {
        let packed = numpy::write_npz(io::Cursor::new(Vec::new()), tensors);
        let packed = packed.map_err(|source| PackageError::Samples {
            entry: name.to_owned(),
            source,
        })?;
        // Samples are found by their names, so equal ones are written again.
        let written = self.archive.add_bytes(name, packed.get_ref())?;
        self.note(name, written);
        Ok(())
    }

    fn note(&mut self, name: &str, written: Written) {
        self.by_content
            .entry(written.digest)
            .or_insert_with(|| name.to_owned());
        self.files.push(StoredFile {
            name: name.to_owned(),
            bytes: written.bytes,
            sha256: written.digest,
        });
    }

    /// Completes the package with this manifest, whose list of files is made here, and puts it in its place.
    /// Model Navigator's record of the same is written beside it, so that its users can open the package.
    pub fn finish(mut self, mut manifest: Manifest) -> Result<(), PackageError> {
        let status = model_navigator::write(&manifest, &self.files)?;
        let written = self
            .archive
            .add_bytes(model_navigator::STATUS, status.as_bytes())?;
        self.note(model_navigator::STATUS, written);
        self.files.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        manifest.files = self.files;
        let text = manifest.to_text()?;
        self.archive.add_bytes(MANIFEST, &text)?;
        self.archive.finish()?;
        Ok(())
    }
}
