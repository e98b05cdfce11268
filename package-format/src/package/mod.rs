//! What a package says of its model: variants that were tried, how they did, and which one to take.

mod cross_check;
pub mod evaluation;
pub mod manifest;
pub mod measurement;
pub mod model_navigator;
mod reader;
pub mod record;
pub mod serving;
pub mod strategy;
pub mod variant;
mod warning;
mod writer;

pub use evaluation::{Cost, Evaluation, Step};
pub use manifest::{Decision, Manifest, ManifestError};
pub use measurement::{Latency, Measurement, Percentile, PercentileBounds};
pub use reader::{Origin, Package, PackageError, Samples};
pub use record::{Comparison, Outcome, Record, Tolerance};
pub use serving::Serving;
pub use strategy::{
    AsServed, Choice, MaxThroughput, MaxThroughputAndMinLatency, MaxThroughputWithLatencyBudget,
    MinLatency, NoChoice, PassedOver, Runtime, SelectedRuntime, Strategy, choose, first_choice,
};
pub use variant::{BuiltFor, Variant, VariantFile};
pub use warning::{Role, Warning};
pub use writer::{PackageWriter, PackedModel};
