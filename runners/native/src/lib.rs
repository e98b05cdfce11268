//! Placeholder, replaced by the next commits.

pub mod shared_memory;
