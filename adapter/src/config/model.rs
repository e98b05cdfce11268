//! How a bound model is served, in the words that its users know, and what that is to the engine.
//!
//! What the engine cannot honour it says itself; here its words are given the names of the fields.

use std::collections::BTreeMap;
use std::time::Duration;

use nav_engine::{BatchPolicy, ModelError, ModelOptions};
use nav_package_format::Signature;

use super::warm_up::ModelWarmup;

/// How a model is served.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelConfig {
    /// Whether tensors have a first dimension for the batch.
    pub batching: bool,
    /// The most rows of a batch.
    pub max_batch_size: usize,
    /// How requests are put together into batches.
    pub batcher: DynamicBatcher,
    /// Whether responses are kept for requests that are the same. The server needs a cache for that.
    pub response_cache: bool,
    /// Whether a request gets any number of responses.
    pub decoupled: bool,
    /// How many threads run a runner's model side by side. A callable has as many as there are in its list.
    pub instances: usize,
    /// Requests that the model must answer before it is ready.
    pub model_warmup: Vec<ModelWarmup>,
}

/// How requests are put together into batches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DynamicBatcher {
    /// How long the first request of a batch waits for others.
    pub max_queue_delay_microseconds: u64,
    /// Sizes at which a batch runs at once.
    pub preferred_batch_size: Vec<usize>,
    /// Whether responses leave in the order in which requests came.
    pub preserve_ordering: bool,
    /// How many priority levels there are; 0 for none.
    pub priority_levels: u32,
    /// The level of a request that does not say; 0 where there are none.
    pub default_priority_level: u32,
    /// How requests wait.
    pub default_queue_policy: Option<QueuePolicy>,
    /// How those of some levels wait instead.
    pub priority_queue_policy: BTreeMap<u32, QueuePolicy>,
}

/// How requests of a level wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueuePolicy {
    /// What becomes of a request that has waited for too long.
    pub timeout_action: TimeoutAction,
    /// How long is too long; 0 for never.
    pub default_timeout_microseconds: u64,
    /// Whether a request may ask for less.
    pub allow_timeout_override: bool,
    /// The most requests that wait; 0 for no limit of its own.
    pub max_queue_size: usize,
}

pub use nav_engine::TimeoutAction;

/// What is wrong with how a model is bound.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct ModelFault {
    /// Where.
    pub field: String,
    /// What.
    pub reason: String,
}

impl ModelFault {
    pub(crate) fn new(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            reason: reason.into(),
        }
    }
}

impl Default for ModelConfig {
    fn default() -> Self {
        Self {
            batching: true,
            max_batch_size: 4,
            batcher: DynamicBatcher::default(),
            response_cache: false,
            decoupled: false,
            instances: 1,
            model_warmup: Vec::new(),
        }
    }
}

/// The options of the engine, and the fields that they come from.
const FIELDS: &[(&str, &str)] = &[
    ("instances", "instances"),
    ("priority_levels", "batcher.priority_levels"),
    ("default_priority", "batcher.default_priority_level"),
    ("level_queues", "batcher.priority_queue_policy"),
    ("preferred_sizes", "batcher.preferred_batch_size"),
    ("preserve_ordering", "batcher.preserve_ordering"),
    ("cache", "response_cache"),
];

impl ModelConfig {
    /// How the engine serves it.
    pub(crate) fn options(&self, signature: &Signature) -> Result<ModelOptions, ModelFault> {
        let options = self.wanted()?;
        options.check(signature).map_err(|error| match error {
            ModelError::Option { option, reason } => {
                let field = FIELDS.iter().find(|(known, _)| *known == option);
                ModelFault::new(field.map_or(option, |(_, field)| field), reason)
            }
            // It is that a tensor has no dimension for batches.
            other => ModelFault::new("batching", other.to_string()),
        })?;
        Ok(options)
    }

    fn wanted(&self) -> Result<ModelOptions, ModelFault> {
        let batcher = &self.batcher;
        if self.batching && self.max_batch_size == 0 {
            let reason = "with batching there is one row at least; switch `batching` off instead";
            return Err(ModelFault::new("max_batch_size", reason));
        }
        batcher.check_alone(self.batching)?;
        let levels = batcher.priority_levels;
        if levels == 0 {
            let needs = |field: &str| {
                let reason = "there are no levels; see `batcher.priority_levels`";
                Err(ModelFault::new(format!("batcher.{field}"), reason))
            };
            if batcher.default_priority_level > 0 {
                return needs("default_priority_level");
            }
            if !batcher.priority_queue_policy.is_empty() {
                return needs("priority_queue_policy");
            }
        } else if batcher.default_priority_level == 0 {
            let reason = format!("it must be one of the levels 1 to {levels}");
            return Err(ModelFault::new("batcher.default_priority_level", reason));
        }
        let policies = batcher.priority_queue_policy.iter();
        let max_batch = if self.batching {
            self.max_batch_size
        } else {
            0
        };
        let mut options = ModelOptions {
            max_batch,
            batching: self.batching.then(|| BatchPolicy {
                preferred_sizes: batcher.preferred_batch_size.clone(),
                delay: Duration::from_micros(batcher.max_queue_delay_microseconds),
                preserve_ordering: batcher.preserve_ordering,
            }),
            instances: self.instances,
            priority_levels: levels.max(1),
            default_priority: batcher.default_priority_level.max(1),
            queue: batcher
                .default_queue_policy
                .map(QueuePolicy::wanted)
                .unwrap_or_default(),
            level_queues: policies
                .map(|(level, policy)| (*level, policy.wanted()))
                .collect(),
            decoupled: self.decoupled,
            cache: self.response_cache,
            ..ModelOptions::default()
        };
        options.fit_waiting();
        Ok(options)
    }
}

impl DynamicBatcher {
    /// Whether nothing is asked for that only batches have, where there are none.
    fn check_alone(&self, is_batched: bool) -> Result<(), ModelFault> {
        let only_batches = [
            (
                "preferred_batch_size",
                !self.preferred_batch_size.is_empty(),
            ),
            (
                "max_queue_delay_microseconds",
                self.max_queue_delay_microseconds > 0,
            ),
            ("preserve_ordering", self.preserve_ordering),
        ];
        let mut asked = only_batches.iter().filter(|(_, is_asked)| *is_asked);
        match asked.next() {
            Some((field, _)) if !is_batched => {
                let reason = "there are no batches; see `batching`";
                Err(ModelFault::new(format!("batcher.{field}"), reason))
            }
            _ => Ok(()),
        }
    }
}

impl QueuePolicy {
    fn wanted(self) -> nav_engine::QueuePolicy {
        let timeout = self.default_timeout_microseconds;
        nav_engine::QueuePolicy {
            timeout_action: self.timeout_action,
            default_timeout: (timeout > 0).then(|| Duration::from_micros(timeout)),
            allow_timeout_override: self.allow_timeout_override,
            max_queue_size: (self.max_queue_size > 0).then_some(self.max_queue_size),
        }
    }
}
