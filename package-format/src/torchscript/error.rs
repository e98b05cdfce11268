//! Why a file is not an acceptable TorchScript archive. Plain data.

use std::io;

use zip::result::ZipError;

/// A fault of an archive's bytes, or of reading them.
#[derive(Debug, thiserror::Error)]
pub enum TorchScriptError {
    /// Reading failed.
    #[error("cannot read the archive")]
    Io(#[source] io::Error),
    /// A bare pickle, as very old releases of `torch.save` wrote.
    #[error("a bare pickle, not TorchScript: opening it would run code, so it is never opened")]
    BarePickle,
    /// What `torch.save` writes.
    #[error("a pickled checkpoint, not TorchScript: it has weights but no code to run them with")]
    Checkpoint,
    /// No zip archive.
    #[error("not a zip archive")]
    NotZip,
    /// A zip archive of something else.
    #[error("a zip archive, but not TorchScript: there is no {missing}")]
    NotTorchScript {
        /// What a TorchScript archive would have.
        missing: &'static str,
    },
    /// Parts of the archive contradict each other, or there is more than one reading of it.
    #[error("the archive's directory is inconsistent: {what}")]
    Inconsistent {
        /// What is wrong.
        what: &'static str,
    },
    /// More entries, or a larger directory, than any model has.
    #[error("the archive's directory has {found} {unit}, more than the {limit} allowed")]
    TooLarge {
        /// `entries` or `bytes`.
        unit: &'static str,
        /// How many it has.
        found: u64,
        /// How many are allowed.
        limit: u64,
    },
    /// An entry's name is unsafe, or it is outside the one folder that all are in.
    #[error("the archive's entry {name:?} is refused: {reason}")]
    Entry {
        /// The entry's name.
        name: String,
        /// Why.
        reason: &'static str,
    },
    /// The directory or an entry cannot be decoded.
    #[error("the archive is damaged")]
    Damaged(#[source] ZipError),
}

impl TorchScriptError {
    /// Whether the file is at fault, rather than the machine that reads it.
    pub const fn is_integrity(&self) -> bool {
        !matches!(self, Self::Io(_))
    }
}

impl From<ZipError> for TorchScriptError {
    fn from(error: ZipError) -> Self {
        match error {
            // Decoders report faults of the data as such errors too, but only the system's have a number.
            ZipError::Io(error) if error.raw_os_error().is_some() => Self::Io(error),
            error => Self::Damaged(error),
        }
    }
}
