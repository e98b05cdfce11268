//! The worker executable, asked as `nav` asks it: over its process, with models that `PyTorch` made.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "all of this is a test, the functions outside of #[test] too"
)]

mod loss;
mod numbers;
mod refusals;
mod support;
