//! A `libnvinfer.so.11` and a `libnvonnxparser.so.11` that compute on the processor, so that the very worker that ships can be run whole where
//! there is no GPU.
//!
//! Built against the vendor's headers, it is as strict as their documentation: what must be set before what, which shapes a profile
//! admits, how addresses are aligned, what must outlive what. Runs go through the driver's double, in the order of its streams and with
//! its device memory, and give the numbers that ONNX Runtime gives. A plan is the graph, with what it was built for and on.
//!
//! What passes on it shows that our calls, memory, order and shapes are right as the headers describe TensorRT. It says nothing of
//! TensorRT's own kernels, of what its builder accepts beyond what is cheap to know, or of how fast anything is.
//!
//! The classes are in `native/build.cpp` and `native/run.cpp`; here are models ([`model`]), plans ([`plan`]) and what both know of the graph ([`graph`]).

mod calls;
mod graph;
mod model;
mod names;
#[path = "../../driver/src/place.rs"]
mod place;
mod plan;
mod raw;
mod setting;
