//! Tidiness as tests: who may import whom, how large files may get, what documents must agree with.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on panics where it stands"
)]

mod clocks;
mod deploy;
mod documents;
mod files;
mod imports;
mod sources;
