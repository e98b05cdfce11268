//! The worker executable, asked as `nav` asks it: over its process, with models that PyTorch made.

mod numbers;
mod refusals;
mod support;
