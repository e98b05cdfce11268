//! Whether the server and its models take requests: looked at in one place, and told when it changes to all who want to
//! know. Knows no protocol, and nothing of what is done about it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};

use crate::state::State;

/// How often there is a look while somebody waits for changes.
const FAST: Duration = Duration::from_millis(100);

/// Looks, and tells those who want to know what changes.
#[derive(Debug)]
pub(crate) struct Readiness {
    state: Arc<State>,
    known: watch::Sender<Known>,
    /// Somebody new wants to know.
    joined: Notify,
}

/// What takes requests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Known {
    /// Whether the server does.
    pub(crate) is_ready: bool,
    /// Whether a model does, in its highest version, by the names of all that are known.
    pub(crate) models: BTreeMap<String, bool>,
    /// Versions that are served and do not.
    pub(crate) ill: BTreeSet<(String, u64)>,
}

impl Known {
    /// As it is now.
    pub(crate) fn of(state: &State) -> Self {
        let engine = &state.engine;
        let mut known = Self {
            is_ready: state.is_ready(),
            ..Self::default()
        };
        for entry in engine.index() {
            known.models.insert(entry.name.to_string(), false);
        }
        for model in engine.models() {
            let is_ready = model.health().is_ready;
            let name = model.name().to_owned();
            // The highest version is the one that is asked.
            let latest = engine.model(&name, None);
            if latest.is_ok_and(|latest| latest.version() == model.version()) {
                known.models.insert(name.clone(), is_ready);
            }
            if !is_ready {
                known.ill.insert((name, model.version()));
            }
        }
        known
    }
}

impl Readiness {
    pub(crate) fn new(state: Arc<State>) -> Arc<Self> {
        Arc::new(Self {
            state,
            known: watch::Sender::default(),
            joined: Notify::new(),
        })
    }

    /// What takes requests now, and whenever that changes.
    pub(crate) fn subscribe(&self) -> watch::Receiver<Known> {
        let receiver = self.known.subscribe();
        self.look();
        self.joined.notify_one();
        receiver
    }

    /// Looks now, for whoever knows that something has changed.
    pub(crate) fn look(&self) {
        let now = Known::of(&self.state);
        self.known.send_if_modified(|known| {
            let is_new = *known != now;
            *known = now;
            is_new
        });
    }

    /// Looks again and again: this often, and faster while more than one wants to know. Ends with the runtime.
    pub(crate) async fn keep_looking(self: Arc<Self>, pause: Duration) {
        loop {
            let pause = match self.known.receiver_count() {
                0 | 1 => pause,
                _ => pause.min(FAST),
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => self.look(),
                () = self.joined.notified() => {}
            }
        }
    }
}
