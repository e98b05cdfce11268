//! Files that are looked at from time to time: what has changed is loaded, what is gone is unloaded.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Weak};
use std::time::Duration;

use nav_package_format::Digest;

use super::control::{Inner, Repository};
use super::failure::LoadFailure;
use super::record::Desire;
use super::source::{Place, all};
use super::stamp::stamp;
use crate::log::Level;

/// A thread that looks at files until this is dropped.
#[derive(Debug)]
pub(super) struct Poller {
    _alive: Sender<()>,
}

impl Poller {
    pub(super) fn start(inner: &Arc<Inner>, interval: Duration) -> io::Result<Self> {
        let (alive, ended) = channel();
        let watched = Arc::downgrade(inner);
        std::thread::Builder::new()
            .name("nav-poll".to_owned())
            .spawn(move || {
                while ended.recv_timeout(interval) == Err(RecvTimeoutError::Timeout) {
                    let Some(inner) = Weak::upgrade(&watched) else {
                        return;
                    };
                    inner.poll();
                }
            })?;
        Ok(Self { _alive: alive })
    }
}

impl Repository {
    /// Looks at the files now: loads what has changed and is as it was the last time, and unloads what is gone. What
    /// could not be loaded is given back.
    pub fn poll(&self) -> Vec<(String, LoadFailure)> {
        self.inner.poll()
    }
}

impl Inner {
    /// Notes how everything looks that is about to be loaded at the start.
    pub(super) fn note_looks(&self) {
        let places = all(&self.options.sources).unwrap_or_default();
        let mut records = self.records();
        for (name, look) in looks(&places) {
            records.entry(name).or_default().looks.take(look);
        }
    }

    fn poll(&self) -> Vec<(String, LoadFailure)> {
        let places = match all(&self.options.sources) {
            Ok(places) => places,
            Err(error) => {
                // Nothing is unloaded because a folder cannot be read for a moment.
                let fields = [("why", super::failure::told(&error, &[]))];
                self.event(Level::Warning, "not polled", &fields);
                return Vec::new();
            }
        };
        let mut due = BTreeSet::new();
        let mut gone = Vec::new();
        {
            let mut records = self.records();
            for (name, look) in looks(&places) {
                let record = records.entry(name.clone()).or_default();
                if record.looks.is_due(look) {
                    record.looks.take(look);
                    due.insert(name);
                }
            }
            let is_gone = |name: &String| !places.contains_key(name);
            for (name, record) in records.iter().filter(|(name, _)| is_gone(name)) {
                if record.desire != Desire::Not {
                    gone.push(name.clone());
                }
            }
        }
        let mut failures = self.load_all(due);
        for (name, failure) in &failures {
            if matches!(failure, LoadFailure::Busy { .. }) {
                let mut records = self.records();
                records.entry(name.clone()).or_default().looks.forget();
            }
        }
        for name in gone {
            let unloaded = self.unload(&name, false);
            failures.extend(unloaded.err().map(|failure| (name.clone(), failure)));
            // One of the same name that comes later is another one.
            self.records().remove(&name);
        }
        failures
    }
}

/// How the files of each model look. One whose files cannot be read is left as it is.
fn looks(places: &BTreeMap<String, Place>) -> Vec<(String, Digest)> {
    let looks = places.iter().filter_map(|(name, place)| {
        let look = stamp(place.path(), &|_| false).ok()?;
        Some((name.clone(), look))
    });
    looks.collect()
}
