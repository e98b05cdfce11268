//! The thread of one instance: pulls batches, runs them, answers, and contains what goes wrong.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use nav_runners::RunError;

use crate::admission::admit;
use crate::batch::Batch;
use crate::core::{Core, Runs};
use crate::error::InferError;
use crate::executor::Executor;
use crate::health::InstanceStatus;
use crate::job::{BoxedJob, Job};
use crate::load_error::ModelError;
use crate::queue::Pulled;
use crate::reply::{Reply, Target};
use crate::sequence::Extras;
use crate::statistics::{Recorder, Times};

/// How long an instance that could not be made again waits before the next attempt; doubles each time.
const FIRST_BACKOFF: Duration = Duration::from_millis(100);

/// The longest such wait.
const LONGEST_BACKOFF: Duration = Duration::from_secs(5);

/// How often an idle instance finds out whether a lost process has come back.
const CANARY_PAUSE: Duration = Duration::from_secs(1);

struct Instance {
    core: Arc<Core>,
    index: usize,
    executor: Option<Box<dyn Executor>>,
    backoff: Duration,
}

/// Starts the thread of an instance, which says when it is ready, or why it never will be.
pub(crate) fn start(
    core: &Arc<Core>,
    index: usize,
    started: Sender<Result<(), ModelError>>,
) -> Result<(), ModelError> {
    let thread = std::thread::Builder::new().name(format!("instance-{index}"));
    core.note_thread();
    let own = Arc::clone(core);
    let spawned = thread.spawn(move || {
        let instance = Instance {
            core: own,
            index,
            executor: None,
            backoff: FIRST_BACKOFF,
        };
        instance.main(started);
    });
    match spawned {
        Ok(_detached) => Ok(()),
        Err(source) => {
            core.note_thread_end();
            Err(ModelError::Thread {
                instance: index,
                source: Arc::new(source),
            })
        }
    }
}

impl Instance {
    fn main(mut self, started: Sender<Result<(), ModelError>>) {
        let readied = self.ready();
        let is_ready = readied.is_ok();
        // Whoever started the model may have given up on it.
        let is_awaited = started.send(readied).is_ok();
        drop(started);
        if is_ready && is_awaited {
            self.work();
        }
        self.drop_executor();
        self.core.note_thread_end();
    }

    /// Makes the executor and warms it up.
    fn ready(&mut self) -> Result<(), ModelError> {
        let instance = self.index;
        let core = Arc::clone(&self.core);
        let Runs::Backend(backend) = &core.runs else {
            return Ok(());
        };
        let made = catch_unwind(AssertUnwindSafe(|| backend.executor(instance)));
        let made = made.map_err(|panic| ModelError::Panicked {
            instance,
            message: words(panic.as_ref()),
        })?;
        let made = made.map_err(|source| ModelError::Instance { instance, source })?;
        self.executor = Some(made);
        self.warm_up().map_err(|source| ModelError::WarmUp {
            instance,
            source: Box::new(source),
        })
    }

    /// Runs the requests that the model comes with, which count for nothing.
    fn warm_up(&mut self) -> Result<(), InferError> {
        let core = Arc::clone(&self.core);
        for request in &core.warm_up {
            let extras = core.extras.as_ref();
            let signature = extras.map_or_else(|| core.signature(), Extras::for_model);
            let mut call = admit(request.clone(), signature, &core.options)?;
            if let Some(extras) = extras {
                extras.fill(&mut call, None);
            }
            let job = Job {
                call,
                reply: Some(Reply::new(Target::Nobody, Arc::clone(&core.name))),
                arrived: Instant::now(),
                permit: None,
                keep: None,
                part: None,
                turn: None,
                answer: None,
            };
            let recorder = Arc::new(Recorder::new(0));
            let mut batch = Batch::new(vec![Box::new(job)], recorder);
            self.attempt(&mut batch)?;
            let answers = batch.jobs.into_iter().filter_map(|job| job.answer);
            for answer in answers {
                answer?;
            }
        }
        Ok(())
    }

    fn work(&mut self) {
        let core = Arc::clone(&self.core);
        let queue = core.lanes.of(self.index);
        let mut jobs = Vec::new();
        let mut expired = Vec::new();
        loop {
            if self.executor.is_none() && !self.make_again() {
                if self.rest() {
                    return;
                }
                continue;
            }
            let is_losing = self.status().is_some_and(InstanceStatus::is_losing);
            let patience = is_losing.then_some(CANARY_PAUSE);
            let pulled = queue.pull(patience, &mut jobs, &mut expired);
            core.turn_away(expired.drain(..).map(|entry| entry.item));
            match pulled {
                Pulled::Batch => jobs = self.run(jobs),
                Pulled::Nothing => self.canary(),
                Pulled::Expired => {}
                Pulled::Closed => return,
            }
        }
    }

    fn status(&self) -> Option<&InstanceStatus> {
        self.core.instances.get(self.index)
    }

    /// Waits before it tries to become an instance again. Whether the model is not needed any more.
    fn rest(&mut self) -> bool {
        let is_closed = self.core.lanes.of(self.index).rest(self.backoff);
        self.backoff = (self.backoff * 2).min(LONGEST_BACKOFF);
        is_closed
    }

    /// Makes a new executor. If that fails, and nobody else can run either, those who wait get to know.
    fn make_again(&mut self) -> bool {
        let core = Arc::clone(&self.core);
        let Runs::Backend(backend) = &core.runs else {
            return false;
        };
        let made = catch_unwind(AssertUnwindSafe(|| backend.executor(self.index)));
        let reason: Arc<str> = match made {
            Ok(Ok(executor)) => {
                self.executor = Some(executor);
                self.backoff = FIRST_BACKOFF;
                self.core.set_down(self.index, None);
                return true;
            }
            Ok(Err(error)) => error.to_string().into(),
            Err(panic) => words(panic.as_ref()),
        };
        if !self.core.set_down(self.index, Some(Arc::clone(&reason))) {
            self.core.refuse_waiting(&self.core.not_ready(&reason));
        }
        false
    }

    /// Finds out whether a lost process has come back, since nobody else may ask.
    fn canary(&mut self) {
        match self.warm_up() {
            Ok(()) if self.core.warm_up.is_empty() => {}
            result => self.note_outcome(result.as_ref().err()),
        }
    }

    fn note_outcome(&self, error: Option<&InferError>) {
        let Some(status) = self.status() else {
            return;
        };
        match error {
            None => status.note_success(),
            Some(InferError::Run(error)) if matches!(**error, RunError::WorkerLost { .. }) => {
                status.note_loss();
            }
            Some(_) => {}
        }
    }

    /// Runs a batch, and the parts of it again if it failed. Gives the empty list back.
    fn run(&mut self, mut jobs: Vec<BoxedJob>) -> Vec<BoxedJob> {
        let began = Instant::now();
        self.drop_unwanted(&mut jobs, began);
        if jobs.is_empty() {
            return jobs;
        }
        if let Some(status) = self.status() {
            status.begin(began);
        }
        let mut batch = Batch::new(jobs, Arc::clone(&self.core.recorder));
        let result = self.attempt_when_back(&mut batch);
        let times = Times {
            began,
            staged: batch.staged,
            ran: batch.ran,
            ended: Instant::now(),
        };
        if let Some(status) = self.status() {
            status.end();
        }
        self.note_outcome(result.as_ref().err());
        let mut jobs = batch.jobs;
        if let ([job], Err(InferError::Panicked { .. })) = (jobs.as_slice(), &result)
            && !job.call.is_released()
        {
            // It ran, and nothing ran beside it. A process may be lost for reasons of its own.
            self.core.quarantine.note(&job.sent());
        }
        let rest = self.settle(&mut jobs, result.err());
        for job in &mut jobs {
            job.settle();
            if let Some(Ok(response)) = &job.answer
                && let keep @ Some(_) = job.keep.take()
            {
                self.core.keep_response(keep, &job.call, response);
            }
        }
        self.core.recorder.batch(self.index, &jobs, &times);
        for mut job in jobs.drain(..) {
            if let Some(mut answer) = job.answer.take() {
                if let Ok(response) = &mut answer {
                    if self.core.quarantine.knows_any() {
                        self.core.quarantine.clear(&job.sent());
                    }
                    response.timeline = Some(times.of(job.arrived));
                }
                job.finish(answer);
            }
        }
        if let Some((first, second)) = rest {
            self.run(first);
            self.run(second);
        }
        jobs
    }

    /// Sees to it that every job is answered or taken over. Those that should run again, in two halves, are
    /// taken out.
    fn settle(&self, jobs: &mut Vec<BoxedJob>, error: Option<InferError>) -> Option<Halves> {
        let unanswered = jobs.iter().filter(|job| !job.is_done()).count();
        if unanswered == 0 {
            return None;
        }
        let options = &self.core.options;
        // What a run left behind in a sequence would be there twice.
        let may_split = options.split_failed && !options.decoupled && options.sequences.is_none();
        let error = error.unwrap_or_else(|| InferError::Unanswered {
            model: Arc::clone(&self.core.name),
        });
        if unanswered > 1 && may_split && error.may_be_one_request() {
            let (done, mut rest): (Vec<_>, Vec<_>) = std::mem::take(jobs)
                .into_iter()
                .partition(|job| job.is_done());
            *jobs = done;
            let second = rest.split_off(rest.len() / 2);
            return Some((rest, second));
        }
        for job in jobs.iter_mut().filter(|job| !job.is_done()) {
            job.answer = Some(Err(error.clone()));
        }
        None
    }

    /// Takes out, and answers, those that nobody waits for any more.
    fn drop_unwanted(&self, jobs: &mut Vec<BoxedJob>, now: Instant) {
        let is_unwanted = |job: &Job| job.is_cancelled() || job.is_over(now);
        if !jobs.iter().any(|job| is_unwanted(job)) {
            return;
        }
        for job in jobs.extract_if(.., |job| is_unwanted(job)) {
            let error = if job.is_cancelled() {
                InferError::Cancelled
            } else {
                let waited = now.saturating_duration_since(job.arrived);
                InferError::Expired { waited }
            };
            self.core.fail(*job, error);
        }
    }

    /// Runs a batch, once the process is back that was lost before. Where that failed several times, nobody is kept waiting for it.
    fn attempt_when_back(&mut self, batch: &mut Batch) -> Result<(), InferError> {
        let result = self.attempt(batch);
        let Err(InferError::Run(error)) = &result else {
            return result;
        };
        let RunError::WorkerDown { retry_after, .. } = **error else {
            return result;
        };
        let is_awaited = self.status().is_some_and(|status| !status.is_lost());
        if !is_awaited || self.core.lanes.of(self.index).rest(retry_after) {
            return result;
        }
        self.attempt(batch)
    }

    /// Runs a batch once. A panic costs the executor and is an error like any other.
    fn attempt(&mut self, batch: &mut Batch) -> Result<(), InferError> {
        if self.executor.is_none() {
            self.make_again();
        }
        let Some(executor) = &mut self.executor else {
            let reason = self.status().and_then(InstanceStatus::down);
            return Err(self.core.not_ready(&reason.unwrap_or_default()));
        };
        match catch_unwind(AssertUnwindSafe(|| executor.execute(batch))) {
            Ok(result) => result,
            Err(panic) => {
                self.drop_executor();
                Err(InferError::Panicked {
                    model: Arc::clone(&self.core.name),
                    message: words(panic.as_ref()),
                })
            }
        }
    }

    /// Drops the executor, which may panic as well.
    fn drop_executor(&mut self) {
        let executor = self.executor.take();
        let _dropped = catch_unwind(AssertUnwindSafe(|| drop(executor)));
    }
}

type Halves = (Vec<BoxedJob>, Vec<BoxedJob>);

/// The words of a panic.
fn words(panic: &(dyn Any + Send)) -> Arc<str> {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("without a message").into()
}
