//! Where the requests of a model wait: one queue for all instances, or, for sequences, one for each.
//!
//! Knows who waits, and not what becomes of those whose time is over.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::call::Call;
use crate::core::Core;
use crate::error::InferError;
use crate::job::BoxedJob;
use crate::options::ModelOptions;
use crate::queue::Queue;
use crate::reply::Ticket;
use crate::request::CorrelationId;
use crate::response::Response;
use crate::sequence::{Carried, Due, Kept, SequenceRefusal, Sequences};

/// The level of tickets that are for a part of a sequence.
const SEQUENCE: usize = usize::MAX;

/// All that wait for one model.
#[derive(Debug)]
pub(crate) struct Lanes {
    queues: Box<[Queue<BoxedJob>]>,
    sequences: Option<Mutex<Sequences<BoxedJob, Kept>>>,
    /// How many parts of sequences have come.
    parts: AtomicU64,
}

/// The next request of a sequence.
pub(crate) type NextTurn = Due<BoxedJob, Kept>;

/// The turn of a sequence, which is over when this is dropped.
pub(crate) struct Turn {
    core: Arc<Core>,
    id: CorrelationId,
    /// What goes from one request to the next, where something is filled in.
    carried: Option<Box<Carried>>,
}

impl Turn {
    pub(crate) const fn new(
        core: Arc<Core>,
        id: CorrelationId,
        carried: Option<Box<Carried>>,
    ) -> Self {
        Self { core, id, carried }
    }

    /// A call of this turn as a client sent it, where something was filled in.
    pub(crate) fn sent(&self, call: &Call) -> Option<Call> {
        let extras = self.core.extras.as_ref()?;
        let carried = self.carried.as_ref()?;
        Some(extras.sent(call, carried))
    }

    /// Takes out of a response what the next request needs, and makes what is left what clients know.
    pub(crate) fn settle(&mut self, response: &mut Response) -> Result<(), InferError> {
        match (&self.core.extras, &mut self.carried) {
            (Some(extras), Some(carried)) => extras.settle(carried, response),
            _ => Ok(()),
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let kept = self.carried.take().and_then(|carried| carried.kept);
        self.core.turn_over(&self.id, kept);
    }
}

impl fmt::Debug for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Turn").field(&self.id).finish()
    }
}

impl Lanes {
    pub(crate) fn new(options: &ModelOptions) -> Self {
        let queues = if options.sequences.is_some() {
            options.instances
        } else {
            1
        };
        let sequences = options.sequences.clone();
        Self {
            queues: (0..queues).map(|_| Queue::new(options)).collect(),
            sequences: sequences.map(|policy| {
                Mutex::new(Sequences::new(
                    policy,
                    options.instances,
                    options.max_waiting,
                ))
            }),
            parts: AtomicU64::new(0),
        }
    }

    /// The queue that this instance pulls from.
    pub(crate) fn of(&self, instance: usize) -> &Queue<BoxedJob> {
        let last = self.queues.len() - 1;
        &self.queues[instance.min(last)]
    }

    fn sequences(&self) -> Option<MutexGuard<'_, Sequences<BoxedJob, Kept>>> {
        let sequences = self.sequences.as_ref()?;
        Some(sequences.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) const fn is_for_sequences(&self) -> bool {
        self.sequences.is_some()
    }

    /// Lets a part of a sequence come in. Whatever has its turn now is added to `due`.
    pub(crate) fn arrive(
        &self,
        mut job: BoxedJob,
        due: &mut Vec<NextTurn>,
    ) -> Result<Ticket, (BoxedJob, SequenceRefusal)> {
        let (Some(mut sequences), Some(part)) = (self.sequences(), job.call.correlation.clone())
        else {
            return Err((job, SequenceRefusal::Unknown));
        };
        let place = self.parts.fetch_add(1, Ordering::Relaxed);
        job.part = Some(place);
        let rows = job.call.rows;
        sequences.arrive((&part, rows), job, Instant::now(), due)?;
        Ok(Ticket {
            level: SEQUENCE,
            place,
        })
    }

    /// Notes that the request of this sequence that ran is answered, and has left this.
    pub(crate) fn answered(&self, id: &CorrelationId, kept: Option<Kept>) -> Vec<NextTurn> {
        let mut due = Vec::new();
        if let Some(mut sequences) = self.sequences() {
            sequences.answered((id, kept), Instant::now(), &mut due);
        }
        due
    }

    /// Forgets sequences that had nothing to do for too long. When others may be.
    pub(crate) fn forget_idle(&self, now: Instant, due: &mut Vec<NextTurn>) -> Option<Instant> {
        let mut sequences = self.sequences()?;
        sequences.forget_idle(now, due);
        sequences.next_idle(now)
    }

    /// Takes one out again, if it still waits.
    pub(crate) fn withdraw(&self, ticket: Ticket) -> Option<BoxedJob> {
        if ticket.level != SEQUENCE {
            let entry = self.queues[0].withdraw(ticket)?;
            return Some(entry.item);
        }
        let is_it = |job: &BoxedJob| job.part == Some(ticket.place);
        let pending = self.sequences()?.withdraw(is_it);
        pending.or_else(|| {
            let mut queues = self.queues.iter();
            queues.find_map(|queue| queue.withdraw_if(is_it))
        })
    }

    /// Takes out those whose time is over. When the next ones may be.
    pub(crate) fn expire(&self, now: Instant, expired: &mut Vec<BoxedJob>) -> Option<Instant> {
        let mut entries = Vec::new();
        let queues = self.queues.iter();
        let next = queues
            .filter_map(|queue| queue.expire(now, &mut entries))
            .min();
        expired.extend(entries.into_iter().map(|entry| entry.item));
        if let Some(mut sequences) = self.sequences() {
            expired.extend(sequences.take_out(|job| job.is_over(now)));
        }
        next
    }

    /// Takes out everything that waits.
    pub(crate) fn drain(&self) -> Vec<BoxedJob> {
        // Those who wait for a turn first, so that no turn that ends here is followed by another.
        let pending = self
            .sequences()
            .map(|mut sequences| sequences.take_out(|_| true));
        let mut jobs = pending.unwrap_or_default();
        let entries = self.queues.iter().flat_map(Queue::drain);
        jobs.extend(entries.map(|entry| entry.item));
        jobs
    }

    /// Lets no batch wait to grow any more.
    pub(crate) fn hurry(&self) {
        self.queues.iter().for_each(Queue::hurry);
    }

    /// Takes nothing more. What waits is still pulled.
    pub(crate) fn close(&self) {
        self.queues.iter().for_each(Queue::close);
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        let queued: usize = self.queues.iter().map(Queue::len).sum();
        queued + self.sequences().map_or(0, |sequences| sequences.waiting())
    }
}
