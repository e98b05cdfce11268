//! Why external data is refused. Plain data.

use std::io;

/// A tensor's external data is refused.
#[derive(Debug, thiserror::Error)]
#[error("external data of tensor {tensor:?} in {location:?} is refused")]
pub struct ExternalDataError {
    /// The tensor.
    pub tensor: String,
    /// The file as the model names it; empty when it names none.
    pub location: String,
    /// What is wrong.
    #[source]
    pub fault: ExternalFault,
}

impl ExternalDataError {
    /// Whether the model is at fault, rather than the machine that reads it.
    pub const fn is_integrity(&self) -> bool {
        !matches!(
            self.fault,
            ExternalFault::NotPermitted | ExternalFault::NoContainment | ExternalFault::Io(_)
        )
    }
}

/// What is wrong with external data.
#[derive(Debug, thiserror::Error)]
pub enum ExternalFault {
    /// No file is named.
    #[error("the model names no file")]
    NoLocation,
    /// The path starts at the root.
    #[error("the path is absolute")]
    Absolute,
    /// The path has `..` in it.
    #[error("the path leads out of a folder")]
    Parent,
    /// The path has an empty part.
    #[error("the path has an empty part")]
    EmptyPart,
    /// The path has a character that is unsafe on some system.
    #[error("the path has the character {0:?}")]
    Character(char),
    /// The path starts with a drive letter.
    #[error("the path starts with a drive letter")]
    Drive,
    /// A key that has no meaning here.
    #[error("the key {0:?} is not allowed")]
    Key(String),
    /// A key is there more than once.
    #[error("the key {0:?} is given more than once")]
    DuplicateKey(String),
    /// A number is not one.
    #[error("{key} is {value:?}, not a number of bytes")]
    Number {
        /// `offset` or `length`.
        key: &'static str,
        /// What it is.
        value: String,
    },
    /// Byte strings cannot be external.
    #[error("byte strings cannot be external")]
    Strings,
    /// There is no such file.
    #[error("there is no such file in the model's folder")]
    Missing,
    /// The path is a link, or leads over one.
    #[error("the path leads over a symbolic link")]
    Link,
    /// The path leads out of the model's folder.
    #[error("the path leads out of the model's folder")]
    Outside,
    /// It is a folder, a pipe, a socket or a device.
    #[error("it is not a regular file")]
    NotRegular,
    /// The file has other names, which may be outside the folder.
    #[error("the file has {0} hard links, one is allowed")]
    HardLinks(u64),
    /// The bytes are not all in the file.
    #[error("{length} bytes from byte {offset} on go past the end of a file of {size}")]
    Range {
        /// Where they start.
        offset: u64,
        /// How many they are.
        length: u64,
        /// How large the file is.
        size: u64,
    },
    /// The length is not what shape and type ask for.
    #[error("the length is {found} bytes, but shape and type ask for {expected}")]
    Length {
        /// What shape and type ask for.
        expected: u64,
        /// What the model says.
        found: u64,
    },
    /// The file may not be read.
    #[error("the file may not be read by this user")]
    NotPermitted,
    /// The kernel cannot open a file so that it is sure to be inside a folder.
    #[error("this kernel lacks openat2, without which no file is opened on behalf of a model")]
    NoContainment,
    /// The system could not open the file.
    #[error("the file cannot be opened")]
    Io(#[source] io::Error),
}
