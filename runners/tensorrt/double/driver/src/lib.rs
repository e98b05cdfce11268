//! A `libcuda.so.1` that computes on the processor, so that what talks to NVIDIA's driver can be run where there is no GPU.
//!
//! It is as strict as the true one where mistakes of ours would show: device memory lies at addresses that the host cannot touch, copies are
//! held to their allocations, each stream does its work on a thread of its own in the order in which it was queued, what is captured does
//! not run, and what lives is counted. It knows nothing of TensorRT. It says nothing of how fast anything is, and has no kernels: work
//! is copies and functions of the host.
//!
//! A file `double.conf` beside the library says what it pretends to be ([`facts`]); a file `counters` there is kept up to date
//! ([`counters`]).

mod calls;
mod code;
mod counter;
mod counters;
mod facts;
mod graph;
mod memory;
mod place;
mod stream;
mod world;
