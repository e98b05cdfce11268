//! Responses that are kept for requests that are the same.

mod key;
mod store;

pub(crate) use key::{CacheKey, Identity};
pub use store::CacheStatistics;
pub(crate) use store::ResponseCache;
