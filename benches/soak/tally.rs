//! What came of everything that was asked, by what it was.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What came of everything.
#[derive(Debug, Default)]
pub(crate) struct Tally(Mutex<BTreeMap<String, Outcomes>>);

/// What came of one kind of thing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcomes {
    /// How often it went as it should.
    pub(crate) right: u64,
    /// How often it did not.
    pub(crate) wrong: u64,
    /// What was wrong the first time.
    pub(crate) example: String,
}

impl Tally {
    /// Notes how something went.
    pub(crate) fn note(&self, name: &str, outcome: Result<(), String>) {
        self.add(
            name,
            u64::from(outcome.is_ok()),
            outcome.err().map(|why| (1, why)),
        );
    }

    /// Notes how many went well, and how many did not with an example.
    pub(crate) fn add(&self, name: &str, right: u64, wrong: Option<(u64, String)>) {
        let mut all = self.all();
        let outcomes = all.entry(name.to_owned()).or_default();
        outcomes.right += right;
        if let Some((count, why)) = wrong {
            if outcomes.wrong == 0 {
                outcomes.example = why;
            }
            outcomes.wrong += count;
        }
    }

    /// All of it, by name.
    pub(crate) fn read(&self) -> BTreeMap<String, Outcomes> {
        self.all().clone()
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<String, Outcomes>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
