//! What programs see: runners out of packages, and a server without sockets.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on panics where it stands"
)]

mod bound_packages;
mod copies;
mod element_types;
mod in_process;
mod in_process_wishes;
mod model_navigator;
mod packages;
mod place;
mod repositories;
mod runner_lists;
mod scripted;
mod sequences;
#[expect(dead_code, reason = "it has more than these tests use")]
#[path = "../../../serve/tests/it/subject.rs"]
mod subject;
mod triton;
