//! What the runners over ONNX Runtime share: the library, its settings, its models and sessions.

pub mod accelerator;
mod companions;
pub mod element;
mod foretold;
pub mod library;
pub mod model;
mod reason;
pub mod settings;
