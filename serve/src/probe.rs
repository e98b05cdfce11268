//! Whether a server is ready, for the program that it runs in: the answer that its clients get.

use std::sync::{Arc, Weak};

use crate::state::State;

/// Tells whether a server is ready. Keeps nothing of it alive.
#[derive(Clone, Debug)]
pub struct ReadinessProbe {
    state: Weak<State>,
}

impl ReadinessProbe {
    pub(crate) fn of(state: &Arc<State>) -> Self {
        Self {
            state: Arc::downgrade(state),
        }
    }

    /// What the server answers to whoever asks whether it is ready; that it is not once it has ended.
    pub fn is_ready(&self) -> bool {
        self.state.upgrade().is_some_and(|state| state.is_ready())
    }
}
