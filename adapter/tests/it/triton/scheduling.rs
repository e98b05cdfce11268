//! How requests wait: what is said when a model is bound, as the engine has it, and what comes of it.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nav_adapter::{
    BindOptions, DynamicBatcher, Inputs, ModelConfig, QueuePolicy, TimeoutAction, Triton, batch,
};
use nav_engine::{BatchPolicy, ModelOptions, ReplyFuture};

use super::{PATIENCE, answer, column, more, request, triton, x, y};

/// What the engine is told of a model that is bound like this.
fn check(config: ModelConfig, expected: ModelOptions) {
    let triton = triton();
    triton.bind("m", more(), x(), y(), config).unwrap();
    triton.run().unwrap();
    let model = triton.engine().unwrap().model("m", None).unwrap();
    // Whatever a function did is never done again.
    let expected = ModelOptions {
        split_failed: false,
        ..expected
    };
    assert_eq!(*model.options(), expected);
}

fn config(batcher: DynamicBatcher) -> ModelConfig {
    ModelConfig {
        batcher,
        ..ModelConfig::default()
    }
}

#[test]
fn what_is_not_said_is_as_it_is_in_pytriton() {
    let config = ModelConfig::default();
    assert_eq!((config.batching, config.max_batch_size), (true, 4));
    assert_eq!((config.response_cache, config.decoupled), (false, false));
    assert_eq!(config.instances, 1);
    assert_eq!(config.batcher, DynamicBatcher::default());
    let bind = BindOptions::default();
    assert_eq!((bind.version, bind.strict), (1, false));
    check(config, ModelOptions::batched(4));
}

#[test]
fn what_is_said_of_batches_and_queues_reaches_the_engine() {
    let plain = DynamicBatcher::default;
    let with = |policy: BatchPolicy| ModelOptions {
        batching: Some(policy),
        ..ModelOptions::batched(4)
    };
    let waiting = DynamicBatcher {
        max_queue_delay_microseconds: 1500,
        preferred_batch_size: vec![2, 4],
        preserve_ordering: true,
        ..plain()
    };
    let expected = with(BatchPolicy {
        preferred_sizes: vec![2, 4],
        delay: Duration::from_micros(1500),
        preserve_ordering: true,
    });
    check(config(waiting), expected);
    let alone = ModelConfig {
        batching: false,
        ..ModelConfig::default()
    };
    check(alone, ModelOptions::default());
    let of_all = QueuePolicy {
        timeout_action: TimeoutAction::Delay,
        default_timeout_microseconds: 700,
        allow_timeout_override: true,
        max_queue_size: 5000,
    };
    let of_one = QueuePolicy {
        max_queue_size: 3,
        ..QueuePolicy::default()
    };
    let levels = DynamicBatcher {
        priority_levels: 3,
        default_priority_level: 2,
        default_queue_policy: Some(of_all),
        priority_queue_policy: BTreeMap::from([(1, of_one)]),
        ..plain()
    };
    let expected = ModelOptions {
        priority_levels: 3,
        default_priority: 2,
        queue: nav_engine::QueuePolicy {
            timeout_action: TimeoutAction::Delay,
            default_timeout: Some(Duration::from_micros(700)),
            allow_timeout_override: true,
            max_queue_size: Some(5000),
        },
        level_queues: BTreeMap::from([(
            1,
            nav_engine::QueuePolicy {
                max_queue_size: Some(3),
                ..nav_engine::QueuePolicy::default()
            },
        )]),
        // As many as all queues together.
        max_waiting: 5003,
        ..ModelOptions::batched(4)
    };
    check(config(levels), expected);
}

/// A model that is at work on one request until it may go on, and notes what it was asked afterwards.
struct Busy {
    triton: Triton,
    first: ReplyFuture,
    go_on: Sender<()>,
    ran: Receiver<i32>,
}

impl Busy {
    /// Its batches have one row.
    fn new(batcher: DynamicBatcher) -> Self {
        let (enter, entered) = channel();
        let (note, ran) = channel();
        let (go_on, may_go_on) = channel::<()>();
        let may_go_on = Arc::new(Mutex::new(may_go_on));
        let infer = batch(move |inputs: Inputs| {
            let number = inputs.first::<i32>("x")?;
            if number == 0 {
                enter.send(())?;
                may_go_on.lock().unwrap().recv()?;
            } else {
                note.send(number)?;
            }
            Ok(column(&[number]))
        });
        let triton = triton();
        let config = ModelConfig {
            max_batch_size: 1,
            ..config(batcher)
        };
        triton.bind("m", infer, x(), y(), config).unwrap();
        triton.run().unwrap();
        let first = nav_engine::Request {
            priority: 1,
            ..request(&[0])
        };
        let first = triton.engine().unwrap().infer("m", None, first);
        entered.recv_timeout(PATIENCE).unwrap();
        Self {
            triton,
            first,
            go_on,
            ran,
        }
    }

    /// Asks on a level, waiting for no longer than this.
    fn asked(&self, number: i32, priority: u32, timeout: Option<Duration>) -> ReplyFuture {
        let request = nav_engine::Request {
            priority,
            timeout,
            ..request(&[number])
        };
        self.triton.engine().unwrap().infer("m", None, request)
    }

    /// What it ran, in this order, after it went on.
    fn ran(self) -> Vec<i32> {
        self.go_on.send(()).unwrap();
        assert_eq!(answer(self.first), Ok(vec![0]));
        self.triton.stop().unwrap();
        self.ran.try_iter().collect()
    }
}

#[test]
fn a_request_of_a_level_that_goes_first_overtakes_others() {
    let busy = Busy::new(DynamicBatcher {
        priority_levels: 3,
        default_priority_level: 2,
        ..DynamicBatcher::default()
    });
    let levels = [(30, 3), (20, 0), (10, 1), (21, 2), (11, 1)];
    let replies = levels.map(|(number, level)| busy.asked(number, level, None));
    assert_eq!(busy.ran(), [10, 11, 20, 21, 30]);
    let answers = replies.map(|reply| answer(reply).unwrap());
    assert_eq!(answers.concat(), [30, 20, 10, 21, 11]);
}

#[test]
fn a_queue_refuses_what_it_does_not_hold() {
    let busy = Busy::new(DynamicBatcher {
        default_queue_policy: Some(QueuePolicy {
            max_queue_size: 2,
            ..QueuePolicy::default()
        }),
        ..DynamicBatcher::default()
    });
    let waiting = [1, 2].map(|number| busy.asked(number, 0, None));
    let refused = answer(busy.asked(3, 0, None)).unwrap_err();
    assert_eq!(refused, "the queue of model `m` is full with 2 requests");
    assert_eq!(busy.ran(), [1, 2]);
    assert_eq!(waiting.map(answer), [Ok(vec![1]), Ok(vec![2])]);
}

/// A queue in which requests wait for as long as this, or as they say themselves, but for those of level 1.
fn impatient(microseconds: u64, timeout_action: TimeoutAction) -> DynamicBatcher {
    let policy = QueuePolicy {
        timeout_action,
        default_timeout_microseconds: microseconds,
        allow_timeout_override: true,
        max_queue_size: 0,
    };
    DynamicBatcher {
        priority_levels: 2,
        default_priority_level: 2,
        priority_queue_policy: BTreeMap::from([(2, policy)]),
        ..DynamicBatcher::default()
    }
}

const A_DAY: Duration = Duration::from_hours(24);

#[test]
fn a_request_that_waits_for_too_long_is_turned_away_while_the_model_works() {
    let expired = |reply: ReplyFuture| {
        let told = answer(reply).unwrap_err();
        assert!(told.starts_with("the request expired after "), "{told}");
    };
    // As the policy says, which a request cannot prolong.
    let busy = Busy::new(impatient(1, TimeoutAction::Reject));
    expired(busy.asked(1, 0, None));
    expired(busy.asked(2, 0, Some(A_DAY)));
    assert_eq!(busy.ran(), [] as [i32; 0]);
    // As the request says, where it may.
    let day = u64::try_from(A_DAY.as_micros()).unwrap();
    let busy = Busy::new(impatient(day, TimeoutAction::Reject));
    let patient = busy.asked(1, 0, None);
    expired(busy.asked(2, 0, Some(Duration::from_micros(1))));
    assert_eq!(busy.ran(), [1]);
    assert_eq!(answer(patient), Ok(vec![1]));
}

#[test]
fn a_request_that_waits_for_too_long_can_be_put_behind_others() {
    let day = u64::try_from(A_DAY.as_micros()).unwrap();
    let busy = Busy::new(impatient(day, TimeoutAction::Delay));
    let replies = [(1, Some(Duration::from_micros(1))), (2, None), (3, None)];
    let replies = replies.map(|(number, timeout)| busy.asked(number, 0, timeout));
    assert_eq!(busy.ran(), [2, 3, 1]);
    assert_eq!(replies.map(answer), [Ok(vec![1]), Ok(vec![2]), Ok(vec![3])]);
}
