//! Runners in child processes: what is served, what is survived, and what is left behind.
//!
//! This executable is its own child: the tests named `child_*` are what the others start, with nothing
//! but the protocol between them. They are ignored otherwise.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "all of this is a test, the functions outside of #[test] too"
)]

mod external;
mod lifetime;
mod loss;
mod protocol;
mod round_trip;
mod runners;
mod scripted;
mod sessions;
mod support;

#[test]
#[ignore = "the child that other tests start"]
fn child_worker() {
    runners::serve();
}

#[test]
#[ignore = "the child that other tests start"]
fn child_scripted() {
    scripted::serve();
}

#[test]
#[ignore = "the child that other tests start"]
fn child_that_is_a_parent() {
    lifetime::load_a_model_and_die();
}

#[test]
#[ignore = "the child that other tests start"]
fn child_that_loads_in_vain() {
    lifetime::load_what_never_loads();
}
