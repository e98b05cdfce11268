//! The worker executable, asked as `nav` asks it: over its process. With TensorRT's lean runtime, of which nothing can be had without a GPU
//! but its refusals; and, whole, with a driver and a TensorRT that compute on the processor ([`double`]).
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "all of this is a test, the functions outside of #[test] too"
)]

#[path = "../../double/driver/src/counter.rs"]
mod counter;
mod devices;
mod double;
mod engines;
mod loss;
mod numbers;
mod refusals;
mod support;
mod values;
