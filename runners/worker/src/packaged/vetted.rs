//! A package that is open, with the answer to what may be loaded of it.

use std::path::Path;
use std::sync::Arc;

use nav_package_format::Digest;
use nav_package_format::archive::{Archive, Limits};
use nav_package_format::file::{self, FileError};
use nav_package_format::package::{Package, PackageError, Variant};
use nav_package_format::trust::{Refusal, TrustPolicy};

use super::gate::{Gate, GateError};

/// A package that is open, with the answer to what may be loaded of it. Clones are the same package.
#[derive(Clone, Debug)]
pub struct VettedPackage {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    package: Package,
    gate: Gate,
}

/// Why a package cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum VettedError {
    /// There is no such file.
    #[error(transparent)]
    File(#[from] FileError),
    /// It cannot be told what may be loaded of it.
    #[error(transparent)]
    Gate(#[from] GateError),
    /// It is no package, or a broken one.
    #[error(transparent)]
    Package(#[from] PackageError),
}

impl VettedPackage {
    /// The package at this path, under this policy. `built_here` is the folder with the record of what this machine
    /// built, if there is one. What is checked is the file that is then read.
    pub fn open(
        path: &Path,
        policy: &TrustPolicy,
        built_here: Option<&Path>,
    ) -> Result<Self, VettedError> {
        let (open, _) = file::open(path)?;
        let gate = Gate::of(policy, (path, &open), built_here)?;
        let archive = Archive::from_file(open, &Limits::default()).map_err(PackageError::from)?;
        let package = Package::from_archive(archive)?;
        Ok(Self {
            inner: Arc::new(Inner { package, gate }),
        })
    }

    /// What it says.
    pub fn package(&self) -> &Package {
        &self.inner.package
    }

    /// Whether a variant of it may be loaded.
    pub fn admit(&self, variant: &Variant) -> Result<(), Refusal> {
        let Inner { package, gate } = &*self.inner;
        let entry = variant.model_entry().unwrap_or_default();
        let trust_class = package.trust_class(&variant.format, entry);
        let digests: Vec<Digest> = package.digests(&variant.files).copied().collect();
        let known = digests.len() == variant.files.len();
        gate.admit(trust_class, if known { &digests } else { &[] })
    }
}
