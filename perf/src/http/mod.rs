//! HTTP/1.1 as a client speaks it: requests made once, answers read as they come.

pub(crate) mod exchange;
pub(crate) mod head;
pub(crate) mod json_tensor;
pub(crate) mod request;
