//! A runner by itself, as [`PyTritonAdapter::runner`](crate::PyTritonAdapter::runner) gives it: what it answers, and how it
//! fails.

pub use nav_runners::handle::{InferError, NamedOutputs, RunnerHandle};
pub use nav_runners::{InputError, LoadError, RunError, Tensor, TensorDesc};
