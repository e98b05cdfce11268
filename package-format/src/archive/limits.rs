//! How much an archive may ask of the machine that reads it, and which of the many ways to write one are
//! understood. Numbers only.

/// Bounds on one archive. What is over a limit is refused before memory is taken for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Entries, folders included.
    pub entries: u64,
    /// Bytes of the directory. Memory for it is taken as it is read, and never more than a few times this.
    pub directory_bytes: u64,
    /// Bytes of all entries together, once read.
    pub total_bytes: u64,
    /// Bytes of all deflated entries together, once read: what an archive can claim beyond its own size.
    pub inflated_bytes: u64,
    /// How many times larger than in the archive a deflated entry may be. Small ones may be anything.
    pub ratio: u64,
    /// Bytes of a name.
    pub name_bytes: usize,
    /// Parts of a name.
    pub depth: usize,
}

impl Limits {
    /// A deflated entry that becomes no larger than this needs no ratio.
    pub(super) const ANY_RATIO: u64 = 1 << 20;

    /// No bounds but those on the directory: for archives whose entries are bounded as they are read.
    pub(crate) const fn of_directory(entries: u64, directory_bytes: u64) -> Self {
        Self {
            entries,
            directory_bytes,
            total_bytes: u64::MAX,
            inflated_bytes: u64::MAX,
            ratio: u64::MAX,
            name_bytes: usize::MAX,
            depth: usize::MAX,
        }
    }
}

impl Default for Limits {
    /// Far above the largest packages: 100 000 files, 1 TiB, of which 1 GiB may be deflated (text and
    /// samples are), 200 to 1.
    fn default() -> Self {
        Self {
            entries: 100_000,
            directory_bytes: 32 << 20,
            total_bytes: 1 << 40,
            inflated_bytes: 1 << 30,
            ratio: 200,
            name_bytes: 512,
            depth: 32,
        }
    }
}

/// Which archives are understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Packages. Names are paths, sizes come before the data, and nothing is there without a meaning.
    Package,
    /// Archives of tensors, by NumPy or `PyTorch`. Names are labels, sizes may come after the data, and
    /// extra fields may be anything that changes nothing.
    Tensors,
}
