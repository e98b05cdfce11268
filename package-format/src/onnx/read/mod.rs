//! The bounded reader: bytes of unknown origin to [`super::Model`].

mod model;
mod take;
mod tensor;
mod value;
pub(super) mod wire;

pub use model::read;

#[cfg(test)]
mod tests;
