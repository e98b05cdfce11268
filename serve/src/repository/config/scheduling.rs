//! Batches, queues, priorities, sequences: from a configuration to the options of the engine.

use std::collections::BTreeMap;
use std::time::Duration;

use nav_engine::{BatchPolicy, ModelOptions, QueuePolicy, SequencePolicy, TimeoutAction};

use super::{ConfigError, sequences};
use crate::proto::model_config::SchedulingChoice;
use crate::proto::model_queue_policy::TimeoutAction as Action;
use crate::proto::model_sequence_batching::StrategyChoice;
use crate::proto::{ModelConfig, ModelDynamicBatching, ModelQueuePolicy, ModelSequenceBatching};

/// The most priority levels.
const MOST_LEVELS: u64 = 1024;
/// How long a sequence may idle where nothing is said.
const IDLE: Duration = Duration::from_secs(1);

/// How the engine is to serve this, but for the number of instances.
pub(crate) fn options(config: &ModelConfig) -> Result<ModelOptions, ConfigError> {
    let Ok(max_batch) = usize::try_from(config.max_batch_size) else {
        let reason = format!("{} is no size", config.max_batch_size);
        return Err(ConfigError::field("max_batch_size", reason));
    };
    let transactions = config.model_transaction_policy.as_ref();
    let options = ModelOptions {
        max_batch,
        decoupled: transactions.is_some_and(|it| it.decoupled),
        cache: config.response_cache.as_ref().is_some_and(|it| it.enable),
        ..ModelOptions::default()
    };
    if options.cache && options.decoupled {
        let reason = "a decoupled model has no one response to keep";
        return Err(ConfigError::field("response_cache", reason));
    }
    match &config.scheduling_choice {
        Some(SchedulingChoice::DynamicBatching(dynamic)) => dynamic_batching(dynamic, options),
        Some(SchedulingChoice::SequenceBatching(sequence)) => {
            let mut options = sequence_batching(sequence, options)?;
            if let Some(policy) = &mut options.sequences {
                policy.controls = sequences::controls(sequence)?;
                policy.states = sequences::states(config, sequence)?;
            }
            Ok(options)
        }
        Some(SchedulingChoice::EnsembleScheduling(_)) | None => Ok(options),
    }
}

fn dynamic_batching(
    dynamic: &ModelDynamicBatching,
    options: ModelOptions,
) -> Result<ModelOptions, ConfigError> {
    let field = |name: &str| format!("dynamic_batching.{name}");
    let refuse = |name: &str, reason: String| Err(ConfigError::field(field(name), reason));
    let preferred = sizes(
        &dynamic.preferred_batch_size,
        options.max_batch,
        &field("preferred_batch_size"),
    )?;
    let levels = dynamic.priority_levels;
    let default = dynamic.default_priority_level;
    if levels > MOST_LEVELS {
        let reason = format!("there can be {MOST_LEVELS} levels at the most");
        return refuse("priority_levels", reason);
    }
    if levels == 0 && default > 0 {
        let reason = "there are no priority_levels".to_owned();
        return refuse("default_priority_level", reason);
    }
    if levels > 0 && !(1..=levels).contains(&default) {
        let reason = format!("it must be one of the levels 1 to {levels}");
        return refuse("default_priority_level", reason);
    }
    if dynamic.preserve_ordering && levels > 1 {
        let reason = "a level that goes first does not keep the order".to_owned();
        return refuse("preserve_ordering", reason);
    }
    let of_all = dynamic.default_queue_policy.as_ref();
    let of_all = of_all.map(|it| queue(it, &field("default_queue_policy")));
    let mut level_queues = BTreeMap::new();
    for (level, policy) in &dynamic.priority_queue_policy {
        if !(1..=levels).contains(level) {
            let reason = format!("there is no level {level}");
            return refuse("priority_queue_policy", reason);
        }
        let field = field(&format!("priority_queue_policy[{level}]"));
        level_queues.insert(number(*level), queue(policy, &field)?);
    }
    let mut options = ModelOptions {
        batching: (options.max_batch > 0).then(|| BatchPolicy {
            preferred_sizes: preferred,
            delay: Duration::from_micros(dynamic.max_queue_delay_microseconds),
            preserve_ordering: dynamic.preserve_ordering,
        }),
        priority_levels: number(levels.max(1)),
        default_priority: number(default.max(1)),
        queue: of_all.transpose()?.unwrap_or_default(),
        level_queues,
        ..options
    };
    options.fit_waiting();
    Ok(options)
}

fn sequence_batching(
    sequence: &ModelSequenceBatching,
    options: ModelOptions,
) -> Result<ModelOptions, ConfigError> {
    let field = |name: &str| format!("sequence_batching.{name}");
    if options.cache {
        let reason = "a response to a part of a sequence depends on what came before";
        return Err(ConfigError::field("response_cache", reason));
    }
    if options.decoupled && sequence.iterative_sequence {
        let reason = "a model that asks itself again is not offered";
        return Err(ConfigError::field(field("iterative_sequence"), reason));
    }
    let (per_instance, batching) = match &sequence.strategy_choice {
        Some(StrategyChoice::Oldest(oldest)) => {
            let candidates = usize::try_from(oldest.max_candidate_sequences);
            let Some(candidates) = candidates.ok().filter(|it| *it > 0) else {
                let reason = format!(
                    "{} is no number of sequences",
                    oldest.max_candidate_sequences
                );
                let field = field("oldest.max_candidate_sequences");
                return Err(ConfigError::field(field, reason));
            };
            let policy = BatchPolicy {
                preferred_sizes: sizes(
                    &oldest.preferred_batch_size,
                    options.max_batch,
                    &field("oldest.preferred_batch_size"),
                )?,
                delay: Duration::from_micros(oldest.max_queue_delay_microseconds),
                preserve_ordering: oldest.preserve_ordering,
            };
            (candidates, policy)
        }
        other => {
            let delay = match other {
                Some(StrategyChoice::Direct(direct)) => direct.max_queue_delay_microseconds,
                _ => 0,
            };
            let policy = BatchPolicy {
                delay: Duration::from_micros(delay),
                ..BatchPolicy::default()
            };
            // Each row of a batch is a place for a sequence.
            (options.max_batch.max(1), policy)
        }
    };
    let idle = Duration::from_micros(sequence.max_sequence_idle_microseconds);
    let known = SequencePolicy::default();
    Ok(ModelOptions {
        batching: (options.max_batch > 0).then_some(batching),
        sequences: Some(SequencePolicy {
            per_instance,
            most: known.most.max(per_instance),
            idle: if idle.is_zero() { IDLE } else { idle },
            ..known
        }),
        ..options
    })
}

fn sizes(given: &[i32], max_batch: usize, field: &str) -> Result<Vec<usize>, ConfigError> {
    let size = |size: &i32| {
        let found = usize::try_from(*size).ok();
        found
            .filter(|it| (1..=max_batch).contains(it))
            .ok_or_else(|| {
                let reason = format!("a batch of {size} is not within max_batch_size, {max_batch}");
                ConfigError::field(field, reason)
            })
    };
    given.iter().map(size).collect()
}

fn queue(policy: &ModelQueuePolicy, field: &str) -> Result<QueuePolicy, ConfigError> {
    let timeout_action = match Action::try_from(policy.timeout_action) {
        Ok(Action::Reject) => TimeoutAction::Reject,
        Ok(Action::Delay) => TimeoutAction::Delay,
        Err(_) => {
            let field = format!("{field}.timeout_action");
            return Err(ConfigError::field(field, "there is no such action"));
        }
    };
    let timeout = policy.default_timeout_microseconds;
    let most = usize::try_from(policy.max_queue_size).unwrap_or(usize::MAX);
    Ok(QueuePolicy {
        timeout_action,
        default_timeout: (timeout > 0).then(|| Duration::from_micros(timeout)),
        allow_timeout_override: policy.allow_timeout_override,
        max_queue_size: (most > 0).then_some(most),
    })
}

/// A level, of which there are not so many.
fn number(level: u64) -> u32 {
    u32::try_from(level).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::config::of_text;

    fn of(text: &str) -> Result<ModelOptions, String> {
        let config = of_text(text.as_bytes()).unwrap();
        options(&config).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_asked_is_what_the_engine_is_told() {
        let single = ModelOptions {
            max_batch: 8,
            ..ModelOptions::default()
        };
        assert_eq!(of("max_batch_size: 8"), Ok(single.clone()));
        assert_eq!(
            of("max_batch_size: 8 dynamic_batching { }"),
            Ok(ModelOptions::batched(8))
        );
        let found = of(
            "max_batch_size: 8 dynamic_batching { preferred_batch_size: [ 2, 4 ] max_queue_delay_microseconds: 7 priority_levels: 2 default_priority_level: 2 default_queue_policy { timeout_action: DELAY default_timeout_microseconds: 9 allow_timeout_override: true max_queue_size: 2000 } priority_queue_policy { key: 1 value { max_queue_size: 5 } } }",
        );
        let expected = ModelOptions {
            batching: Some(BatchPolicy {
                preferred_sizes: vec![2, 4],
                delay: Duration::from_micros(7),
                preserve_ordering: false,
            }),
            priority_levels: 2,
            default_priority: 2,
            queue: QueuePolicy {
                timeout_action: TimeoutAction::Delay,
                default_timeout: Some(Duration::from_micros(9)),
                allow_timeout_override: true,
                max_queue_size: Some(2000),
            },
            level_queues: BTreeMap::from([(
                1,
                QueuePolicy {
                    max_queue_size: Some(5),
                    ..QueuePolicy::default()
                },
            )]),
            max_waiting: 2005,
            ..single.clone()
        };
        assert_eq!(found, Ok(expected));
        // A queue without batches.
        let queued = of("dynamic_batching { default_queue_policy { max_queue_size: 3 } }").unwrap();
        assert_eq!(
            (queued.batching, queued.queue.max_queue_size),
            (None, Some(3))
        );
        assert!(
            of("model_transaction_policy { decoupled: true }")
                .unwrap()
                .decoupled
        );
        assert!(of("response_cache { enable: true }").unwrap().cache);
    }

    #[test]
    fn sequences_have_a_place_for_each_row_or_as_many_as_are_said() {
        let check = |text: &str, per_instance, idle, delay| {
            let options = of(text).unwrap();
            let policy = options.sequences.unwrap();
            let delays = options.batching.map(|it| it.delay);
            assert_eq!(
                (policy.per_instance, policy.idle),
                (per_instance, idle),
                "{text}"
            );
            assert_eq!(delays, delay, "{text}");
        };
        let micros = Duration::from_micros;
        check("sequence_batching { }", 1, IDLE, None);
        check(
            "max_batch_size: 8 sequence_batching { max_sequence_idle_microseconds: 5 }",
            8,
            micros(5),
            Some(micros(0)),
        );
        check(
            "max_batch_size: 8 sequence_batching { direct { max_queue_delay_microseconds: 3 } }",
            8,
            IDLE,
            Some(micros(3)),
        );
        check(
            "max_batch_size: 8 sequence_batching { oldest { max_candidate_sequences: 40 max_queue_delay_microseconds: 2 } }",
            40,
            IDLE,
            Some(micros(2)),
        );
    }

    #[test]
    fn what_cannot_be_together_is_named() {
        let check = |text: &str, expected: &str| {
            assert_eq!(of(text).unwrap_err(), expected, "{text}");
        };
        check("max_batch_size: -1", "max_batch_size: -1 is no size");
        check(
            "max_batch_size: 4 dynamic_batching { preferred_batch_size: 8 }",
            "dynamic_batching.preferred_batch_size: a batch of 8 is not within max_batch_size, 4",
        );
        check(
            "dynamic_batching { preferred_batch_size: 1 }",
            "dynamic_batching.preferred_batch_size: a batch of 1 is not within max_batch_size, 0",
        );
        check(
            "dynamic_batching { priority_levels: 4000 default_priority_level: 1 }",
            "dynamic_batching.priority_levels: there can be 1024 levels at the most",
        );
        check(
            "dynamic_batching { default_priority_level: 1 }",
            "dynamic_batching.default_priority_level: there are no priority_levels",
        );
        check(
            "dynamic_batching { priority_levels: 2 default_priority_level: 3 }",
            "dynamic_batching.default_priority_level: it must be one of the levels 1 to 2",
        );
        check(
            "dynamic_batching { priority_levels: 2 default_priority_level: 1 preserve_ordering: true }",
            "dynamic_batching.preserve_ordering: a level that goes first does not keep the order",
        );
        check(
            "dynamic_batching { priority_queue_policy { key: 1 value { } } }",
            "dynamic_batching.priority_queue_policy: there is no level 1",
        );
        check(
            "dynamic_batching { default_queue_policy { timeout_action: 7 } }",
            "dynamic_batching.default_queue_policy.timeout_action: there is no such action",
        );
        check(
            "sequence_batching { oldest { } }",
            "sequence_batching.oldest.max_candidate_sequences: 0 is no number of sequences",
        );
        check(
            "model_transaction_policy { decoupled: true } response_cache { enable: true }",
            "response_cache: a decoupled model has no one response to keep",
        );
        check(
            "sequence_batching { } response_cache { enable: true }",
            "response_cache: a response to a part of a sequence depends on what came before",
        );
    }
}
