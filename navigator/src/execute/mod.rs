//! Follows a plan: every candidate in a process of its own, everything that comes of it noted at once.
//!
//! A crash, a hang or too much memory is a record and never the end of the run. Knows no format of packages and
//! nobody to talk to but the observer.

mod built_for;
mod child;
mod entry;
mod measuring;
mod proof;
mod record;
mod run;
mod search;
mod site;

pub(crate) use entry::Entry;
pub(crate) use run::{Executed, execute};
pub(crate) use site::Site;
