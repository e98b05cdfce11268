//! What a model's handle and its instances share: the queue, the counters, and how requests come in.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use nav_package_format::{Digest, Signature};

use crate::admission::admit;
use crate::cache::{CacheKey, Identity, ResponseCache};
use crate::call::Call;
use crate::ensemble::{self, Plan};
use crate::error::InferError;
use crate::executor::Backend;
use crate::health::{Health, InstanceStatus};
use crate::job::{BoxedJob, Job};
use crate::lanes::{Lanes, NextTurn, Turn};
use crate::limits::{Limits, OverLimit, Permit};
use crate::model::{About, Model};
use crate::options::ModelOptions;
use crate::order::Order;
use crate::quarantine::Quarantine;
use crate::queue::{Pushed, Refusal};
use crate::registry::Served;
use crate::reply::{Reply, Target, Ticket, Withdraw, Withdrawal};
use crate::request::{CorrelationId, Request, RequestFault};
use crate::response::Response;
use crate::sequence::{Extras, Kept, SequenceRefusal, StateBudget};
use crate::statistics::Recorder;
use crate::supervisor::Supervisor;
use crate::waiting::Arrival;

/// A model that is served.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) name: Arc<str>,
    pub(crate) version: u64,
    pub(crate) options: ModelOptions,
    pub(crate) runs: Runs,
    pub(crate) lanes: Lanes,
    /// What is filled in for the model, where it serves sequences.
    pub(crate) extras: Option<Extras>,
    pub(crate) recorder: Arc<Recorder>,
    pub(crate) instances: Box<[InstanceStatus]>,
    pub(crate) warm_up: Vec<Request>,
    pub(crate) about: About,
    /// Requests that break what runs them.
    pub(crate) quarantine: Quarantine,
    order: Option<Arc<Order>>,
    /// The cache, and what this model is called in it.
    cache: Option<(Arc<ResponseCache>, Identity)>,
    shared: Shared,
    /// Instances that can run.
    live: AtomicUsize,
    /// Threads that have not ended.
    threads: Mutex<usize>,
    thread_ended: Condvar,
}

/// What answers the requests of a model.
#[derive(Clone, Debug)]
pub(crate) enum Runs {
    /// Instances of its own.
    Backend(Arc<dyn Backend>),
    /// Requests to other models.
    Ensemble(Arc<Plan>),
}

/// A request that may come in.
#[derive(Debug)]
pub(crate) struct Entrance {
    pub(crate) call: Call,
    pub(crate) reply: Reply,
    /// None for what another request asks for in turn, which has its own.
    pub(crate) permit: Option<Permit>,
    /// What its response is to be kept under, and how long it took to find that there was none.
    pub(crate) keep: Option<(CacheKey, Duration)>,
    pub(crate) arrived: Instant,
}

/// What all models of an engine share.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    pub(crate) limits: Arc<Limits>,
    /// What may be kept of sequences.
    pub(crate) states: Arc<StateBudget>,
    pub(crate) supervisor: Arc<Supervisor>,
    pub(crate) cache: Option<Arc<ResponseCache>>,
    /// How many models were loaded.
    pub(crate) loads: Arc<AtomicU64>,
    /// The models that are served, for those that ask others.
    pub(crate) served: Weak<ArcSwap<Served>>,
}

/// The least time after which to try again.
const LEAST_RETRY: Duration = Duration::from_millis(1);

/// What a model is made of.
#[derive(Debug)]
pub(crate) struct CoreSpec {
    pub(crate) runs: Runs,
    pub(crate) options: ModelOptions,
    pub(crate) extras: Option<Extras>,
    pub(crate) digest: Option<Digest>,
    pub(crate) warm_up: Vec<Request>,
    pub(crate) about: About,
}

impl Core {
    pub(crate) fn new(name: Arc<str>, version: u64, spec: CoreSpec, shared: Shared) -> Self {
        let options = spec.options;
        let epoch = Instant::now();
        let load = shared.loads.fetch_add(1, Ordering::Relaxed);
        let identity = spec.digest.map_or(Identity::Load(load), Identity::Digest);
        let cache = shared.cache.clone().filter(|_| options.cache);
        let tells_names = spec.extras.as_ref().is_some_and(Extras::tells_names);
        let keeps_order = options
            .batching
            .as_ref()
            .is_some_and(|it| it.preserve_ordering);
        Self {
            name,
            version,
            runs: spec.runs,
            lanes: Lanes::new(&options),
            extras: spec.extras,
            recorder: Arc::new(Recorder::new(options.instances)),
            instances: (0..options.instances)
                .map(|_| InstanceStatus::new(epoch))
                .collect(),
            warm_up: spec.warm_up,
            about: spec.about,
            quarantine: Quarantine::new(tells_names),
            order: keeps_order.then(Arc::default),
            cache: cache.map(|cache| (cache, identity)),
            shared,
            live: AtomicUsize::new(options.instances.max(1)),
            threads: Mutex::new(0),
            thread_ended: Condvar::new(),
            options,
        }
    }

    /// What clients send and get.
    pub(crate) fn signature(&self) -> &Signature {
        if let Some(extras) = &self.extras {
            return extras.for_clients();
        }
        match &self.runs {
            Runs::Backend(backend) => backend.signature(),
            Runs::Ensemble(plan) => &plan.signature,
        }
    }

    /// Lets a request come in. Whatever is wrong with it, its target is told; otherwise, how it is taken back.
    pub(crate) fn enter(self: &Arc<Self>, request: Request, target: Target) -> Option<Withdrawal> {
        self.enter_with(request, target, true)
    }

    /// The same for a request that another one asks for, which has its share of the limits.
    pub(crate) fn enter_step(
        self: &Arc<Self>,
        request: Request,
        target: Target,
    ) -> Option<Withdrawal> {
        self.enter_with(request, target, false)
    }

    fn enter_with(
        self: &Arc<Self>,
        request: Request,
        target: Target,
        is_limited: bool,
    ) -> Option<Withdrawal> {
        let arrived = Instant::now();
        let reply = Reply::new(target, Arc::clone(&self.name));
        let (call, permit) = match self.admit(request, arrived, is_limited) {
            Ok(admitted) => admitted,
            Err(error) => {
                self.recorder.failed(&error, arrived.elapsed());
                reply.finish(Err(error));
                return None;
            }
        };
        if self.quarantine.holds(&call) {
            let model = Arc::clone(&self.name);
            let error = InferError::Quarantined { model };
            self.recorder.failed(&error, arrived.elapsed());
            reply.finish(Err(error));
            return None;
        }
        let keep = match self.look_up(&call) {
            Some((Ok(response), time)) => {
                self.recorder.cache_hit(arrived.elapsed(), time);
                drop(permit);
                reply.finish(Ok(response));
                return None;
            }
            Some((Err(key), time)) => Some((key, time)),
            None => None,
        };
        let entrance = Entrance {
            call,
            reply,
            permit,
            keep,
            arrived,
        };
        match &self.runs {
            Runs::Backend(_) => self.queue_up(entrance),
            Runs::Ensemble(plan) => Some(ensemble::begin(self, plan, entrance)),
        }
    }

    /// Lets a request wait for an instance.
    fn queue_up(self: &Arc<Self>, entrance: Entrance) -> Option<Withdrawal> {
        let Entrance {
            call,
            reply,
            permit,
            keep,
            arrived,
        } = entrance;
        let job = Box::new(Job {
            call,
            reply: Some(reply),
            arrived,
            permit,
            keep,
            part: None,
            turn: None,
            answer: None,
        });
        let ticket = if self.lanes.is_for_sequences() {
            self.join_sequence(job)
        } else {
            self.push(0, job).map(|pushed| pushed.ticket)
        };
        ticket.map(|ticket| Withdrawal {
            from: Arc::clone(self) as Arc<dyn Withdraw>,
            ticket,
        })
    }

    /// Lets a job wait for this instance, which is any where there are no sequences.
    fn push(&self, instance: usize, job: BoxedJob) -> Option<Pushed> {
        let arrival = Arrival {
            priority: job.call.priority,
            arrived: job.arrived,
            timeout: job.call.timeout,
            deadline: job.call.deadline,
        };
        let order = self.order.as_ref();
        let pushed = self.lanes.of(instance).push(job, arrival, |job, place| {
            if let (Some(order), Some(reply)) = (order, &mut job.reply) {
                reply.in_order(order, place);
            }
        });
        match pushed {
            Ok(pushed) => {
                self.shared.supervisor.arm(pushed.earliest);
                Some(pushed)
            }
            Err((job, Refusal::Full(limit))) => {
                let error = self.queue_full(limit);
                self.fail(*job, error);
                None
            }
            Err((job, Refusal::Closed)) => {
                let error = self.not_ready("it is being unloaded");
                self.fail(*job, error);
                None
            }
        }
    }

    fn queue_full(&self, limit: usize) -> InferError {
        InferError::QueueFull {
            model: Arc::clone(&self.name),
            limit,
            retry_after: self.retry_after(),
        }
    }

    /// Lets a part of a sequence wait for its turn.
    fn join_sequence(self: &Arc<Self>, job: BoxedJob) -> Option<Ticket> {
        let part = job.call.correlation.as_ref();
        if let (Some(extras), Some(part)) = (&self.extras, part)
            && let Err(fault) = extras.admit(part)
        {
            self.fail(*job, fault.into());
            return None;
        }
        let id = part.map(|part| part.id.clone());
        let rows = job.call.rows;
        self.shared.supervisor.arm(job.call.deadline);
        let mut due = Vec::new();
        let arrived = self.lanes.arrive(job, &mut due);
        self.take_turns(due);
        match arrived {
            Ok(ticket) => {
                self.arm_idle(Instant::now());
                Some(ticket)
            }
            Err((job, refusal)) => {
                let error = match (refusal, id) {
                    (SequenceRefusal::Full(limit), _) => self.queue_full(limit),
                    (SequenceRefusal::Unknown, Some(id)) => {
                        RequestFault::NoSuchSequence { id }.into()
                    }
                    (SequenceRefusal::Rows(expected), Some(id)) => {
                        RequestFault::SequenceRows { id, rows, expected }.into()
                    }
                    (SequenceRefusal::Foreign, Some(id)) => {
                        RequestFault::ForeignSequence { id }.into()
                    }
                    (_, None) => RequestFault::NoSequence.into(),
                };
                self.fail(*job, error);
                None
            }
        }
    }

    fn take_turns(self: &Arc<Self>, due: Vec<NextTurn>) {
        for NextTurn {
            instance,
            item: mut job,
            kept,
        } in due
        {
            let id = job.call.correlation.as_ref().map(|part| part.id.clone());
            if let Some(id) = id {
                let extras = self.extras.as_ref();
                let carried = extras.map(|extras| extras.complete(&mut job.call, kept));
                job.turn = Some(Turn::new(Arc::clone(self), id, carried));
            }
            self.push(instance, job);
        }
    }

    /// Lets the next request of a sequence have its turn, with what this one left.
    pub(crate) fn turn_over(self: &Arc<Self>, id: &CorrelationId, kept: Option<Kept>) {
        self.take_turns(self.lanes.answered(id, kept));
    }

    /// Makes sure that idle sequences are forgotten in time for those that wait for their places.
    fn arm_idle(&self, now: Instant) {
        if let Some(policy) = &self.options.sequences {
            self.shared.supervisor.arm(now.checked_add(policy.idle));
        }
    }

    /// The model of a step.
    pub(crate) fn step_model(
        &self,
        name: &str,
        version: Option<u64>,
    ) -> Result<Arc<Model>, InferError> {
        match self.shared.served.upgrade() {
            Some(served) => served.load().find(name, version).cloned(),
            None => Err(InferError::ShuttingDown),
        }
    }

    fn admit(
        &self,
        request: Request,
        arrived: Instant,
        is_limited: bool,
    ) -> Result<(Call, Option<Permit>), InferError> {
        if self.live.load(Ordering::Relaxed) == 0 {
            return Err(self.not_ready(&self.down_reason()));
        }
        if request.deadline.is_some_and(|deadline| deadline <= arrived) {
            return Err(InferError::Expired {
                waited: Duration::ZERO,
            });
        }
        let call = admit(request, self.signature(), &self.options)?;
        if !is_limited {
            return Ok((call, None));
        }
        let permit = self.shared.limits.enter(call.bytes());
        let permit = permit.map_err(|over| match over {
            OverLimit::Requests(limit) => InferError::TooManyRequests {
                limit,
                retry_after: self.retry_after(),
            },
            OverLimit::Bytes(limit) => InferError::TooManyBytes {
                limit,
                retry_after: self.retry_after(),
            },
        })?;
        Ok((call, Some(permit)))
    }

    /// The response that is kept for this call, or what to keep one under. None where none are kept, and for
    /// parts of sequences, whose responses depend on what came before.
    fn look_up(&self, call: &Call) -> Option<(Result<Response, CacheKey>, Duration)> {
        let (cache, identity) = self.cache.as_ref()?;
        if call.correlation.is_some() {
            return None;
        }
        Some(cache.look_up(*identity, self.version, call))
    }

    /// Keeps the response to a call that was looked for.
    pub(crate) fn keep_response(
        &self,
        keep: Option<(CacheKey, Duration)>,
        call: &Call,
        response: &Response,
    ) {
        if let (Some((cache, _)), Some((key, time))) = (&self.cache, keep) {
            let kept = cache.keep(key, call, response);
            self.recorder.cache_miss(time + kept);
        }
    }

    /// How long what waits now is likely to take.
    fn retry_after(&self) -> Duration {
        let waiting = u32::try_from(self.lanes.len()).unwrap_or(u32::MAX);
        let instances = u32::try_from(self.options.instances).unwrap_or(u32::MAX);
        let work = self
            .recorder
            .pace()
            .saturating_mul(waiting.saturating_add(1));
        work.checked_div(instances).unwrap_or(work).max(LEAST_RETRY)
    }

    pub(crate) fn not_ready(&self, reason: &str) -> InferError {
        InferError::NotReady {
            model: Arc::clone(&self.name),
            reason: reason.into(),
        }
    }

    fn down_reason(&self) -> Arc<str> {
        let reason = self.instances.iter().find_map(InstanceStatus::down);
        reason.unwrap_or_else(|| "no instance runs".into())
    }

    /// Answers a job that never ran.
    pub(crate) fn fail(&self, job: Job, error: InferError) {
        self.recorder.failed(&error, job.arrived.elapsed());
        job.finish(Err(error));
    }

    /// Turns away those whose time is over. When the next ones may be.
    pub(crate) fn expire(self: &Arc<Self>, now: Instant) -> Option<Instant> {
        let mut expired = Vec::new();
        let next = self.lanes.expire(now, &mut expired);
        self.turn_away(expired.into_iter());
        let mut due = Vec::new();
        self.shared
            .supervisor
            .arm(self.lanes.forget_idle(now, &mut due));
        self.take_turns(due);
        next
    }

    /// Answers those whose time was over.
    pub(crate) fn turn_away(&self, expired: impl Iterator<Item = BoxedJob>) {
        for job in expired {
            let waited = job.arrived.elapsed();
            self.fail(*job, InferError::Expired { waited });
        }
    }

    /// Answers all that wait with this error.
    pub(crate) fn refuse_waiting(&self, error: &InferError) {
        for job in self.lanes.drain() {
            self.fail(*job, error.clone());
        }
    }

    /// Notes that an instance cannot run, or that it can again. Whether another one can.
    pub(crate) fn set_down(&self, instance: usize, reason: Option<Arc<str>>) -> bool {
        let is_down = reason.is_some();
        if self
            .instances
            .get(instance)
            .is_some_and(|status| status.set_down(reason))
        {
            if is_down {
                self.live.fetch_sub(1, Ordering::Relaxed);
            } else {
                self.live.fetch_add(1, Ordering::Relaxed);
            }
        }
        self.live.load(Ordering::Relaxed) > 0
    }

    pub(crate) fn health(&self) -> Health {
        if let Runs::Ensemble(plan) = &self.runs {
            let mut models = plan
                .models()
                .map(|(name, version)| self.step_model(name, version));
            return Health {
                is_ready: models.all(|model| model.is_ok_and(|model| model.health().is_ready)),
                instances: Vec::new(),
            };
        }
        let now = Instant::now();
        let states = self.instances.iter();
        Health::of(
            states
                .map(|status| status.state(now, self.options.stuck_after))
                .collect(),
        )
    }

    pub(crate) fn note_thread(&self) {
        *self.threads.lock().unwrap_or_else(PoisonError::into_inner) += 1;
    }

    pub(crate) fn note_thread_end(&self) {
        *self.threads.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        self.thread_ended.notify_all();
    }

    /// Whether every thread has ended.
    pub(crate) fn has_ended(&self) -> bool {
        *self.threads.lock().unwrap_or_else(PoisonError::into_inner) == 0
    }

    /// Waits for the end of every thread, but not beyond `until`. Whether they have ended.
    pub(crate) fn wait_ended(&self, until: Instant) -> bool {
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        while *threads > 0 {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.thread_ended.wait_timeout(threads, left);
            threads = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}

impl Withdraw for Core {
    fn withdraw(&self, ticket: Ticket) {
        if let Some(job) = self.lanes.withdraw(ticket) {
            self.fail(*job, InferError::Cancelled);
        }
    }
}
