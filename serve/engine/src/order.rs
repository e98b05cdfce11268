//! Letting answers leave in the order in which requests came, for models that promise it.
//!
//! Knows nothing of why an answer took longer than a later one.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::InferError;
use crate::reply::Target;
use crate::response::Response;

/// Answers that wait for those to earlier requests.
#[derive(Default)]
pub(crate) struct Order {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The place of the next answer to leave.
    next: u64,
    held: BTreeMap<u64, Held>,
    /// Whether a thread is letting answers leave. It does so without the lock, and one at a time.
    is_delivering: bool,
}

type Held = (Target, Option<Result<Response, InferError>>);

impl Order {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets this answer leave after those of all earlier places, each of which gets one.
    pub(crate) fn deliver(
        &self,
        place: u64,
        target: Target,
        result: Option<Result<Response, InferError>>,
    ) {
        let mut state = self.state();
        state.held.insert(place, (target, result));
        if state.is_delivering {
            return;
        }
        state.is_delivering = true;
        loop {
            let next = state.next;
            let Some((target, result)) = state.held.remove(&next) else {
                break;
            };
            state.next += 1;
            drop(state);
            target.deliver(result);
            state = self.state();
        }
        state.is_delivering = false;
    }
}

impl fmt::Debug for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Order").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn answers_leave_in_the_order_of_their_places(places in Just((0..20_u64).collect::<Vec<_>>()).prop_shuffle()) {
            let order = Order::default();
            let left = Arc::new(Mutex::new(Vec::new()));
            for place in places {
                let note = Arc::clone(&left);
                let callback = Box::new(move |_| note.lock().unwrap().push(place));
                order.deliver(place, Target::Callback(callback), None);
            }
            prop_assert_eq!(&*left.lock().unwrap(), &(0..20).collect::<Vec<_>>());
        }
    }
}
