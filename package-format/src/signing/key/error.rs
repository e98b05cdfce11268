//! What can be wrong with a key, or with the file that it is in. Plain data without a byte of the key.

use std::io;
use std::path::PathBuf;

use crate::file::FileError;

/// Why a text is not the key that is needed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    /// There is no key in it.
    #[error("there is no key in PEM form in it")]
    NotPem,
    /// It is far larger than any key.
    #[error("it has more than {limit} bytes, which no key has")]
    TooLarge {
        /// How many it may have.
        limit: usize,
    },
    /// There is more than one key in it.
    #[error("there is more than one key in it")]
    Several,
    /// A password is needed.
    #[error("its key is encrypted, and keys with a password are not supported")]
    Encrypted,
    /// A private key is needed.
    #[error("it is a public key, and the private one is needed")]
    Public,
    /// A public key is needed.
    #[error("it is a private key, and only the public one is needed")]
    Private,
    /// It is a certificate.
    #[error("it is a certificate, and a plain public key is needed")]
    Certificate,
    /// It is a key of another kind.
    #[error("its key is of kind {found}, and one on the elliptic curve P-256 is needed")]
    Algorithm {
        /// The kind, or its number.
        found: String,
    },
    /// It is on another curve.
    #[error("its key is on the curve {found}, and one on P-256 is needed")]
    Curve {
        /// The curve, or its number.
        found: String,
    },
    /// It looks like a key and is none.
    #[error("its key is damaged")]
    Damaged,
}

/// A key cannot be read, made or kept.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The path leads to no file that can be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The system could not read it.
    #[error("cannot read {path}", path = .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// What is in the file is not the key that is needed.
    #[error("{path} cannot be used as a key", path = .path.display())]
    Fault {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        fault: KeyFault,
    },
    /// Nothing is ever written over a key.
    #[error("{path} exists, and keys are never overwritten", path = .path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be written.
    #[error("cannot write {path}", path = .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The system has no random numbers.
    #[error("the system gives no random numbers")]
    Random(#[source] io::Error),
}

impl KeyError {
    /// Whether a file is not what it should be, rather than the path, the user's rights or the machine.
    pub const fn is_integrity(&self) -> bool {
        matches!(self, Self::Fault { .. })
    }
}

impl KeyFault {
    /// The fault of a block that is no key of ours.
    pub(super) fn of_label(label: &str) -> Self {
        let shown: String = label.chars().take(64).collect();
        Self::Algorithm {
            found: format!("{shown:?}"),
        }
    }
}
