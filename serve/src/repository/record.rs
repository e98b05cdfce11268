//! What a repository remembers of each model: what it was loaded from, what became of that, who is at it.

use std::collections::BTreeMap;
use std::sync::Arc;

use nav_package_format::Digest;

use super::uploads::Uploads;

/// A model.
#[derive(Debug, Default)]
pub(super) struct Record {
    pub(super) desire: Desire,
    /// Whether it is being loaded or unloaded.
    pub(super) is_busy: bool,
    /// What is served, by version.
    pub(super) loaded: BTreeMap<u64, Loaded>,
    /// The models that it asks, if it is an ensemble.
    pub(super) steps: Vec<String>,
    /// What is under way or went wrong, by version; without one where it went wrong before there was any.
    pub(super) notes: BTreeMap<Option<u64>, Note>,
    /// How its files looked the last two times.
    pub(super) looks: Looks,
}

/// Whether a model should be served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Desire {
    /// It should not.
    #[default]
    Not,
    /// It should.
    Served,
    /// It should once the models that it asks are.
    WithSteps,
}

/// What a version was loaded from.
#[derive(Clone, Debug)]
pub(super) struct Loaded {
    pub(super) stamp: Digest,
    /// Held so that its files stay.
    pub(super) _uploads: Option<Arc<Uploads>>,
}

/// What there is to say of a version beside what the engine knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Note {
    Loading,
    Failed(Arc<str>),
}

/// How files look from time to time: loaded once they are as they were the time before, so that nothing is loaded while
/// it is being written.
#[derive(Debug, Default)]
pub(super) struct Looks {
    last: Option<Digest>,
    taken: Option<Digest>,
}

impl Record {
    /// Whether it tells nothing that a model which was never heard of does not.
    pub(super) fn is_idle(&self) -> bool {
        self.desire == Desire::Not
            && !self.is_busy
            && self.loaded.is_empty()
            && self.notes.is_empty()
    }
}

impl Looks {
    /// Whether to load what looks like this now.
    pub(super) fn is_due(&mut self, now: Digest) -> bool {
        let is_settled = self.last.replace(now) == Some(now);
        is_settled && self.taken != Some(now)
    }

    /// Nothing was loaded.
    pub(super) const fn forget(&mut self) {
        self.taken = None;
    }

    /// Whatever comes of it, what looks like this was loaded.
    pub(super) const fn take(&mut self, look: Digest) {
        self.last = Some(look);
        self.taken = Some(look);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_loaded_once_they_have_settled_and_not_again() {
        let [one, two, three] = [&b"1"[..], b"2", b"3"].map(Digest::of);
        let mut looks = Looks::default();
        looks.take(one);
        let seen = [one, two, three, three].map(|look| looks.is_due(look));
        assert_eq!(seen, [false, false, false, true]);
        looks.take(three);
        assert!(!looks.is_due(three));
    }
}
