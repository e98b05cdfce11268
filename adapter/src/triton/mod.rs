//! The server as programs hold it: configured, models bound to it, run in the background or until it is stopped.

mod access;
mod binding;
mod cache_config;
mod config;
mod declared;
mod error;
mod field;
mod log_file;
mod options;
mod security;
mod serving;
mod trace_config;
mod value;

pub use binding::BindOptions;
pub use config::TritonConfig;
pub use error::{ConfigError, TritonError};
pub use field::{Effect, Field};
pub use security::TritonSecurityConfig;
pub use serving::{Triton, TritonBuilder};
pub use value::{Compression, ModelControl};
