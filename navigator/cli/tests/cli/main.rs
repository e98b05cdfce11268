//! The `nav` command as a user runs it: what it prints, what it leaves behind, how it exits.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on panics where it stands"
)]

mod bad_models;
mod config;
mod doctor;
mod ending;
mod help;
mod infer;
mod inspect;
mod nav;
mod optimize;
mod package;
mod perf;
mod report;
mod runtime;
mod serve;
mod show;
mod signing;
