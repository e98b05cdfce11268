//! Load against servers of all kinds: ours, and such as do what no server should.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on panics where it stands"
)]

mod faults;
mod open;
mod secure;
mod served;
mod servers;
