//! What each hop costs. The benches lie beside this folder; here is what they share.
//!
//! Criterion measures one thing after the other, so what a busy machine does to one it need not do to the
//! next. Ratios and differences therefore come from [`interleaved`], which takes turns.

pub mod bare;
pub mod echo;
pub mod echo_edges;
pub mod encoder;
pub mod interleaved;
pub mod load;
pub mod models;
mod network;
pub mod on_gpu;
pub mod optimizing;
pub mod percentile;
pub mod perceptron;
pub mod record;
pub mod residual;
pub mod runtimes;
pub mod served;
pub mod suite;
pub mod trend;
mod weights;
