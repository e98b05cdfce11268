//! Functions made into callables, and into other functions: what PyTriton's decorators do, put together like them.
//!
//! `group_by_keys`, `fill_optionals`, `batch`, `sample`, `decoupled` take and give callables of requests; `group_by_values`,
//! `pad_batch`, `first_value` take and give functions of one batch, and so stand within `batch`.

mod batch;
mod decoupled;
mod fill_optionals;
mod first_value;
mod group_by_keys;
mod group_by_values;
mod pad_batch;
mod padder;
mod sample;

pub use batch::batch;
pub use decoupled::{batch_decoupled, decoupled};
pub use fill_optionals::fill_optionals;
pub use first_value::{FirstValue, first_value};
pub use group_by_keys::group_by_keys;
pub use group_by_values::{group_by_values, group_by_values_padded};
pub use pad_batch::pad_batch;
pub use padder::ConstantPadder;
pub use sample::sample;

#[cfg(test)]
mod tests;
