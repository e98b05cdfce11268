//! Why a file is not an acceptable TorchScript archive. Plain data.

use crate::archive::ArchiveError;

/// A fault of an archive's bytes, or of reading them.
#[derive(Debug, thiserror::Error)]
pub enum TorchScriptError {
    /// A bare pickle, as very old releases of `torch.save` wrote.
    #[error("a bare pickle, not TorchScript: opening it would run code, so it is never opened")]
    BarePickle,
    /// What `torch.save` writes.
    #[error("a pickled checkpoint, not TorchScript: it has weights but no code to run them with")]
    Checkpoint,
    /// No archive, one that cannot be read, or one that there is more than one reading of.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// A zip archive of something else.
    #[error("a zip archive, but not TorchScript: there is no {missing}")]
    NotTorchScript {
        /// What a TorchScript archive would have.
        missing: &'static str,
    },
    /// An entry's name is unsafe, or it is outside the one folder that all are in.
    #[error("the archive's entry {name:?} is refused: {reason}")]
    Entry {
        /// The entry's name.
        name: String,
        /// Why.
        reason: &'static str,
    },
}

impl TorchScriptError {
    /// Whether the file is at fault, rather than the machine that reads it.
    pub const fn is_integrity(&self) -> bool {
        match self {
            Self::Archive(error) => error.is_integrity(),
            _ => true,
        }
    }
}
