//! Requests that wait, and which of them make up the next batch. Pure: time is what the caller says it is.
//!
//! Knows nothing of threads and of what a request holds, beyond its rows and whom it is like.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use smallvec::{SmallVec, smallvec};

use crate::options::{ModelOptions, QueuePolicy, TimeoutAction};
use crate::reply::Ticket;

/// How many requests are looked at for one batch.
const LOOK_AHEAD: usize = 256;

/// What can wait.
pub(crate) trait Waits {
    /// How many rows of a batch it takes.
    fn rows(&self) -> usize;

    /// Whether both can be in one batch.
    fn is_like(&self, other: &Self) -> bool;
}

/// One that waits.
#[derive(Debug)]
pub(crate) struct Entry<T> {
    pub(crate) place: u64,
    pub(crate) arrived: Instant,
    /// When it is to be turned away.
    pub(crate) expires: Option<Instant>,
    /// When it is to stand back.
    stands_back: Option<Instant>,
    /// Until when it lets a batch grow: half of the time that it has.
    patience: Option<Instant>,
    pub(crate) item: T,
}

/// Its times and level, for one that comes to wait.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    /// The level, from 1.
    pub(crate) priority: u32,
    pub(crate) arrived: Instant,
    /// How long it says that it may wait.
    pub(crate) timeout: Option<Duration>,
    pub(crate) deadline: Option<Instant>,
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// A batch was taken.
    Taken,
    /// Nothing waits.
    Empty,
    /// A batch may grow until then.
    Later(Instant),
}

/// The queue was full, with this many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full(pub(crate) usize);

/// All that wait for one model.
#[derive(Debug)]
pub(crate) struct Waiting<T> {
    levels: Vec<Level<T>>,
    sizes: Sizes,
    passed_over_limit: u32,
    most: usize,
    len: usize,
    rows: usize,
    next_place: u64,
    /// No one that waits expires or stands back before.
    earliest: Option<Instant>,
}

#[derive(Debug)]
struct Level<T> {
    queue: QueuePolicy,
    on_time: VecDeque<Entry<T>>,
    /// Those that waited for too long and stand back.
    late: VecDeque<Entry<T>>,
    /// How many batches were taken from other levels while the first one here waited.
    passed_over: u32,
}

/// How large batches may and should be.
#[derive(Clone, Debug)]
struct Sizes {
    max: usize,
    /// Ascending.
    preferred: Vec<usize>,
    delay: Duration,
    is_batching: bool,
}

impl<T: Waits> Waiting<T> {
    pub(crate) fn new(options: &ModelOptions) -> Self {
        let batching = options.batching.clone();
        let is_batching = batching.is_some();
        let batching = batching.unwrap_or_default();
        let mut preferred = batching.preferred_sizes;
        preferred.sort_unstable();
        let level = |level| Level {
            queue: options.queue_of(level).clone(),
            on_time: VecDeque::new(),
            late: VecDeque::new(),
            passed_over: 0,
        };
        Self {
            levels: (1..=options.priority_levels).map(level).collect(),
            sizes: Sizes {
                max: options.max_batch,
                preferred,
                delay: batching.delay,
                is_batching,
            },
            passed_over_limit: options.passed_over_limit,
            most: options.max_waiting,
            len: 0,
            rows: 0,
            next_place: 0,
            earliest: None,
        }
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// When something may have to be done about time, at the earliest.
    pub(crate) const fn earliest(&self) -> Option<Instant> {
        self.earliest
    }

    /// Whether there are enough rows for a batch that need not wait for more.
    pub(crate) fn may_be_enough(&self) -> bool {
        let least = self.sizes.preferred.first().copied();
        self.rows >= least.unwrap_or(self.sizes.max)
    }

    /// Adds one, unless its queue is full; and until when it lets a batch grow. `numbered` is told its place
    /// before it can be seen.
    pub(crate) fn push(
        &mut self,
        mut item: T,
        arrival: Arrival,
        numbered: impl FnOnce(&mut T, u64),
    ) -> Result<(Ticket, Option<Instant>), (T, Full)> {
        if self.len >= self.most {
            return Err((item, Full(self.most)));
        }
        let last = self.levels.len().saturating_sub(1);
        let index = usize::try_from(arrival.priority.saturating_sub(1)).unwrap_or(last);
        let index = index.min(last);
        let Some(level) = self.levels.get_mut(index) else {
            return Err((item, Full(0)));
        };
        let waiting = level.on_time.len() + level.late.len();
        if let Some(limit) = level.queue.max_queue_size.filter(|&limit| waiting >= limit) {
            return Err((item, Full(limit)));
        }
        let place = self.next_place;
        self.next_place += 1;
        numbered(&mut item, place);
        let end = level.queue.end(&arrival);
        let (expires, stands_back) = match level.queue.timeout_action {
            TimeoutAction::Reject => (earlier(end, arrival.deadline), None),
            TimeoutAction::Delay => (arrival.deadline, end),
        };
        let patience = earlier(expires, stands_back).map(|end| {
            let time = end.saturating_duration_since(arrival.arrived);
            arrival.arrived + time / 2
        });
        self.earliest = earlier(self.earliest, earlier(expires, stands_back));
        self.len += 1;
        self.rows += item.rows();
        level.on_time.push_back(Entry {
            place,
            arrived: arrival.arrived,
            expires,
            stands_back,
            patience,
            item,
        });
        let ticket = Ticket {
            level: index,
            place,
        };
        Ok((ticket, patience))
    }

    /// Takes one out again, if it still waits.
    pub(crate) fn withdraw(&mut self, ticket: Ticket) -> Option<Entry<T>> {
        let level = self.levels.get_mut(ticket.level)?;
        let find = |queue: &VecDeque<Entry<T>>| {
            queue.binary_search_by_key(&ticket.place, |entry| entry.place)
        };
        let entry = if let Ok(index) = find(&level.on_time) {
            level.on_time.remove(index)
        } else {
            let index = find(&level.late).ok()?;
            level.late.remove(index)
        }?;
        self.len -= 1;
        self.rows -= entry.item.rows();
        Some(entry)
    }

    /// Takes out the one that is this.
    pub(crate) fn withdraw_if(&mut self, is_it: impl Fn(&T) -> bool) -> Option<T> {
        let levels = self.levels.iter().enumerate();
        let mut entries = levels.flat_map(|(level, it)| it.entries().map(move |it| (level, it)));
        let (level, place) = entries
            .find(|(_, entry)| is_it(&entry.item))
            .map(|(level, entry)| (level, entry.place))?;
        drop(entries);
        self.withdraw(Ticket { level, place })
            .map(|entry| entry.item)
    }

    /// Takes out those whose time is over, and lets those stand back that waited for too long.
    pub(crate) fn expire(&mut self, now: Instant, expired: &mut Vec<Entry<T>>) {
        if self.earliest.is_none_or(|earliest| earliest > now) {
            return;
        }
        let before = expired.len();
        self.earliest = None;
        for level in &mut self.levels {
            level.expire(now, expired);
            let times = level.on_time.iter().chain(&level.late);
            let times = times.filter_map(|entry| earlier(entry.expires, entry.stands_back));
            self.earliest = earlier(self.earliest, times.min());
        }
        let gone = expired.get(before..).unwrap_or_default();
        self.len -= gone.len();
        self.rows -= gone.iter().map(|entry| entry.item.rows()).sum::<usize>();
    }

    /// Takes everything.
    pub(crate) fn drain(&mut self) -> Vec<Entry<T>> {
        self.len = 0;
        self.rows = 0;
        self.earliest = None;
        let levels = self.levels.iter_mut();
        levels
            .flat_map(|level| level.on_time.drain(..).chain(level.late.drain(..)))
            .collect()
    }

    /// Takes the next batch, if it is worth it now. With `at_once`, nothing waits for more to come.
    pub(crate) fn take(&mut self, now: Instant, at_once: bool, batch: &mut Vec<T>) -> Next {
        let first = self.first_level();
        let Some(selection) = self.select(first) else {
            return Next::Empty;
        };
        let count = match self.sizes.decide(&selection, now, at_once) {
            Ok(count) => count,
            Err(until) => return Next::Later(until),
        };
        self.remove(first, &selection.picks, count, batch);
        Next::Taken
    }

    /// The level that is served first now.
    fn first_level(&self) -> usize {
        let starving = self
            .levels
            .iter()
            .enumerate()
            .filter(|(_, level)| level.passed_over >= self.passed_over_limit && !level.is_empty())
            .max_by_key(|(index, level)| (level.passed_over, *index));
        starving.map_or(0, |(index, _)| index)
    }

    /// The one to be served first, and those after it that are like it, as far as a batch holds them.
    fn select(&self, first: usize) -> Option<Selection> {
        let order = order(first, self.levels.len());
        let mut entries = order.flat_map(|level| {
            let level = self.levels.get(level);
            level.into_iter().flat_map(Level::entries)
        });
        let leader = entries.next()?;
        let mut selection = Selection {
            picks: smallvec![0],
            rows: smallvec![leader.item.rows()],
            oldest: leader.arrived,
            patience: leader.patience,
            is_full: !self.sizes.is_batching,
        };
        if !self.sizes.is_batching {
            return Some(selection);
        }
        let mut rows = leader.item.rows();
        for (position, entry) in entries.enumerate().take(LOOK_AHEAD) {
            if rows >= self.sizes.max {
                break;
            }
            if !entry.item.is_like(&leader.item) {
                continue;
            }
            let sum = rows + entry.item.rows();
            if sum > self.sizes.max {
                // It comes first in a later batch; going around it could make it wait for ever.
                selection.is_full = true;
                break;
            }
            rows = sum;
            selection.picks.push(position + 1);
            selection.rows.push(rows);
            selection.oldest = selection.oldest.min(entry.arrived);
            selection.patience = earlier(selection.patience, entry.patience);
        }
        selection.is_full |= rows >= self.sizes.max;
        Some(selection)
    }

    /// Moves the first `count` picks into the batch, and notes who was passed over.
    fn remove(&mut self, first: usize, picks: &[usize], count: usize, batch: &mut Vec<T>) {
        let mut picks = picks.iter().take(count).copied().peekable();
        let mut start = 0;
        for index in order(first, self.levels.len()) {
            let Some(level) = self.levels.get_mut(index) else {
                continue;
            };
            let len = level.len();
            let mut is_head_taken = false;
            let mut removed = 0;
            while let Some(pick) = picks.next_if(|&pick| pick < start + len) {
                is_head_taken |= pick == start;
                if let Some(entry) = level.remove(pick - start - removed) {
                    removed += 1;
                    self.len -= 1;
                    self.rows -= entry.item.rows();
                    batch.push(entry.item);
                }
            }
            level.passed_over = if is_head_taken || level.is_empty() {
                0
            } else {
                level.passed_over.saturating_add(1)
            };
            start += len;
        }
        if self.len == 0 {
            self.earliest = None;
        }
    }
}

/// Few enough to need no memory of their own, mostly.
type Positions = SmallVec<[usize; 32]>;

/// What could be taken.
struct Selection {
    /// Positions in the order of service; the first is 0.
    picks: Positions,
    /// Rows up to and with each of them.
    rows: Positions,
    oldest: Instant,
    /// Until when all of them let the batch grow.
    patience: Option<Instant>,
    /// Whether no more would fit.
    is_full: bool,
}

impl Sizes {
    /// How many of the picks make up a batch, or until when to wait for more.
    fn decide(&self, selection: &Selection, now: Instant, at_once: bool) -> Result<usize, Instant> {
        let all = selection.picks.len();
        if self.is_batching && !self.preferred.is_empty() {
            let is_preferred = |rows: &usize| self.preferred.binary_search(rows).is_ok();
            if let Some(last) = selection.rows.iter().rposition(is_preferred) {
                return Ok(last + 1);
            }
        }
        if selection.is_full || at_once {
            return Ok(all);
        }
        match earlier(selection.oldest.checked_add(self.delay), selection.patience) {
            Some(until) if until > now => Err(until),
            _ => Ok(all),
        }
    }
}

impl<T> Level<T> {
    fn len(&self) -> usize {
        self.on_time.len() + self.late.len()
    }

    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn entries(&self) -> impl Iterator<Item = &Entry<T>> {
        self.on_time.iter().chain(&self.late)
    }

    fn remove(&mut self, index: usize) -> Option<Entry<T>> {
        let on_time = self.on_time.len();
        if index < on_time {
            self.on_time.remove(index)
        } else {
            self.late.remove(index - on_time)
        }
    }

    fn expire(&mut self, now: Instant, expired: &mut Vec<Entry<T>>) {
        let is_over = |time: Option<Instant>| time.is_some_and(|time| time <= now);
        let mut index = 0;
        while let Some(entry) = self.on_time.get(index) {
            if is_over(entry.expires) {
                expired.extend(self.on_time.remove(index));
            } else if is_over(entry.stands_back) {
                if let Some(mut entry) = self.on_time.remove(index) {
                    entry.stands_back = None;
                    let place = self.late.partition_point(|late| late.place < entry.place);
                    self.late.insert(place, entry);
                }
            } else {
                index += 1;
            }
        }
        let mut index = 0;
        while let Some(entry) = self.late.get(index) {
            if is_over(entry.expires) {
                expired.extend(self.late.remove(index));
            } else {
                index += 1;
            }
        }
        if self.is_empty() {
            self.passed_over = 0;
        }
    }
}

impl QueuePolicy {
    /// When one that arrived then has waited for too long.
    fn end(&self, arrival: &Arrival) -> Option<Instant> {
        let asked = arrival.timeout.filter(|_| self.allow_timeout_override);
        let timeout = match (self.default_timeout, asked) {
            (Some(default), Some(asked)) => Some(default.min(asked)),
            (default, asked) => default.or(asked),
        };
        arrival.arrived.checked_add(timeout?)
    }
}

fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// This level, then the others from the first on.
fn order(first: usize, levels: usize) -> impl Iterator<Item = usize> {
    std::iter::once(first).chain((0..levels).filter(move |&level| level != first))
}

#[cfg(test)]
mod tests;
