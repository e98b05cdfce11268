//! Code of a program as a model: what it is given, what it gives, and how the engine runs it.

mod answers;
mod backend;
mod checks;
mod context;
mod inputs;
mod outputs;
mod request;

pub(crate) use answers::check_count;
pub use answers::{Answer, Answers, Infer, Round, Stream};
pub(crate) use backend::{CallableBackend, Fatal, SharedCallable};
pub use context::Context;
pub use inputs::Inputs;
pub use outputs::Outputs;
pub use request::Request;
