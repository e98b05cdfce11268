//! Sequences: which of them run, on which instance, and whose turn it is. Pure: time is what the caller says.
//!
//! Requests of one sequence run on one instance, in the order in which they came, one at a time; each is handed what the
//! one before it left. Knows nothing of queues and threads, nor of what is left.

mod control;
mod extras;
mod fault;
mod state;

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use crate::owner::OwnedBy;
use crate::request::{Correlation, CorrelationId};

pub use control::{Control, ControlInput, Flag};
pub(crate) use extras::{Carried, Extras};
pub use fault::{SequenceFault, SequencePart, SequenceTensor};
pub use state::{InitialState, State};
pub(crate) use state::{Kept, StateBudget};

/// How a model serves sequences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SequencePolicy {
    /// The most sequences that run on one instance; others wait until one ends.
    pub per_instance: usize,
    /// The most sequences that are known, those that wait among them.
    pub most: usize,
    /// How long a sequence may go without a request before it is forgotten.
    pub idle: Duration,
    /// Inputs that tell the model which part of its sequence a request is.
    pub controls: Vec<ControlInput>,
    /// What is kept of each sequence from one request to the next.
    pub states: Vec<State>,
}

impl Default for SequencePolicy {
    fn default() -> Self {
        Self {
            per_instance: 64,
            most: 4096,
            idle: Duration::from_secs(1),
            controls: Vec::new(),
            states: Vec::new(),
        }
    }
}

/// All sequences of a model, their requests that wait for their turn, and what each request leaves for the next.
#[derive(Debug)]
pub(crate) struct Sequences<T, K> {
    policy: SequencePolicy,
    known: HashMap<CorrelationId, Sequence<T, K>>,
    /// Sequences that have no instance yet, in the order in which they began.
    backlog: VecDeque<CorrelationId>,
    /// How many more sequences each instance takes.
    free: Vec<usize>,
    waiting: usize,
    most_waiting: usize,
}

#[derive(Debug)]
struct Sequence<T, K> {
    instance: Option<usize>,
    pending: VecDeque<Pending<T>>,
    is_running: bool,
    /// Whether its last request has come.
    is_ending: bool,
    last: Instant,
    /// How many rows the request has that it began with.
    rows: usize,
    /// How often it began: a name may be begun again before its end.
    begun: u64,
    /// What the last request left.
    kept: Option<K>,
    /// After which beginning that was, or the request that runs is.
    kept_since: u64,
    owner: OwnedBy,
}

#[derive(Debug)]
struct Pending<T> {
    item: T,
    /// After which beginning it came.
    since: u64,
}

/// A request whose turn it is.
#[derive(Debug)]
pub(crate) struct Due<T, K> {
    /// The instance that it is for.
    pub(crate) instance: usize,
    pub(crate) item: T,
    /// What the request before it left; none for the first one.
    pub(crate) kept: Option<K>,
}

/// Why a request cannot come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SequenceRefusal {
    /// It begins no sequence, and goes on with none.
    Unknown,
    /// There are as many sequences, or requests that wait, as may be.
    Full(usize),
    /// Its sequence, of which something is kept, began with this many rows.
    Rows(usize),
    /// A sequence of its name runs, which is somebody else's.
    Foreign,
}

impl<T, K> Sequences<T, K> {
    pub(crate) fn new(policy: SequencePolicy, instances: usize, most_waiting: usize) -> Self {
        Self {
            free: vec![policy.per_instance.max(1); instances],
            policy,
            known: HashMap::new(),
            backlog: VecDeque::new(),
            waiting: 0,
            most_waiting,
        }
    }

    /// Lets a request of so many rows come in. Whatever may run now is added to `due`.
    pub(crate) fn arrive(
        &mut self,
        (part, rows): (&Correlation, usize),
        item: T,
        now: Instant,
        due: &mut Vec<Due<T, K>>,
    ) -> Result<(), (T, SequenceRefusal)> {
        self.forget_idle(now, due);
        if self.waiting >= self.most_waiting {
            return Err((item, SequenceRefusal::Full(self.most_waiting)));
        }
        let known = self.known.get(&part.id);
        if known.is_some_and(|sequence| !sequence.owner.is(part.owner.as_ref())) {
            return Err((item, SequenceRefusal::Foreign));
        }
        match known.filter(|sequence| !sequence.is_ending) {
            _ if part.start => {}
            None => return Err((item, SequenceRefusal::Unknown)),
            // What is kept has a row for each of those.
            Some(sequence) if !self.policy.states.is_empty() && sequence.rows != rows => {
                return Err((item, SequenceRefusal::Rows(sequence.rows)));
            }
            Some(_) => {}
        }
        if !self.known.contains_key(&part.id) {
            if self.known.len() >= self.policy.most {
                return Err((item, SequenceRefusal::Full(self.policy.most)));
            }
            self.begin(part, now);
        }
        if let Some(sequence) = self.known.get_mut(&part.id) {
            sequence.is_ending = part.end;
            sequence.last = now;
            if part.start {
                sequence.rows = rows;
                sequence.begun += 1;
            }
            let since = sequence.begun;
            sequence.pending.push_back(Pending { item, since });
            self.waiting += 1;
        }
        self.go_on(&part.id, due);
        Ok(())
    }

    /// Notes that the request of this sequence that ran is answered, and has left this.
    pub(crate) fn answered(
        &mut self,
        (id, kept): (&CorrelationId, Option<K>),
        now: Instant,
        due: &mut Vec<Due<T, K>>,
    ) {
        let Some(sequence) = self.known.get_mut(id) else {
            return;
        };
        sequence.is_running = false;
        sequence.last = now;
        sequence.kept = kept;
        if sequence.is_ending && sequence.pending.is_empty() {
            self.end(id, due);
        } else {
            self.go_on(id, due);
        }
    }

    /// Takes out the request that waits and is this one.
    pub(crate) fn withdraw(&mut self, is_it: impl Fn(&T) -> bool) -> Option<T> {
        for sequence in self.known.values_mut() {
            let mut pending = sequence.pending.iter();
            if let Some(position) = pending.position(|pending| is_it(&pending.item)) {
                self.waiting -= 1;
                let removed = sequence.pending.remove(position);
                return removed.map(|pending| pending.item);
            }
        }
        None
    }

    /// Takes out all requests that wait and are like this.
    pub(crate) fn take_out(&mut self, is_meant: impl Fn(&T) -> bool) -> Vec<T> {
        let mut taken = Vec::new();
        for sequence in self.known.values_mut() {
            let pending = std::mem::take(&mut sequence.pending);
            for pending in pending {
                if is_meant(&pending.item) {
                    taken.push(pending.item);
                } else {
                    sequence.pending.push_back(pending);
                }
            }
        }
        self.waiting -= taken.len();
        taken
    }

    fn begin(&mut self, part: &Correlation, now: Instant) {
        let id = part.id.clone();
        let instance = self.take_place();
        if instance.is_none() {
            self.backlog.push_back(id.clone());
        }
        let sequence = Sequence {
            instance,
            pending: VecDeque::new(),
            is_running: false,
            is_ending: false,
            last: now,
            rows: 0,
            begun: 0,
            kept: None,
            kept_since: 0,
            owner: OwnedBy::new(part.owner.as_ref()),
        };
        self.known.insert(id, sequence);
    }

    /// A place on the instance that has the most.
    fn take_place(&mut self) -> Option<usize> {
        let free = self.free.iter_mut().enumerate().rev();
        let (instance, free) = free.max_by_key(|(_, free)| **free)?;
        *free = free.checked_sub(1)?;
        Some(instance)
    }

    /// Forgets a sequence, and gives its place to the one that waits for longest.
    fn end(&mut self, id: &CorrelationId, due: &mut Vec<Due<T, K>>) {
        let Some(sequence) = self.known.remove(id) else {
            return;
        };
        let Some(instance) = sequence.instance else {
            self.backlog.retain(|waiting| waiting != id);
            return;
        };
        if let Some(next) = self.backlog.pop_front() {
            if let Some(sequence) = self.known.get_mut(&next) {
                sequence.instance = Some(instance);
            }
            self.go_on(&next, due);
        } else if let Some(free) = self.free.get_mut(instance) {
            *free += 1;
        }
    }

    /// Makes the next request due, if the sequence has an instance and none runs.
    fn go_on(&mut self, id: &CorrelationId, due: &mut Vec<Due<T, K>>) {
        if let Some(sequence) = self.known.get_mut(id)
            && let Some(instance) = sequence.instance
            && !sequence.is_running
            && let Some(Pending { item, since }) = sequence.pending.pop_front()
        {
            sequence.is_running = true;
            self.waiting -= 1;
            let kept = sequence.kept.take();
            // Nothing is left from before it began anew, even if the request that began it never ran.
            let kept = kept.filter(|_| sequence.kept_since == since);
            sequence.kept_since = since;
            due.push(Due {
                instance,
                item,
                kept,
            });
        }
    }

    /// How many requests wait for their turn.
    pub(crate) const fn waiting(&self) -> usize {
        self.waiting
    }

    /// When the first of those that are known may be forgotten, unless it goes on; one that has something to do not
    /// before it had nothing to do for so long from now on.
    pub(crate) fn next_idle(&self, now: Instant) -> Option<Instant> {
        let known = self.known.values();
        let last = known.map(|sequence| {
            let has_nothing = !sequence.is_running && sequence.pending.is_empty();
            if has_nothing { sequence.last } else { now }
        });
        last.min()?.checked_add(self.policy.idle)
    }

    /// Forgets sequences that had nothing to do for too long, and those that have nothing to do and are nobody's any more.
    pub(crate) fn forget_idle(&mut self, now: Instant, due: &mut Vec<Due<T, K>>) {
        let idle = self.policy.idle;
        let is_idle = |sequence: &Sequence<T, K>| {
            !sequence.is_running
                && sequence.pending.is_empty()
                && (sequence.owner.is_gone()
                    || now.saturating_duration_since(sequence.last) >= idle)
        };
        let known = self.known.iter();
        let forgotten: Vec<CorrelationId> = known
            .filter(|(_, sequence)| is_idle(sequence))
            .map(|(id, _)| id.clone())
            .collect();
        for id in forgotten {
            self.end(&id, due);
        }
    }
}

#[cfg(test)]
mod tests;
