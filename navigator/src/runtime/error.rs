//! What can go wrong with a vendor runtime.

use std::io;
use std::path::PathBuf;

use nav_runners::VendorRuntime;

/// Why a runtime was not installed, listed or removed.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// There are no wheels for this machine.
    #[error("{runtime} is built for x86-64 Linux only, this machine is {machine}")]
    Machine {
        /// Which runtime.
        runtime: VendorRuntime,
        /// Architecture and system of this machine.
        machine: String,
    },
    /// There are no wheels that pip could fetch.
    #[error("nav cannot install {runtime}")]
    NoWheels {
        /// Which runtime.
        runtime: VendorRuntime,
    },
    /// No folder to install into.
    #[error(
        "there is no folder for runtimes, as neither a cache folder nor a home folder is known"
    )]
    NoFolder,
    /// The network is not to be used.
    #[error("{runtime} is not installed, and downloads are forbidden")]
    Offline {
        /// Which runtime.
        runtime: VendorRuntime,
    },
    /// Python could not be started.
    #[error("cannot run {python}, which fetches the wheel")]
    Python {
        /// The program.
        python: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// pip did not bring the wheel.
    #[error("pip could not fetch {requirement}: {reason}")]
    Pip {
        /// What was asked for.
        requirement: String,
        /// The last thing pip said.
        reason: String,
    },
    /// The folder or file given with `--from` does not have the wheel.
    #[error("{file_name} is not at {place}", place = .place.display())]
    NotGiven {
        /// The wheel's file name.
        file_name: String,
        /// Where it was looked for.
        place: PathBuf,
    },
    /// The wheel is not the one that was pinned.
    #[error("{file_name} has SHA-256 {found}, expected {expected}")]
    Digest {
        /// The wheel's file name.
        file_name: String,
        /// The pinned digest.
        expected: &'static str,
        /// What the file has.
        found: String,
    },
    /// The wheel cannot be unpacked.
    #[error("cannot unpack {file_name}: {reason}")]
    Wheel {
        /// The wheel's file name.
        file_name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A file could not be read or written.
    #[error("cannot {action} {path}", path = .path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
}

impl RuntimeError {
    /// Whether what was fetched is not what it should be, rather than this machine lacking something.
    pub fn is_integrity(&self) -> bool {
        matches!(self, Self::Digest { .. } | Self::Wheel { .. })
    }

    pub(crate) fn file(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File {
            action,
            path,
            source,
        }
    }
}
