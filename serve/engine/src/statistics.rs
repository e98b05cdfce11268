//! What happened in a model, counted: requests, rows, executions, times, failures by reason.
//!
//! Each instance counts under a lock of its own, once for a batch, so that counting holds nobody up.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use crate::error::{FailureReason, InferError};
use crate::histogram::{Histogram, nanoseconds};
use crate::job::BoxedJob;
use crate::response::Timeline;

/// A count, and a sum of times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How often.
    pub count: u64,
    /// For how long in all, in nanoseconds.
    pub ns: u64,
}

/// What happened in a model since it was loaded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelStatistics {
    /// When the model last began to run; the wall clock's time, for people.
    pub last_inference: Option<SystemTime>,
    /// Rows that were inferred.
    pub inference_count: u64,
    /// Runs of the model.
    pub execution_count: u64,
    /// Requests that succeeded, from their arrival to their answer; those answered from the cache too.
    pub success: Tally,
    /// Requests that failed.
    pub fail: Tally,
    /// Time in the queue, of requests that succeeded.
    pub queue: Tally,
    /// Time to hand inputs to the model.
    pub compute_input: Tally,
    /// Time in the model.
    pub compute_infer: Tally,
    /// Time to pass its outputs on.
    pub compute_output: Tally,
    /// Requests that were answered from the cache, and the time to find that.
    pub cache_hit: Tally,
    /// Requests that were not in the cache, and the time to find that and to put the response there.
    pub cache_miss: Tally,
    /// Failed requests, in the order of [`FailureReason::ALL`].
    pub failures: [u64; 4],
    /// Runs by their rows.
    pub batches: BTreeMap<usize, BatchStatistic>,
    /// Responses of decoupled models, by their number within their stream.
    pub responses: Vec<ResponseStatistic>,
    /// Times from the arrival of a request to its answer, of requests that succeeded.
    pub request_times: Histogram,
    /// Times in the queue.
    pub queue_times: Histogram,
    /// Times in the model, by run.
    pub infer_times: Histogram,
}

/// Runs of one number of rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BatchStatistic {
    /// Time to hand inputs to the model.
    pub compute_input: Tally,
    /// Time in the model.
    pub compute_infer: Tally,
    /// Time to pass its outputs on.
    pub compute_output: Tally,
}

/// Responses of one number within their streams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ResponseStatistic {
    /// Those with a response, and the time since the model began.
    pub success: Tally,
    /// Those with an error.
    pub fail: Tally,
}

/// How many responses of a stream are told apart.
const MOST_RESPONSES: usize = 256;

/// When the parts of a run began and ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    pub(crate) began: Instant,
    pub(crate) staged: Option<Instant>,
    pub(crate) ran: Option<Instant>,
    pub(crate) ended: Instant,
}

/// Where all that happens in a model is noted.
#[derive(Debug)]
pub(crate) struct Recorder {
    /// What happens outside of instances, then one for each instance.
    shards: Box<[Mutex<ModelStatistics>]>,
    /// How long an instance takes for a request, a running mean in nanoseconds.
    pace: AtomicU64,
}

/// When this is, for people.
#[expect(
    clippy::disallowed_methods,
    reason = "statistics tell when a model ran last"
)]
fn date() -> SystemTime {
    SystemTime::now()
}

impl Tally {
    fn add(&mut self, time: Duration) {
        self.count += 1;
        self.ns = self.ns.saturating_add(nanoseconds(time));
    }

    fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.ns = self.ns.saturating_add(other.ns);
    }
}

impl Recorder {
    pub(crate) fn new(instances: usize) -> Self {
        Self {
            shards: (0..=instances).map(|_| Mutex::default()).collect(),
            pace: AtomicU64::new(0),
        }
    }

    fn shard(&self, index: usize) -> Option<MutexGuard<'_, ModelStatistics>> {
        let shard = self.shards.get(index)?;
        Some(shard.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Notes a run of these jobs, each of which is answered or taken over.
    pub(crate) fn batch(&self, instance: usize, jobs: &[BoxedJob], times: &Times) {
        let count = u64::try_from(jobs.len()).unwrap_or(u64::MAX).max(1);
        let spent = nanoseconds(times.ended - times.began) / count;
        let pace = self.pace.load(Ordering::Relaxed);
        let mixed = if pace == 0 {
            spent
        } else {
            pace - pace / 8 + spent / 8
        };
        self.pace.store(mixed, Ordering::Relaxed);
        if let Some(mut shard) = self.shard(instance + 1) {
            shard.note_batch(jobs, times);
        }
    }

    /// Notes a request that failed before it ran.
    pub(crate) fn failed(&self, error: &InferError, time: Duration) {
        if let Some(mut shard) = self.shard(0) {
            shard.note_failure(error, time);
        }
    }

    /// Notes the end of a request to an ensemble.
    pub(crate) fn ensemble(&self, rows: usize, error: Option<&InferError>, arrived: Instant) {
        let ended = Instant::now();
        let Some(mut shard) = self.shard(0) else {
            return;
        };
        if let Some(error) = error {
            shard.note_failure(error, ended - arrived);
            return;
        }
        let times = Times {
            began: arrived,
            staged: None,
            ran: None,
            ended,
        };
        shard.note_success(arrived, &times);
        shard.note_run(rows, rows, &times);
    }

    /// Notes a request that was answered from the cache, and the time to find its response.
    pub(crate) fn cache_hit(&self, whole: Duration, time: Duration) {
        if let Some(mut shard) = self.shard(0) {
            shard.success.add(whole);
            shard.request_times.add(whole);
            shard.cache_hit.add(time);
            shard.last_inference = Some(date());
        }
    }

    /// Notes a request that was not in the cache, and the time to find that and to keep its response.
    pub(crate) fn cache_miss(&self, time: Duration) {
        if let Some(mut shard) = self.shard(0) {
            shard.cache_miss.add(time);
        }
    }

    /// Notes one response of a stream.
    pub(crate) fn response(&self, number: usize, is_success: bool, time: Duration) {
        let Some(mut shard) = self.shard(0) else {
            return;
        };
        let number = number.min(MOST_RESPONSES - 1);
        if shard.responses.len() <= number {
            shard
                .responses
                .resize(number + 1, ResponseStatistic::default());
        }
        if let Some(response) = shard.responses.get_mut(number) {
            if is_success {
                response.success.add(time);
            } else {
                response.fail.add(time);
            }
        }
    }

    /// Notes the end of a stream, which counts as a run of its own.
    pub(crate) fn streamed(
        &self,
        rows: usize,
        error: Option<&InferError>,
        arrived: Instant,
        began: Instant,
    ) {
        let ended = Instant::now();
        let Some(mut shard) = self.shard(0) else {
            return;
        };
        if let Some(error) = error {
            shard.note_failure(error, ended - arrived);
            return;
        }
        let times = Times {
            began,
            staged: None,
            ran: None,
            ended,
        };
        shard.note_success(arrived, &times);
        shard.note_run(rows, rows, &times);
    }

    /// How long an instance takes for a request.
    pub(crate) fn pace(&self) -> Duration {
        Duration::from_nanos(self.pace.load(Ordering::Relaxed))
    }

    /// Everything so far.
    pub(crate) fn snapshot(&self) -> ModelStatistics {
        let mut sum = ModelStatistics::default();
        for index in 0..self.shards.len() {
            if let Some(shard) = self.shard(index) {
                sum.merge(&shard);
            }
        }
        sum
    }
}

impl Times {
    /// Those of one request.
    pub(crate) const fn of(&self, arrived: Instant) -> Timeline {
        Timeline {
            arrived,
            began: self.began,
            staged: self.staged,
            ran: self.ran,
            ended: self.ended,
        }
    }

    fn input(&self) -> Duration {
        self.staged.map_or(Duration::ZERO, |staged| {
            staged.saturating_duration_since(self.began)
        })
    }

    fn infer(&self) -> Duration {
        let from = self.staged.unwrap_or(self.began);
        self.ran
            .unwrap_or(self.ended)
            .saturating_duration_since(from)
    }

    fn output(&self) -> Duration {
        self.ran.map_or(Duration::ZERO, |ran| {
            self.ended.saturating_duration_since(ran)
        })
    }
}

impl ModelStatistics {
    fn note_batch(&mut self, jobs: &[BoxedJob], times: &Times) {
        let mut inferred = 0;
        for job in jobs {
            match &job.answer {
                Some(Ok(_)) => {
                    inferred += job.call.rows;
                    self.note_success(job.arrived, times);
                }
                Some(Err(error)) => self.note_failure(error, times.ended - job.arrived),
                // Taken over, so that it is noted when it ends.
                None => {}
            }
        }
        let answered = jobs.iter().filter(|job| job.answer.is_some());
        if !answered
            .clone()
            .any(|job| matches!(job.answer, Some(Ok(_))))
        {
            return;
        }
        let rows = answered.map(|job| job.call.rows).sum();
        self.note_run(rows, inferred, times);
    }

    /// Notes a run of this many rows, of which so many were inferred.
    fn note_run(&mut self, rows: usize, inferred: usize, times: &Times) {
        self.last_inference = Some(date());
        self.execution_count += 1;
        self.inference_count += u64::try_from(inferred).unwrap_or(u64::MAX);
        self.infer_times.add(times.infer());
        let batch = self.batches.entry(rows).or_default();
        batch.compute_input.add(times.input());
        batch.compute_infer.add(times.infer());
        batch.compute_output.add(times.output());
    }

    fn note_success(&mut self, arrived: Instant, times: &Times) {
        let whole = times.ended.saturating_duration_since(arrived);
        let queued = times.began.saturating_duration_since(arrived);
        self.success.add(whole);
        self.queue.add(queued);
        self.compute_input.add(times.input());
        self.compute_infer.add(times.infer());
        self.compute_output.add(times.output());
        self.request_times.add(whole);
        self.queue_times.add(queued);
    }

    fn note_failure(&mut self, error: &InferError, time: Duration) {
        self.fail.add(time);
        if let Some(count) = self.failures.get_mut(error.reason().index()) {
            *count += 1;
        }
    }

    /// How many requests failed for this reason.
    pub fn failed(&self, reason: FailureReason) -> u64 {
        self.failures.get(reason.index()).copied().unwrap_or(0)
    }

    fn merge(&mut self, other: &Self) {
        self.last_inference = self.last_inference.max(other.last_inference);
        self.inference_count += other.inference_count;
        self.execution_count += other.execution_count;
        self.success.merge(other.success);
        self.fail.merge(other.fail);
        self.queue.merge(other.queue);
        self.compute_input.merge(other.compute_input);
        self.compute_infer.merge(other.compute_infer);
        self.compute_output.merge(other.compute_output);
        self.cache_hit.merge(other.cache_hit);
        self.cache_miss.merge(other.cache_miss);
        for (sum, more) in self.failures.iter_mut().zip(other.failures) {
            *sum += more;
        }
        for (&rows, more) in &other.batches {
            let batch = self.batches.entry(rows).or_default();
            batch.compute_input.merge(more.compute_input);
            batch.compute_infer.merge(more.compute_infer);
            batch.compute_output.merge(more.compute_output);
        }
        if self.responses.len() < other.responses.len() {
            self.responses
                .resize(other.responses.len(), ResponseStatistic::default());
        }
        for (sum, more) in self.responses.iter_mut().zip(&other.responses) {
            sum.success.merge(more.success);
            sum.fail.merge(more.fail);
        }
        self.request_times.merge(&other.request_times);
        self.queue_times.merge(&other.queue_times);
        self.infer_times.merge(&other.infer_times);
    }
}
