//! One entry of an archive, as its directory has it.

/// How the content of an entry is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    /// As it is.
    Stored,
    /// Compressed.
    Deflated,
}

/// A file in an archive. Its headers were checked, its content was not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub(crate) name: String,
    pub(crate) bytes: u64,
    /// How many bytes it takes in the archive.
    pub(crate) packed: u64,
    pub(crate) crc: u32,
    pub(crate) method: Method,
    /// Where its header starts.
    pub(crate) header_at: u64,
    /// Where its content starts.
    pub(crate) data_at: u64,
    /// Kept until they are compared with the header's.
    pub(super) flags: u64,
    pub(super) time: u64,
}

impl Entry {
    /// Its name: a relative path, its parts separated by `/`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The size of its content.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether its content lies in the archive as it is.
    pub const fn is_stored(&self) -> bool {
        matches!(self.method, Method::Stored)
    }

    /// Whether it is a folder, and so empty.
    pub(crate) fn is_folder(&self) -> bool {
        self.name.ends_with('/')
    }
}
