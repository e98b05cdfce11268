//! Why a signature is not one of what it should be. Plain data.

use std::io;
use std::path::PathBuf;

use super::contents::ContentsError;
use super::differences::Differences;
use crate::Digest;
use crate::archive::NameFault;
use crate::file::FileError;

/// A signature does not hold.
#[derive(Debug, thiserror::Error)]
pub enum SignatureError {
    /// There is none.
    #[error("there is no signature: {path} does not exist", path = .path.display())]
    Unsigned {
        /// Where it should be.
        path: PathBuf,
    },
    /// The path leads to no file that can be read.
    #[error(transparent)]
    File(FileError),
    /// The system could not read it.
    #[error("cannot read {path}", path = .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// It is larger than that of the largest package.
    #[error("the signature has more than {limit} bytes")]
    TooLarge {
        /// How many it may have.
        limit: usize,
    },
    /// It is no JSON, or none that can be read in one way only.
    #[error("{part} is not the JSON that it should be")]
    Json {
        /// The signature, or what is signed.
        part: &'static str,
        /// What is wrong, and where.
        source: serde_json::Error,
    },
    /// A part of it is not as it should be.
    #[error("`{at}` in the signature {what}")]
    Member {
        /// The way to the part.
        at: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// It is a signature of a kind that came later, or of another.
    #[error(
        "the signature is of type {found:?}, and only version 0.3 of Sigstore bundles is supported"
    )]
    Version {
        /// Its type.
        found: String,
    },
    /// It comes with a certificate.
    #[error("the signature is made with a certificate, and only plain keys are supported")]
    Certificate,
    /// What is signed is something else than a statement.
    #[error("what is signed is of type {found:?}, not an in-toto statement")]
    Payload {
        /// Its type.
        found: String,
    },
    /// The statement is about something else.
    #[error("the statement that is signed is a {found:?}, not of files")]
    Predicate {
        /// Its type.
        found: String,
    },
    /// Files were cut in a way that is not supported.
    #[error("files are signed by {found:?}, and only whole files are supported")]
    Method {
        /// The way.
        found: String,
    },
    /// Files were hashed in a way that is not supported.
    #[error("files are signed by digests of kind {found:?}, and only SHA-256 is supported")]
    HashAlgorithm {
        /// The algorithm.
        found: String,
    },
    /// A file has a name that no file may have.
    #[error("the signature is of a file {name:?}")]
    Name {
        /// The name.
        name: String,
        /// What is wrong with it.
        source: NameFault,
    },
    /// A file is named twice.
    #[error("the signature is of two files {name:?}")]
    Duplicate {
        /// The name.
        name: String,
    },
    /// The digest of all is not that of the parts.
    #[error("the signature contradicts itself: its digest of all files is not that of its files")]
    Inconsistent,
    /// It is of a file, and this is a folder, or the other way round.
    #[error("the signature is of a {signed}, and this is a {found}")]
    Kind {
        /// What was signed.
        signed: &'static str,
        /// What there is.
        found: &'static str,
    },
    /// No key to check it with was given.
    #[error("no key is given to check the signature with")]
    NoKey,
    /// Another key made it.
    #[error(
        "the signature is by another key: its hint is {hint:?}, and that of the key given is {given}"
    )]
    WrongKey {
        /// What it says of its key.
        hint: String,
        /// What it would say of the key given, or of the first of them.
        given: Digest,
    },
    /// It says that the key made it, and that is not so.
    #[error("the signature is wrong: it, or the list of files in it, was altered")]
    Altered,
    /// It says nothing of its key, and none of those given made it.
    #[error("the signature is by another key, or it, or the list of files in it, was altered")]
    NoHint,
    /// What there is cannot be compared.
    #[error(transparent)]
    Contents(#[from] ContentsError),
    /// What there is, is not what was signed.
    #[error("what was signed was something else: {0}")]
    Differs(Differences),
}

impl SignatureError {
    /// Whether the package or its signature is at fault, rather than the path, the user's rights or the
    /// machine.
    pub const fn is_integrity(&self) -> bool {
        match self {
            Self::File(_) | Self::Read { .. } | Self::NoKey => false,
            Self::Contents(error) => error.is_integrity(),
            _ => true,
        }
    }

    /// Whether it is only that none of the keys given made the signature.
    pub const fn is_other_key(&self) -> bool {
        matches!(self, Self::WrongKey { .. } | Self::NoHint | Self::NoKey)
    }
}
