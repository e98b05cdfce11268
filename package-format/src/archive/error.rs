//! What can be wrong with an archive, or with one entry of it. Plain data.

use std::io;
use std::path::PathBuf;

use super::name::NameFault;
use crate::Digest;
use crate::file::FileError;

/// How much of an archive's own text an error repeats.
const SHOWN: usize = 256;

/// An archive cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The path leads to no file that can be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The system could not read it.
    #[error("the archive cannot be read")]
    Io(#[source] io::Error),
    /// Where a content is copied to does not take it.
    #[error("the content cannot be passed on")]
    Target(#[source] io::Error),
    /// It has no end that zip archives have.
    #[error("not a zip archive")]
    NotZip,
    /// Its parts contradict each other, or there is more than one reading of them.
    #[error("the archive's structure is refused: {what}")]
    Structure {
        /// What is wrong.
        what: &'static str,
    },
    /// It asks for more than is allowed.
    #[error("the archive has {found} {unit}, more than the {limit} allowed")]
    TooLarge {
        /// What is counted.
        unit: &'static str,
        /// How many there are.
        found: u64,
        /// How many are allowed.
        limit: u64,
    },
    /// One entry is at fault.
    #[error("entry {name:?} of the archive")]
    Entry {
        /// Its name, shortened where it is long.
        name: String,
        /// What is wrong with it.
        #[source]
        fault: EntryFault,
    },
    /// The archive, or a file out of it, cannot be written.
    #[error("cannot write {path}", path = .path.display())]
    Write {
        /// Where to.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The path ends in no file name, or where a file is begun there is something that is not ours.
    #[error("{path} is no place to write to", path = .path.display())]
    Place {
        /// The path.
        path: PathBuf,
    },
    /// The archive is being written already.
    #[error("another process is writing {path}", path = .path.display())]
    Busy {
        /// The path.
        path: PathBuf,
    },
}

/// What is wrong with an entry.
#[derive(Debug, thiserror::Error)]
pub enum EntryFault {
    /// The name is not allowed.
    #[error(transparent)]
    Name(#[from] NameFault),
    /// The name is not UTF-8, or not marked as such.
    #[error("its name is not marked as UTF-8, or is not")]
    NotText,
    /// There is another entry of this name.
    #[error("there are two entries of this name")]
    Duplicate,
    /// Some systems take two names for one.
    #[error("its name differs from {other:?} in upper and lower case only")]
    Collision {
        /// The other name.
        other: String,
    },
    /// A name is that of a file and of a folder.
    #[error("{other:?} is the name of a file and of a folder")]
    FileAndFolder {
        /// The name.
        other: String,
    },
    /// It is encrypted.
    #[error("it is encrypted")]
    Encrypted,
    /// It is compressed in a way that is not supported.
    #[error("it is neither stored nor deflated, but of method {method}")]
    Method {
        /// The method's number.
        method: u64,
    },
    /// It has flags of which only some have a meaning here.
    #[error("its flags {flags:#06x} are not supported")]
    Flags {
        /// All of its flags.
        flags: u64,
    },
    /// It is a link, a device, a pipe, or sets the user that runs it.
    #[error("it is no plain file: its mode is {mode:#o}")]
    NotRegular {
        /// Its type and permissions.
        mode: u64,
    },
    /// It is a folder by its name or its mode, but not by all else.
    #[error("it is not quite a folder")]
    OddFolder,
    /// It has a field that may change its meaning.
    #[error("its extra field {id:#06x} is not supported")]
    Extra {
        /// The field's number.
        id: u64,
    },
    /// A header is not one.
    #[error("its header is refused: {what}")]
    Header {
        /// What is wrong.
        what: &'static str,
    },
    /// Its header and its record in the directory contradict each other.
    #[error("its header and the archive's directory disagree on its {field}")]
    Disagreement {
        /// On what.
        field: &'static str,
    },
    /// It begins inside of another entry, or there is a gap before it.
    #[error("it does not begin where what is before it ends")]
    Misplaced,
    /// It goes on to where something else begins, or there is a gap after it.
    #[error("it does not end where what is after it begins")]
    Overlap,
    /// It is larger than allowed, or all together are.
    #[error("with it there are {found} bytes of content, more than the {limit} allowed")]
    TooLarge {
        /// How many there are.
        found: u64,
        /// How many are allowed.
        limit: u64,
    },
    /// It claims to become far larger than it is.
    #[error("its {packed} bytes become {bytes}, more than {limit} times as many")]
    Ratio {
        /// How many it takes.
        packed: u64,
        /// How many it claims to become.
        bytes: u64,
        /// How many times as many are allowed.
        limit: u64,
    },
    /// It is not as large as it should be.
    #[error("it has {found} bytes and should have {expected}")]
    Size {
        /// How many it should have.
        expected: u64,
        /// How many it has.
        found: u64,
    },
    /// Its content is not what was written.
    #[error("its checksum is wrong")]
    Checksum,
    /// Its content is not what it should be.
    #[error("its SHA-256 is {found} and should be {expected}")]
    Digest {
        /// What it should be.
        expected: Digest,
        /// What it is.
        found: Digest,
    },
    /// It cannot be inflated.
    #[error("it cannot be inflated")]
    Deflate,
    /// Reading it failed before, and was tried again.
    #[error("it was found to be damaged before")]
    Damaged,
    /// There is none of this name.
    #[error("it is missing")]
    Missing,
    /// Nothing is known of what it should be.
    #[error("it is not among those that should be there")]
    Unexpected,
    /// Some byte around its content is not what would be written.
    #[error("its header is not the one that would be written")]
    NotCanonical,
    /// It cannot be read.
    #[error("it cannot be read")]
    Read(#[source] io::Error),
    /// It cannot be extracted: something is there already, or the system cannot create the file.
    #[error("it cannot be extracted")]
    Extract(#[source] io::Error),
}

impl ArchiveError {
    /// Whether the archive is at fault, rather than the path, the user's rights or the machine.
    pub const fn is_integrity(&self) -> bool {
        match self {
            Self::File(_)
            | Self::Io(_)
            | Self::Target(_)
            | Self::Write { .. }
            | Self::Place { .. }
            | Self::Busy { .. } => false,
            Self::NotZip | Self::Structure { .. } | Self::TooLarge { .. } => true,
            Self::Entry { fault, .. } => {
                !matches!(fault, EntryFault::Read(_) | EntryFault::Extract(_))
            }
        }
    }

    /// The name of the entry that is at fault, where it is one.
    pub fn entry(&self) -> Option<&str> {
        match self {
            Self::Entry { name, .. } => Some(name),
            _ => None,
        }
    }

    /// The fault of an entry.
    pub(crate) fn in_entry(name: &str, fault: impl Into<EntryFault>) -> Self {
        Self::Entry {
            name: name.chars().take(SHOWN).collect(),
            fault: fault.into(),
        }
    }

    /// What reading an entry failed of.
    pub(crate) fn of_reading(name: &str, error: io::Error) -> Self {
        match error.downcast::<Self>() {
            Ok(error) => error,
            Err(error) => Self::in_entry(name, EntryFault::Read(error)),
        }
    }

    /// Reading outside of entries failed.
    pub(crate) fn outside(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::UnexpectedEof {
            return Self::structure("the file became shorter while it was read");
        }
        Self::Io(error)
    }

    pub(crate) const fn structure(what: &'static str) -> Self {
        Self::Structure { what }
    }
}

impl From<ArchiveError> for io::Error {
    fn from(error: ArchiveError) -> Self {
        Self::new(io::ErrorKind::InvalidData, error)
    }
}
