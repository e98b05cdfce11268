//! The worker executable, asked as `nav` asks it: over its process, with TensorRT's lean runtime. Nothing here needs a GPU; on a host
//! with one, the answers are those of such a host.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "all of this is a test, the functions outside of #[test] too"
)]

mod double;
mod numbers;
mod refusals;
mod support;
