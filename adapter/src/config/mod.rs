//! What is declared of a model when it is bound: its tensors, and how it is served.

mod model;
mod tensor;
mod warm_up;

pub use model::{DynamicBatcher, ModelConfig, ModelFault, QueuePolicy, TimeoutAction};
pub use tensor::Tensor;
pub(crate) use warm_up::requests as warm_up_requests;
pub use warm_up::{ModelWarmup, WarmupInput};
