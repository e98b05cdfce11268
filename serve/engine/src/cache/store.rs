//! Where responses are kept: within a number of bytes, the one that was not used for longest goes first.
//!
//! A lookup holds the lock for the moment that finding a candidate takes, and compares bytes without it.

use std::collections::{BTreeMap, HashMap};
use std::hash::RandomState;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::key::{CacheKey, Identity};
use crate::call::Call;
use crate::histogram::nanoseconds;
use crate::response::Response;

/// What a kept response takes beyond its bytes, roughly.
const OVERHEAD: usize = 512;

/// The cache of an engine.
#[derive(Debug)]
pub(crate) struct ResponseCache {
    hashes: RandomState,
    state: Mutex<State>,
}

/// How the cache is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheStatistics {
    /// How many bytes it may take.
    pub capacity: usize,
    /// How many it takes.
    pub bytes: usize,
    /// How many responses it holds.
    pub entries: usize,
    /// Requests that were found.
    pub hits: u64,
    /// Requests that were not.
    pub misses: u64,
    /// Responses that had to go for others.
    pub evictions: u64,
    /// Time spent looking, in nanoseconds.
    pub lookup_ns: u64,
    /// Time spent keeping, in nanoseconds.
    pub insertion_ns: u64,
}

#[derive(Debug, Default)]
struct State {
    entries: HashMap<u64, Kept>,
    /// Hashes by when they were last used.
    recency: BTreeMap<u64, u64>,
    clock: u64,
    statistics: CacheStatistics,
}

#[derive(Debug)]
struct Kept {
    entry: Arc<Entry>,
    used: u64,
}

#[derive(Debug)]
struct Entry {
    head: Box<[u8]>,
    /// The elements of all inputs, one after the other.
    inputs: Box<[u8]>,
    response: Response,
    bytes: usize,
}

impl ResponseCache {
    /// A cache of this many bytes.
    pub(crate) fn new(capacity: usize) -> Self {
        let mut state = State::default();
        state.statistics.capacity = capacity;
        Self {
            hashes: RandomState::new(),
            state: Mutex::new(state),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The response that is kept for this call, or the key to keep one under; and the time that it took.
    pub(crate) fn look_up(
        &self,
        identity: Identity,
        version: u64,
        call: &Call,
    ) -> (Result<Response, CacheKey>, Duration) {
        let began = Instant::now();
        let key = CacheKey::new(identity, version, call, &self.hashes);
        let candidate = self.state().touch(key.hash);
        let found = candidate.filter(|entry| entry.is_of(&key, call));
        let time = began.elapsed();
        let mut state = self.state();
        state.statistics.lookup_ns += nanoseconds(time);
        let result = if let Some(entry) = found {
            state.statistics.hits += 1;
            Ok(entry.response.clone())
        } else {
            state.statistics.misses += 1;
            Err(key)
        };
        (result, time)
    }

    /// Keeps this response for calls that are the same. The time that it took.
    pub(crate) fn keep(&self, key: CacheKey, call: &Call, response: &Response) -> Duration {
        let began = Instant::now();
        let hash = key.hash;
        let entry = Entry::new(key, call, response);
        let evicted = self.state().insert(hash, entry);
        // Freed without the lock.
        drop(evicted);
        let time = began.elapsed();
        self.state().statistics.insertion_ns += nanoseconds(time);
        time
    }

    pub(crate) fn statistics(&self) -> CacheStatistics {
        let state = self.state();
        CacheStatistics {
            entries: state.entries.len(),
            ..state.statistics
        }
    }
}

impl State {
    /// The entry under this hash, which is now the last one used.
    fn touch(&mut self, hash: u64) -> Option<Arc<Entry>> {
        self.clock += 1;
        let kept = self.entries.get_mut(&hash)?;
        self.recency.remove(&kept.used);
        kept.used = self.clock;
        self.recency.insert(self.clock, hash);
        Some(Arc::clone(&kept.entry))
    }

    /// Puts an entry in, and takes out what has to go for it.
    fn insert(&mut self, hash: u64, entry: Entry) -> Vec<Arc<Entry>> {
        let mut removed = Vec::new();
        if entry.bytes > self.statistics.capacity {
            return removed;
        }
        removed.extend(self.remove(hash));
        while self.statistics.bytes + entry.bytes > self.statistics.capacity {
            let Some((_, oldest)) = self.recency.first_key_value() else {
                break;
            };
            let oldest = *oldest;
            removed.extend(self.remove(oldest));
            self.statistics.evictions += 1;
        }
        self.clock += 1;
        self.statistics.bytes += entry.bytes;
        self.recency.insert(self.clock, hash);
        let kept = Kept {
            entry: Arc::new(entry),
            used: self.clock,
        };
        self.entries.insert(hash, kept);
        removed
    }

    fn remove(&mut self, hash: u64) -> Option<Arc<Entry>> {
        let kept = self.entries.remove(&hash)?;
        self.recency.remove(&kept.used);
        self.statistics.bytes -= kept.entry.bytes;
        Some(kept.entry)
    }
}

impl Entry {
    /// Copies everything, since a slice would keep all that it was sliced from.
    fn new(key: CacheKey, call: &Call, response: &Response) -> Self {
        let mut inputs = Vec::with_capacity(call.bytes());
        for frame in call.frames.iter().flatten() {
            inputs.extend_from_slice(frame);
        }
        let mut response = response.clone();
        for tensor in &mut response.outputs {
            tensor.bytes = Bytes::copy_from_slice(&tensor.bytes);
        }
        let outputs: usize = response.outputs.iter().map(|it| it.bytes.len()).sum();
        Self {
            bytes: key.head.len() + inputs.len() + outputs + OVERHEAD,
            head: key.head,
            inputs: inputs.into_boxed_slice(),
            response,
        }
    }

    /// Whether it is the response to this very call.
    fn is_of(&self, key: &CacheKey, call: &Call) -> bool {
        let mut rest = &*self.inputs;
        let is_same = self.head == key.head
            && call.frames.iter().flatten().all(|frame| {
                let Some((start, tail)) = rest.split_at_checked(frame.len()) else {
                    return false;
                };
                rest = tail;
                start == frame
            });
        is_same && rest.is_empty()
    }
}

#[cfg(test)]
mod tests;
