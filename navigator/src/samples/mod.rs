//! Sample inputs: concrete extents for the open dimensions of a model, and data for them.
//!
//! Knows no runner and reads no file.

mod dims;
mod generate;
mod random;

pub use dims::{DimensionError, DimensionValues, Dimensions};
pub use generate::{GenerateError, generate};
