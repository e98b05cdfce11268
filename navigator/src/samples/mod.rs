//! Sample inputs: concrete extents for the open dimensions of a model, and data for them, generated or read from
//! a user's files.
//!
//! Knows no runner.

mod case_inputs;
mod dims;
mod generate;
mod given;
mod random;
mod rows;

pub use case_inputs::{MakeError, SampleSource, extents_of};
pub use dims::{DimensionError, DimensionValues, Dimensions};
pub use generate::{GenerateError, generate};
pub use given::{Sample, SampleError, read_arrays, read_samples};
pub use rows::RowsError;
