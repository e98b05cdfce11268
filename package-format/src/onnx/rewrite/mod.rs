//! Writing a model again without decoding it: what stays is copied byte by byte. Weights that are in another file
//! already, bit by bit, become references to where they are; inputs that nobody is to give are left out.

mod error;
mod keep_inputs;
mod outline;
mod pieces;
mod share;
mod weights;

pub use error::RewriteError;
pub use keep_inputs::keep_inputs;
pub use share::{Shared, share_weights};
pub use weights::{Weight, weights_of};

#[cfg(test)]
mod tests;
