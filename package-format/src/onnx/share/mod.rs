//! Sharing weights between models: a model whose weights are in another file already, bit by bit, is written
//! again without them, with references to where they are.

mod error;
mod outline;
mod rewrite;
mod weights;

pub use error::ShareError;
pub use rewrite::{Shared, share_weights};
pub use weights::{Weight, weights_of};

#[cfg(test)]
mod tests;
