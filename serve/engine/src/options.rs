//! How a model is served: batching, queueing, instances. Plain data, checked when a model is loaded.

use std::collections::BTreeMap;
use std::time::Duration;

use nav_package_format::package::Serving;
use nav_package_format::{Dim, Signature, TensorSpec};

use crate::load_error::ModelError;
use crate::sequence::SequencePolicy;

/// How a model is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelOptions {
    /// The most rows of a batch, which is the first dimension of every tensor; 0 for a model whose tensors
    /// have no such dimension.
    pub max_batch: usize,
    /// How requests are put together into batches; `None` when each runs alone.
    pub batching: Option<BatchPolicy>,
    /// How many threads run the model side by side. They share its weights and one queue.
    pub instances: usize,
    /// How many priority levels there are. Level 1 is served first.
    pub priority_levels: u32,
    /// The level of a request that does not say.
    pub default_priority: u32,
    /// How often a level may be passed over for those above before its turn comes anyhow.
    pub passed_over_limit: u32,
    /// How requests wait.
    pub queue: QueuePolicy,
    /// How those of some levels wait instead.
    pub level_queues: BTreeMap<u32, QueuePolicy>,
    /// The most requests that wait, on all levels together.
    pub max_waiting: usize,
    /// How sequences are served; `None` for a model that knows none.
    pub sequences: Option<SequencePolicy>,
    /// Whether a request gets any number of responses.
    pub decoupled: bool,
    /// Whether responses are kept for requests that are the same.
    pub cache: bool,
    /// Whether the requests of a batch that failed run again without each other, so that one that breaks the
    /// model fails alone. A model whose runs cannot be repeated must turn this off.
    pub split_failed: bool,
    /// A run that takes longer makes the model not ready until it ends.
    pub stuck_after: Duration,
}

/// How requests are put together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BatchPolicy {
    /// Sizes at which a batch runs at once, in any order. None means the largest only.
    pub preferred_sizes: Vec<usize>,
    /// How long the first request of a batch waits for others; none waits for more than half of the time that it
    /// has before it expires.
    pub delay: Duration,
    /// Whether responses leave in the order in which requests came.
    pub preserve_ordering: bool,
}

/// How requests of a level wait.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueuePolicy {
    /// What becomes of a request that has waited for too long.
    pub timeout_action: TimeoutAction,
    /// How long is too long; `None` for never.
    pub default_timeout: Option<Duration>,
    /// Whether a request may ask for less.
    pub allow_timeout_override: bool,
    /// The most requests that wait on this level; `None` for no limit of its own.
    pub max_queue_size: Option<usize>,
}

/// What becomes of a request that has waited for too long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimeoutAction {
    /// It is turned away.
    #[default]
    Reject,
    /// It runs when nothing else of its level waits.
    Delay,
}

impl Default for ModelOptions {
    fn default() -> Self {
        Self {
            max_batch: 0,
            batching: None,
            instances: 1,
            priority_levels: 1,
            default_priority: 1,
            passed_over_limit: 16,
            queue: QueuePolicy::default(),
            level_queues: BTreeMap::new(),
            max_waiting: 1024,
            sequences: None,
            decoupled: false,
            cache: false,
            split_failed: true,
            stuck_after: Duration::from_mins(1),
        }
    }
}

impl ModelOptions {
    /// One instance that batches up to this many rows, without waiting for more.
    pub fn batched(max_batch: usize) -> Self {
        Self {
            max_batch,
            batching: Some(BatchPolicy::default()),
            ..Self::default()
        }
    }

    /// How requests of this level wait.
    pub(crate) fn queue_of(&self, level: u32) -> &QueuePolicy {
        self.level_queues.get(&level).unwrap_or(&self.queue)
    }

    /// The level of a request that asks for this one.
    pub(crate) const fn level(&self, priority: u32) -> u32 {
        if priority == 0 || priority > self.priority_levels {
            self.default_priority
        } else {
            priority
        }
    }

    /// Lets as many requests wait as the queues of all levels are to take.
    pub fn fit_waiting(&mut self) {
        let queues = self.level_queues.values().chain([&self.queue]);
        let wanted: usize = queues.filter_map(|it| it.max_queue_size).sum();
        self.max_waiting = self.max_waiting.max(wanted);
    }

    /// Whether they can be honoured for a model of this signature.
    pub fn check(&self, signature: &Signature) -> Result<(), ModelError> {
        let refuse = |option, reason: &str| {
            Err(ModelError::Option {
                option,
                reason: reason.to_owned(),
            })
        };
        if self.instances == 0 {
            return refuse("instances", "there must be one at least");
        }
        if self.max_waiting == 0 {
            return refuse("max_waiting", "one request at least must be able to wait");
        }
        if self.priority_levels == 0 || self.priority_levels > MOST_LEVELS {
            return refuse("priority_levels", "there are 1 to 1024 levels");
        }
        if !(1..=self.priority_levels).contains(&self.default_priority) {
            return refuse("default_priority", "there is no such level");
        }
        if self
            .level_queues
            .keys()
            .any(|level| !(1..=self.priority_levels).contains(level))
        {
            return refuse("level_queues", "there is no such level");
        }
        if let Some(batching) = &self.batching {
            if self.max_batch == 0 {
                return refuse("batching", "the model has no batch dimension");
            }
            let fits = |size: &usize| (1..=self.max_batch).contains(size);
            if !batching.preferred_sizes.iter().all(fits) {
                return refuse("preferred_sizes", "a batch of this size cannot be");
            }
            if batching.preserve_ordering && self.priority_levels > 1 {
                let reason = "a level that goes first does not keep the order";
                return refuse("preserve_ordering", reason);
            }
        }
        if self.cache && self.decoupled {
            return refuse("cache", "a decoupled model has no one response to keep");
        }
        if self.max_batch > 0 {
            check_batch_dimension(&signature.inputs)?;
            check_batch_dimension(&signature.outputs)?;
        }
        Ok(())
    }
}

impl From<&Serving> for ModelOptions {
    /// How a package says that its model is to be served.
    fn from(serving: &Serving) -> Self {
        let max_batch = serving.max_batch.unwrap_or(0);
        Self {
            max_batch,
            batching: (max_batch > 0).then(|| BatchPolicy {
                preferred_sizes: serving.preferred_batches.clone(),
                delay: Duration::from_micros(serving.queue_delay_us),
                preserve_ordering: false,
            }),
            instances: serving.instances.max(1),
            ..Self::default()
        }
    }
}

const MOST_LEVELS: u32 = 1024;

fn check_batch_dimension(specs: &[TensorSpec]) -> Result<(), ModelError> {
    let closed = |spec: &&TensorSpec| {
        let dims = spec.dims.as_deref();
        dims.is_some_and(|dims| matches!(dims.first(), None | Some(Dim::Fixed(_))))
    };
    specs.iter().find(closed).map_or(Ok(()), |spec| {
        Err(ModelError::NotBatchable {
            tensor: spec.name.clone(),
            dims: spec.dims_text(),
        })
    })
}

#[cfg(test)]
mod tests {
    use nav_package_format::DType;

    use super::*;

    fn signature(dims: Vec<Dim>) -> Signature {
        let spec = TensorSpec {
            name: "x".to_owned(),
            dtype: DType::Fp32,
            dims: Some(dims),
            optional: false,
        };
        Signature {
            inputs: vec![spec],
            outputs: Vec::new(),
        }
    }

    #[test]
    fn options_that_cannot_be_honoured_are_named() {
        let open = signature(vec![Dim::Unknown, Dim::Fixed(2)]);
        let check = |options: ModelOptions, expected: &str| {
            let error = options.check(&open).unwrap_err();
            assert_eq!(error.to_string(), expected);
        };
        let default = ModelOptions::default;
        check(
            ModelOptions {
                instances: 0,
                ..default()
            },
            "option instances: there must be one at least",
        );
        check(
            ModelOptions {
                default_priority: 2,
                ..default()
            },
            "option default_priority: there is no such level",
        );
        check(
            ModelOptions {
                batching: Some(BatchPolicy::default()),
                ..default()
            },
            "option batching: the model has no batch dimension",
        );
        let mut options = ModelOptions::batched(4);
        options.batching = Some(BatchPolicy {
            preferred_sizes: vec![5],
            ..BatchPolicy::default()
        });
        check(
            options,
            "option preferred_sizes: a batch of this size cannot be",
        );
        let mut options = ModelOptions::batched(4);
        options.priority_levels = 2;
        options.batching = Some(BatchPolicy {
            preserve_ordering: true,
            ..BatchPolicy::default()
        });
        check(
            options,
            "option preserve_ordering: a level that goes first does not keep the order",
        );
    }

    #[test]
    fn a_batch_needs_an_open_first_dimension() {
        let check = |dims, expected| {
            let options = ModelOptions::batched(4);
            assert_eq!(options.check(&signature(dims)).is_ok(), expected);
        };
        check(vec![Dim::Unknown], true);
        check(vec![Dim::Symbolic("n".to_owned()), Dim::Fixed(3)], true);
        check(vec![Dim::Fixed(1), Dim::Unknown], false);
        check(vec![], false);
    }

    #[test]
    fn a_priority_that_there_is_not_is_the_default_one() {
        let options = ModelOptions {
            priority_levels: 3,
            default_priority: 2,
            ..ModelOptions::default()
        };
        assert_eq!([0, 1, 3, 4].map(|it| options.level(it)), [2, 1, 3, 2]);
    }
}
