//! Packages of ours: what is written is read again, every byte counts, and old ones open for ever.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on panics where it stands"
)]

mod content;
mod flips;
mod manifests;
mod round_trip;
mod sample;
mod schema;
