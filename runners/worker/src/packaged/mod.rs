//! A variant of a package as a runner: the one way from a package to something that runs.
//!
//! Knows packages by what they say of their variants, and no policy: who opens a package says what it admits, where
//! libraries are and where models go. Reads no environment.

mod built_for;
mod choosing;
mod error;
mod gate;
mod home;
mod host;
#[cfg(test)]
mod tests;
mod trials;
mod verified;
mod vetted;

pub use choosing::{Prepared, get_runner, prepare};
pub use error::PackagedError;
pub use gate::{Gate, GateError, built_here, today};
pub use home::{Home, HomeError, user_folder};
pub use host::Host;
pub use vetted::{VettedError, VettedPackage};
