//! A runner in another process: the same `Runner`, `Loaded` and `Session`, over shared memory.
//!
//! A crash, a hang past its deadline or a corrupt frame in a vendor's library becomes an error with its
//! true cause, and the next request finds a new process. Knows no async and no server, and of packages only what
//! [`packaged`] needs to make a runner of a variant.
//!
//! [`frame`] says what is exchanged, [`parent`] and [`child`] are the two sides, and [`external`] lists
//! the runners that only exist as executables of their own.

pub mod child;
mod control;
pub mod external;
pub mod frame;
mod layout;
pub mod packaged;
pub mod parent;
mod ready;
mod socket;
mod tensors;

pub use child::contain;
pub use external::{EXTERNAL_RUNNERS, ExternalRunner, all_runners};
pub use nav_native::confine;
pub use parent::{Isolated, Life, WorkerCommand, WorkerOptions, hosted};
pub use ready::{NoneReady, first_ready};
pub use socket::SocketError;
