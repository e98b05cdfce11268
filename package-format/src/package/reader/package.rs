//! An open package: what it says, and its files, each checked before anyone sees it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::error::PackageError;
use super::origin::Origin;
use super::ours::{self, MANIFEST};
use crate::archive::{Archive, ArchiveError, Entry, Limits};
use crate::cache::{Cache, CachedFile};
use crate::package::cross_check::cross_check;
use crate::package::evaluation::Evaluation;
use crate::package::manifest::{Manifest, StoredFile};
use crate::package::model_navigator;
use crate::package::strategy::{Choice, NoChoice, Runtime, Strategy, choose};
use crate::package::variant::{Variant, VariantFile};
use crate::package::warning::Warning;
use crate::{Digest, Signature};

/// An open package.
#[derive(Debug)]
pub struct Package {
    archive: Archive,
    origin: Origin,
    manifest: Manifest,
    warnings: Vec<Warning>,
}

impl Package {
    /// Opens the package at this path. Models and samples are looked at, not loaded.
    pub fn open(path: &Path, limits: &Limits) -> Result<Self, PackageError> {
        Self::from_archive(Archive::open(path, limits)?)
    }

    /// Takes a package whose archive is open already.
    pub fn from_archive(archive: Archive) -> Result<Self, PackageError> {
        let mut warnings = Vec::new();
        let (origin, mut manifest) = if archive.entry(MANIFEST).is_some() {
            let manifest = ours::read(&archive)?;
            let format = manifest.format;
            (Origin::Nav { format }, manifest)
        } else if archive.entry(model_navigator::STATUS).is_some() {
            model_navigator::read(&archive, &mut warnings)?
        } else {
            return Err(PackageError::NoManifest);
        };
        cross_check(&archive, &mut manifest, &mut warnings);
        Ok(Self {
            archive,
            origin,
            manifest,
            warnings,
        })
    }

    /// Who wrote it.
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// All that it says of itself. For a package of Model Navigator, the same in our terms, without digests.
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// What the model takes and gives: from its graph where there is one, as recorded otherwise.
    pub const fn signature(&self) -> &Signature {
        &self.manifest.model.signature
    }

    /// The ways to run the model that were tried.
    pub fn variants(&self) -> &[Variant] {
        &self.manifest.variants
    }

    /// What became of each variant.
    pub fn evaluations(&self) -> Vec<Evaluation> {
        self.manifest.evaluations()
    }

    /// What is wrong with it, where that does not keep it from being used.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// The archive that it is in.
    pub const fn archive(&self) -> &Archive {
        &self.archive
    }

    /// The variant that a choice names.
    pub fn variant(&self, runtime: &Runtime) -> Option<&Variant> {
        Variant::find(self.variants(), &runtime.variant, &runtime.runner)
    }

    /// What the first of the strategies that chooses takes.
    pub fn get_best_runtime(&self, strategies: &[&dyn Strategy]) -> Result<Choice, NoChoice> {
        choose(strategies, &self.evaluations())
    }

    /// How large the model of a variant is, with all that it refers to.
    pub fn model_bytes(&self, variant: &Variant) -> Option<u64> {
        let sizes = variant
            .files
            .iter()
            .map(|file| self.archive.entry(&file.entry).map(Entry::bytes));
        let total: Option<u64> = sizes.sum();
        total.filter(|_| !variant.files.is_empty())
    }

    /// The path of a variant's model in the cache, with what it refers to beside it. Only its files are
    /// extracted, and only if they are not there yet; each is checked. `seen` is told the bytes extracted.
    pub fn model_path(
        &self,
        variant: &Variant,
        cache: &Cache,
        seen: &mut dyn FnMut(u64),
    ) -> Result<PathBuf, PackageError> {
        self.materialise(&variant.files, cache, seen, &variant.name)
    }

    /// The path of the untouched model in the cache, with what it refers to beside it.
    pub fn original_path(
        &self,
        cache: &Cache,
        seen: &mut dyn FnMut(u64),
    ) -> Result<PathBuf, PackageError> {
        let model = &self.manifest.model;
        self.materialise(&model.files, cache, seen, &model.name)
    }

    fn materialise(
        &self,
        files: &[VariantFile],
        cache: &Cache,
        seen: &mut dyn FnMut(u64),
        variant: &str,
    ) -> Result<PathBuf, PackageError> {
        let Some(model) = files.first() else {
            return Err(PackageError::NoModel {
                variant: variant.to_owned(),
            });
        };
        let cached: Result<Vec<CachedFile>, PackageError> =
            files.iter().map(|file| self.cached(file)).collect();
        let mut before = 0;
        let folder = cache.materialise(&cached?, &mut |wanted, target| {
            let file = files.iter().find(|file| file.name == wanted.name);
            let entry = file.map_or(wanted.name.as_str(), |file| file.entry.as_str());
            // The cache checks what it is given against the digest.
            self.archive
                .copy_entry(entry, None, target, &mut |copied| seen(before + copied))?;
            before += wanted.bytes;
            Ok(())
        })?;
        Ok(folder.join(&model.name))
    }

    /// Size and digest of a file. Packages of Model Navigator do not come with them.
    fn cached(&self, file: &VariantFile) -> Result<CachedFile, PackageError> {
        let (bytes, digest) = if let Some(stored) = self.manifest.file(&file.entry) {
            (stored.bytes, stored.sha256)
        } else {
            let mut bytes = 0;
            let content = self.archive.read_entry(&file.entry, None)?;
            let digest = Digest::of_reader(content, |seen| bytes = seen)
                .map_err(|error| ArchiveError::of_reading(&file.entry, error))?;
            (bytes, digest)
        };
        Ok(CachedFile {
            name: file.name.clone(),
            bytes,
            digest,
        })
    }

    /// Checks every byte, and gives the files with their digests. `seen` is told the bytes checked so far.
    pub fn verify(&self, seen: &mut dyn FnMut(u64)) -> Result<Vec<StoredFile>, PackageError> {
        let digests = match &self.origin {
            Origin::ModelNavigator { .. } => self.archive.digests(seen)?,
            Origin::Nav { .. } => {
                let manifest = self.archive.read_to_vec(MANIFEST, None, u64::MAX)?;
                let own = (manifest.len() as u64, Digest::of(&manifest));
                let files = self.manifest.files.iter();
                let mut expected: BTreeMap<String, (u64, Digest)> = files
                    .map(|file| (file.name.clone(), (file.bytes, file.sha256)))
                    .collect();
                expected.insert(MANIFEST.to_owned(), own);
                self.archive.verify_all(&expected, seen)?;
                expected
            }
        };
        let files = digests
            .into_iter()
            .map(|(name, (bytes, sha256))| StoredFile {
                name,
                bytes,
                sha256,
            });
        Ok(files.collect())
    }
}
