//! Why an ensemble cannot be served.

/// Why an ensemble cannot be served. Steps are numbered from 0.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnsembleError {
    /// It has no steps, or too many.
    #[error("it has {steps} steps, and 1 to {limit} are possible")]
    Steps {
        /// How many it has.
        steps: usize,
        /// How many it may have.
        limit: usize,
    },
    /// A tensor is given by two.
    #[error("tensor `{tensor}` is given twice")]
    GivenTwice {
        /// Its name.
        tensor: String,
    },
    /// A tensor is used, and nobody gives it.
    #[error("nobody gives tensor `{tensor}`")]
    NotGiven {
        /// Its name.
        tensor: String,
    },
    /// Steps wait for each other.
    #[error("step {step} ({model}) waits for its own output")]
    StepCycle {
        /// The first such step.
        step: usize,
        /// Its model.
        model: String,
    },
    /// A step's model is not served.
    #[error("step {step} asks model `{model}`, which is not served")]
    NoModel {
        /// The step.
        step: usize,
        /// The model.
        model: String,
    },
    /// A step names an input or output that its model does not have.
    #[error("step {step}: model `{model}` has no {role} `{tensor}`")]
    NoTensor {
        /// The step.
        step: usize,
        /// Its model.
        model: String,
        /// `input` or `output`.
        role: &'static str,
        /// The name.
        tensor: String,
    },
    /// A step leaves out an input that its model needs.
    #[error("step {step}: model `{model}` needs input `{input}`")]
    InputLeftOut {
        /// The step.
        step: usize,
        /// Its model.
        model: String,
        /// The input.
        input: String,
    },
    /// A step's model gives any number of responses.
    #[error("step {step}: model `{model}` gives any number of responses")]
    Decoupled {
        /// The step.
        step: usize,
        /// Its model.
        model: String,
    },
    /// The ensemble would ask itself, through others.
    #[error("it would ask itself, through model `{through}`")]
    ModelCycle {
        /// The step's model that leads back.
        through: String,
    },
}
