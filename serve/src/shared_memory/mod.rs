//! Memory that clients share with the server: objects below `/dev/shm`, registered under names, that requests read
//! inputs from and have outputs written to.
//!
//! Nothing is mapped: inputs are read from the object's file (`pread`) and outputs written to it (`pwrite`). An object
//! belongs to the client, who may shrink it at any time and write to it while a request runs. A page of a mapping that
//! is gone is a signal that ends the process; a read that comes out short is an error of one request. And what was
//! checked when a request was admitted (that byte strings are as many as the shape says, so that no request of a batch
//! shifts another's elements) must still be so when the model runs, which memory that a client writes to cannot
//! promise. The price is one copy of each tensor more than a mapping would take, about a seventh of a millisecond for
//! each MiB; a body that comes over a socket costs a multiple of it.
//!
//! The server opens files on behalf of clients here, so it does it only when the operator opted in, for keys that the
//! operator's list admits, of owners whom the operator named ([`SharedMemoryOptions`]). Registering is management; whoever may ask models may name any region that is
//! registered, to read from and to write to. Knows no protocol.

mod cuda;
mod error;
mod object;
mod options;
mod region;
mod regions;
mod tensors;

pub(crate) use cuda::CudaRegistration;
pub(crate) use error::RegionError;
pub use options::SharedMemoryOptions;
pub(crate) use regions::{Regions, Registration};
pub(crate) use tensors::{Place, Places, Spans};
