//! A package as programs open it: on a host, which says whether its models may be loaded and what runs them.

use std::path::{Path, PathBuf};

use nav_package_format::package;
use nav_worker::packaged::{VettedError, VettedPackage};

use crate::host::{Host, HostError};

/// An open package, of this program's or of Model Navigator's. Clones are the same.
#[derive(Clone, Debug)]
pub struct Package {
    vetted: VettedPackage,
    host: Host,
}

/// Why a package cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenPackageError {
    /// The host cannot be used.
    #[error(transparent)]
    Host(#[from] HostError),
    /// The file is none, or a broken one.
    #[error("cannot open {path}", path = .path.display())]
    Package {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: Box<VettedError>,
    },
}

impl Package {
    /// The package at this path, on this host as [`Host::from_environment`] has it.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenPackageError> {
        Self::open_on(path, &Host::from_environment()?)
    }

    /// The package at this path, on this host.
    pub fn open_on(path: impl AsRef<Path>, host: &Host) -> Result<Self, OpenPackageError> {
        let path = path.as_ref();
        let built_here = host.home().built_here();
        let vetted = VettedPackage::open(path, host.policy(), Some(&built_here));
        let vetted = vetted.map_err(|source| OpenPackageError::Package {
            path: path.to_owned(),
            source: Box::new(source),
        })?;
        Ok(Self {
            vetted,
            host: host.clone(),
        })
    }

    /// What it says: variants, what was measured of them, warnings.
    pub fn contents(&self) -> &package::Package {
        self.vetted.package()
    }

    pub(crate) const fn vetted(&self) -> &VettedPackage {
        &self.vetted
    }

    pub(crate) const fn host(&self) -> &Host {
        &self.host
    }
}
