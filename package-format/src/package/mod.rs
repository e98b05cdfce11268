//! What a package says of its model: variants that were tried, how they did, and which one to take.

pub mod evaluation;
pub mod measurement;
pub mod model_navigator;
pub mod strategy;

pub use evaluation::{Evaluation, Outcome, Step};
pub use measurement::{Latency, Measurement, Percentile};
pub use strategy::{
    Choice, MaxThroughput, MaxThroughputAndMinLatency, MaxThroughputWithLatencyBudget, MinLatency,
    NoChoice, Runtime, SelectedRuntime, Strategy, choose,
};
