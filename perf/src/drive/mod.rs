//! Sending requests: when, over which connections, and what becomes of each.

pub(crate) mod connections;
pub(crate) mod flow;
pub(crate) mod own_use;
mod secure;
mod slot;
mod socket;
pub(crate) mod talk;
