//! The engine as its callers see it, with models that do what a test tells them. Nothing sleeps: tests and
//! models tell each other when to go on.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on panics where it stands"
)]

mod batching;
mod blame;
mod caching;
mod ensembles;
mod failing;
mod lifetime;
mod queueing;
mod runners;
mod sequences;
mod stateful;
mod streams;
mod subject;
mod telling;
