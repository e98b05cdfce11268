//! Keys on the elliptic curve P-256: read from PEM, made, and written. Nothing here prints one.

mod algorithm;
mod error;
mod pem;
mod private;
mod public;
mod store;

pub use error::{KeyError, KeyFault};
pub use private::PrivateKey;
pub use public::PublicKey;
pub use store::write_pair;

#[cfg(test)]
mod tests;
