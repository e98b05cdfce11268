//! Reading and writing NumPy's `.npy` and `.npz` files, safely with files that nobody vouches for.
//!
//! The header of an `.npy` file is a Python literal. It is read here by a small strict parser and not by
//! the crate `npyz`, which allocates whatever header length a file states (up to 4 GiB), multiplies the
//! extents without looking at overflow, and parses any Python literal, with the parser generator that
//! takes. Here no size that a file states is believed before its bytes have arrived, no Python object is
//! ever unpickled, and no member of an archive reaches the disk.

mod decode;
mod element;
mod error;
mod file;
mod header;
mod limits;
mod literal;
mod npy;
mod npz;
mod order;
mod write_npy;
mod write_npz;

pub use error::{ArrayError, ElementError, HeaderError, NumpyError};
pub use file::{NumpyFile, read_file};
pub use limits::Limits;
pub use npy::read_npy;
pub use npz::read_npz;
pub use write_npy::write_npy;
pub use write_npz::write_npz;
