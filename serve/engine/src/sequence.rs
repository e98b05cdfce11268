//! Sequences: which of them run, on which instance, and whose turn it is. Pure: time is what the caller says.
//!
//! Requests of one sequence run on one instance, in the order in which they came, one at a time. Knows nothing
//! of queues and threads.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use crate::request::{Correlation, CorrelationId};

/// How a model serves sequences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SequencePolicy {
    /// The most sequences that run on one instance; others wait until one ends.
    pub per_instance: usize,
    /// The most sequences that are known, those that wait among them.
    pub most: usize,
    /// How long a sequence may go without a request before it is forgotten.
    pub idle: Duration,
}

impl Default for SequencePolicy {
    fn default() -> Self {
        Self {
            per_instance: 64,
            most: 4096,
            idle: Duration::from_secs(1),
        }
    }
}

/// All sequences of a model, and their requests that wait for their turn.
#[derive(Debug)]
pub(crate) struct Sequences<T> {
    policy: SequencePolicy,
    known: HashMap<CorrelationId, Sequence<T>>,
    /// Sequences that have no instance yet, in the order in which they began.
    backlog: VecDeque<CorrelationId>,
    /// How many more sequences each instance takes.
    free: Vec<usize>,
    waiting: usize,
    most_waiting: usize,
}

#[derive(Debug)]
struct Sequence<T> {
    instance: Option<usize>,
    pending: VecDeque<T>,
    is_running: bool,
    /// Whether its last request has come.
    is_ending: bool,
    last: Instant,
}

/// A request whose turn it is, and the instance that it is for.
pub(crate) type Due<T> = (usize, T);

/// Why a request cannot come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SequenceRefusal {
    /// It begins no sequence, and goes on with none.
    Unknown,
    /// There are as many sequences, or requests that wait, as may be.
    Full(usize),
}

impl<T> Sequences<T> {
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

    /// Lets a request come in. Whatever may run now is added to `due`.
    pub(crate) fn arrive(
        &mut self,
        part: &Correlation,
        item: T,
        now: Instant,
        due: &mut Vec<Due<T>>,
    ) -> Result<(), (T, SequenceRefusal)> {
        self.forget_idle(now, due);
        if self.waiting >= self.most_waiting {
            return Err((item, SequenceRefusal::Full(self.most_waiting)));
        }
        let is_under_way = self
            .known
            .get(&part.id)
            .is_some_and(|sequence| !sequence.is_ending);
        if !part.start && !is_under_way {
            return Err((item, SequenceRefusal::Unknown));
        }
        if !self.known.contains_key(&part.id) {
            if self.known.len() >= self.policy.most {
                return Err((item, SequenceRefusal::Full(self.policy.most)));
            }
            self.begin(part.id.clone(), now);
        }
        if let Some(sequence) = self.known.get_mut(&part.id) {
            sequence.is_ending = part.end;
            sequence.last = now;
            sequence.pending.push_back(item);
            self.waiting += 1;
        }
        self.go_on(&part.id, due);
        Ok(())
    }

    /// Notes that the request of this sequence that ran is answered.
    pub(crate) fn answered(&mut self, id: &CorrelationId, now: Instant, due: &mut Vec<Due<T>>) {
        let Some(sequence) = self.known.get_mut(id) else {
            return;
        };
        sequence.is_running = false;
        sequence.last = now;
        if sequence.is_ending && sequence.pending.is_empty() {
            self.end(id, due);
        } else {
            self.go_on(id, due);
        }
    }

    /// Takes out the request that waits and is this one.
    pub(crate) fn withdraw(&mut self, is_it: impl Fn(&T) -> bool) -> Option<T> {
        for sequence in self.known.values_mut() {
            if let Some(position) = sequence.pending.iter().position(&is_it) {
                self.waiting -= 1;
                return sequence.pending.remove(position);
            }
        }
        None
    }

    /// Takes out all requests that wait and are like this.
    pub(crate) fn take_out(&mut self, is_meant: impl Fn(&T) -> bool) -> Vec<T> {
        let mut taken = Vec::new();
        for sequence in self.known.values_mut() {
            let pending = std::mem::take(&mut sequence.pending);
            for item in pending {
                if is_meant(&item) {
                    taken.push(item);
                } else {
                    sequence.pending.push_back(item);
                }
            }
        }
        self.waiting -= taken.len();
        taken
    }

    fn begin(&mut self, id: CorrelationId, now: Instant) {
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
    fn end(&mut self, id: &CorrelationId, due: &mut Vec<Due<T>>) {
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
    fn go_on(&mut self, id: &CorrelationId, due: &mut Vec<Due<T>>) {
        if let Some(sequence) = self.known.get_mut(id)
            && let Some(instance) = sequence.instance
            && !sequence.is_running
            && let Some(item) = sequence.pending.pop_front()
        {
            sequence.is_running = true;
            self.waiting -= 1;
            due.push((instance, item));
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

    /// Forgets sequences that had nothing to do for too long.
    pub(crate) fn forget_idle(&mut self, now: Instant, due: &mut Vec<Due<T>>) {
        let idle = self.policy.idle;
        let is_idle = |sequence: &Sequence<T>| {
            !sequence.is_running
                && sequence.pending.is_empty()
                && now.saturating_duration_since(sequence.last) >= idle
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
