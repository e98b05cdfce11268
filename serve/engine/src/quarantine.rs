//! Requests that make the code of a model panic: those that did so several times in a row, each time alone, are not run
//! again for a while. One that comes through in between was not to blame.
//!
//! What is looked at is what a client sent, and nothing that was filled in. A request that goes on with a sequence is known
//! together with the name of that sequence only: what came before it may be to blame, and others send the same in theirs.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::cache::{CacheKey, Identity};
use crate::call::Call;

/// How often in a row a request may break what runs it.
const LIMIT: u32 = 3;

/// How long it is remembered after the last time.
const MEMORY: Duration = Duration::from_mins(1);

/// How many are remembered; beyond that, none that is new.
const MOST: usize = 1024;

/// What is remembered of a model's requests.
#[derive(Debug, Default)]
pub(crate) struct Quarantine {
    /// How many are known: almost always none, and then this is all that is looked at.
    count: AtomicUsize,
    known: Mutex<HashMap<u128, Offences>>,
    /// Whether the model is told what a sequence is called, so that the name itself may be to blame.
    tells_names: bool,
    hashes: [RandomState; 2],
}

#[derive(Clone, Copy, Debug)]
struct Offences {
    count: u32,
    last: Instant,
}

impl Quarantine {
    /// Of a model that is told what its sequences are called, or not.
    pub(crate) fn new(tells_names: bool) -> Self {
        Self {
            tells_names,
            ..Self::default()
        }
    }

    /// Whether there is anything to look up.
    pub(crate) fn knows_any(&self) -> bool {
        self.count.load(Ordering::Relaxed) > 0
    }

    /// Whether this is not to be run.
    pub(crate) fn holds(&self, call: &Call) -> bool {
        let known = || {
            let mark = self.mark(call);
            let mut known = self.known();
            let offences = known.get(&mark).copied()?;
            if offences.last.elapsed() > MEMORY {
                known.remove(&mark);
                self.count.store(known.len(), Ordering::Relaxed);
            }
            Some(offences.count >= LIMIT && offences.last.elapsed() <= MEMORY)
        };
        self.knows_any() && known().unwrap_or(false)
    }

    /// Notes that this broke what ran it, with nothing else to blame.
    pub(crate) fn note(&self, call: &Call) {
        let mark = self.mark(call);
        let mut known = self.known();
        if known.len() >= MOST {
            known.retain(|_, offences| offences.last.elapsed() <= MEMORY);
        }
        if known.len() < MOST || known.contains_key(&mark) {
            let last = Instant::now();
            let offences = known.entry(mark).or_insert(Offences { count: 0, last });
            offences.count += 1;
            offences.last = last;
        }
        self.count.store(known.len(), Ordering::Relaxed);
    }

    /// Notes that this was answered.
    pub(crate) fn clear(&self, call: &Call) {
        if self.knows_any() {
            let mark = self.mark(call);
            let mut known = self.known();
            known.remove(&mark);
            self.count.store(known.len(), Ordering::Relaxed);
        }
    }

    /// What tells it from other requests to the same model: two hashes of what it consists of.
    fn mark(&self, call: &Call) -> u128 {
        let [one, other] = &self.hashes;
        u128::from(self.hash(one, call)) << 64 | u128::from(self.hash(other, call))
    }

    fn hash(&self, hashes: &RandomState, call: &Call) -> u64 {
        let mut state = hashes.build_hasher();
        CacheKey::new(Identity::Load(0), 0, call, hashes)
            .hash()
            .hash(&mut state);
        if let Some(part) = &call.correlation {
            (part.start, part.end).hash(&mut state);
            if self.tells_names || !part.start {
                (&part.id, &part.owner).hash(&mut state);
            }
        }
        state.finish()
    }

    fn known(&self) -> MutexGuard<'_, HashMap<u128, Offences>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
