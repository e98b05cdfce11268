//! What can be wrong with a NumPy file: which file, which array in it, and why.

use std::io;
use std::path::PathBuf;

use crate::archive::ArchiveError;
use crate::file::FileError;
use crate::{Shape, ShapeError, TensorDataError};

/// Why a NumPy file cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum NumpyError {
    /// The fault lies in a file of this path.
    #[error("cannot read {}", path.display())]
    InFile {
        /// Its path.
        path: PathBuf,
        /// What is wrong.
        source: Box<NumpyError>,
    },
    /// The fault lies in an array of this name.
    #[error("array `{}`", name.escape_debug())]
    InArray {
        /// Its name, as the archive gives it.
        name: String,
        /// What is wrong.
        source: Box<ArrayError>,
    },
    /// The fault lies in the only array.
    #[error(transparent)]
    Array(Box<ArrayError>),
    /// The file cannot be opened.
    #[error(transparent)]
    File(#[from] FileError),
    /// The bytes cannot be read or written.
    #[error("the data cannot be transferred")]
    Io(#[source] io::Error),
    /// The content is neither an array nor an archive.
    #[error("the content is neither an .npy array nor an .npz archive")]
    NotNumpy,
    /// The archive is broken, of a kind that is not supported, or cannot be read.
    #[error("the archive cannot be used")]
    Archive(#[from] ArchiveError),
}

impl NumpyError {
    /// Whether the content is at fault, rather than the path, the user's rights or the machine.
    pub fn is_integrity(&self) -> bool {
        match self {
            Self::InFile { source, .. } => source.is_integrity(),
            Self::Archive(error) => error.is_integrity(),
            Self::File(_) | Self::Io(_) => false,
            _ => true,
        }
    }
}

/// Why one array cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum ArrayError {
    /// Its bytes cannot be read or written.
    #[error("the data cannot be transferred")]
    Io(#[source] io::Error),
    /// Its entry of the archive is not called `*.npy`.
    #[error("the archive entry is not an .npy array")]
    NotAnArray,
    /// Another array has the same name.
    #[error("the name stands for several arrays")]
    Duplicate,
    /// Its header is not one.
    #[error("the header cannot be read")]
    Header(#[source] HeaderError),
    /// Its elements are of a type that no tensor has.
    #[error(transparent)]
    Element(#[from] ElementError),
    /// It has more dimensions than NumPy can hold.
    #[error("{rank} dimensions are more than the {limit} that NumPy can hold")]
    TooManyDimensions {
        /// How many it has.
        rank: usize,
        /// How many it may have.
        limit: usize,
    },
    /// Its shape has no size.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// Its elements take more than the limit leaves.
    #[error("shape {shape} goes beyond the {limit} bytes that a file may take")]
    TooLarge {
        /// Its shape.
        shape: Shape,
        /// What all arrays of a file may take together.
        limit: u64,
    },
    /// The machine has no memory for it.
    #[error("there is no memory for {bytes} bytes")]
    OutOfMemory {
        /// How many bytes it takes.
        bytes: usize,
    },
    /// The data ends before the last element.
    #[error("the data ends after {found} of {expected} bytes")]
    Truncated {
        /// How many bytes the elements take.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// There is data after the last element.
    #[error("there is data after the {expected} bytes of the elements")]
    Trailing {
        /// How many bytes the elements take.
        expected: usize,
    },
    /// A unicode string holds a number that is no character.
    #[error("element {element} holds {code:#x}, which is no unicode character")]
    NotText {
        /// Which element.
        element: usize,
        /// What it holds.
        code: u32,
    },
    /// A byte string is longer than its length prefix can say.
    #[error("strings of {width} bytes are too long")]
    StringTooLong {
        /// How long they may be.
        width: usize,
    },
    /// The elements are not those of a tensor.
    #[error(transparent)]
    Data(#[from] TensorDataError),
    /// A byte string ends in a zero byte, which NumPy takes for padding.
    #[error("element {element} ends in a zero byte, which an .npy file cannot keep")]
    TrailingZero {
        /// Which element.
        element: usize,
    },
}

/// Why the header of an array cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// It does not begin like one.
    #[error("the first bytes are not those of an .npy array")]
    Magic,
    /// Its version is not known.
    #[error("format version {major}.{minor} is not known")]
    Version {
        /// The first number.
        major: u8,
        /// The second number.
        minor: u8,
    },
    /// It is longer than the limit.
    #[error("its {length} bytes are more than the limit of {limit}")]
    TooLong {
        /// How long it says it is.
        length: u64,
        /// How long it may be.
        limit: usize,
    },
    /// The data ends inside it.
    #[error("the data ends inside it")]
    Truncated,
    /// It is not the literal that the format prescribes.
    #[error("expected {expected} at byte {position}")]
    Syntax {
        /// What should be there.
        expected: &'static str,
        /// Where, from the first brace.
        position: usize,
    },
    /// A key of another meaning.
    #[error("the key `{key}` has no meaning")]
    UnknownKey {
        /// The key.
        key: String,
    },
    /// A key stands twice.
    #[error("the key `{key}` stands twice")]
    DuplicateKey {
        /// The key.
        key: &'static str,
    },
    /// A key is not there.
    #[error("the key `{key}` is missing")]
    MissingKey {
        /// The key.
        key: &'static str,
    },
}

/// Why elements of some NumPy type are not those of a tensor.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ElementError {
    /// Python objects, which only running code from the file could bring back.
    #[error("element type `{descr}` holds Python objects, which are never unpickled")]
    Pickled {
        /// The type as the file gives it.
        descr: String,
    },
    /// Records of several fields.
    #[error("structured element types are not supported")]
    Structured,
    /// Another type that tensors do not have.
    #[error("element type `{descr}` ({kind}) is not supported")]
    Unsupported {
        /// The type as the file gives it.
        descr: String,
        /// What it means.
        kind: &'static str,
    },
    /// No NumPy type, or one that does not say in which order its bytes lie.
    #[error("element type `{descr}` is not known")]
    Unknown {
        /// The type as the file gives it.
        descr: String,
    },
}

impl NumpyError {
    /// Puts an array's name before the fault.
    pub(super) fn in_array(name: &str) -> impl FnOnce(ArrayError) -> Self {
        let name = name.to_owned();
        |source| Self::InArray {
            name,
            source: Box::new(source),
        }
    }
}

impl From<ArrayError> for NumpyError {
    fn from(error: ArrayError) -> Self {
        Self::Array(Box::new(error))
    }
}
