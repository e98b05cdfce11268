//! The health of the server and of its models, as other systems ask for it: once, or until they go.
//!
//! One task looks for all who watch, and only while someone does.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::Response;
use nav_engine::InferError;
use tokio::sync::watch;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use super::call::Call;
use super::framing::framed;
use super::methods::SERVICE;
use super::reply::{self, Reply};
use crate::refusal::{Refusal, RefusalKind};
use crate::state::State;

/// How often there is a look at the models.
const PERIOD: Duration = Duration::from_millis(100);

/// What is known by a name, and whether it takes requests.
type Known = BTreeMap<String, bool>;

/// Tells those who watch what changes.
#[derive(Clone, Debug)]
pub(super) struct Watcher {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    state: Arc<State>,
    known: watch::Sender<Known>,
    is_looking: Mutex<bool>,
}

/// Whether the server, or this model, takes requests.
pub(super) fn check(
    state: &State,
    asked: &HealthCheckRequest,
) -> Result<HealthCheckResponse, Refusal> {
    match status(&known(state), &asked.service) {
        ServingStatus::ServiceUnknown => {
            let text = format!("unknown service '{}'", asked.service);
            Err(Refusal::new(RefusalKind::NotFound, text))
        }
        status => Ok(response(status)),
    }
}

/// The same now and whenever it changes.
pub(super) async fn watch(
    mut call: Call,
    watcher: &Watcher,
    mut closed: watch::Receiver<bool>,
) -> Result<Response<Reply>, Refusal> {
    let (asked, _) = call.only::<HealthCheckRequest>().await?;
    let mut known = watcher.subscribe();
    let coding = call.coding;
    Ok(reply::stream(
        call.state,
        coding,
        move |sender| async move {
            let mut told = None;
            loop {
                let is_closed = *closed.borrow_and_update();
                let status = if is_closed {
                    ServingStatus::NotServing
                } else {
                    status(&known.borrow_and_update(), &asked.service)
                };
                if told.replace(status) != Some(status) {
                    let pieces = framed(response(status), coding).await?;
                    // When nobody takes it any more, this is about to be dropped.
                    sender.send(pieces).await.ok();
                }
                if is_closed {
                    return Err(Refusal::of_engine(&InferError::ShuttingDown, None));
                }
                tokio::select! {
                    changed = known.changed() => if changed.is_err() { return Ok(()) },
                    changed = closed.changed() => if changed.is_err() { return Ok(()) },
                }
            }
        },
    ))
}

impl Watcher {
    pub(super) fn new(state: Arc<State>) -> Self {
        Self {
            shared: Arc::new(Shared {
                state,
                known: watch::Sender::default(),
                is_looking: Mutex::new(false),
            }),
        }
    }

    fn subscribe(&self) -> watch::Receiver<Known> {
        let mut is_looking = self.shared.is_looking();
        let receiver = self.shared.known.subscribe();
        self.shared.look();
        if !std::mem::replace(&mut is_looking, true) {
            tokio::spawn(Arc::clone(&self.shared).keep_looking());
        }
        receiver
    }
}

impl Shared {
    fn is_looking(&self) -> MutexGuard<'_, bool> {
        self.is_looking
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn look(&self) {
        let now = known(&self.state);
        self.known.send_if_modified(|known| {
            let is_new = *known != now;
            *known = now;
            is_new
        });
    }

    async fn keep_looking(self: Arc<Self>) {
        loop {
            tokio::time::sleep(PERIOD).await;
            let mut is_looking = self.is_looking();
            if self.known.receiver_count() == 0 {
                *is_looking = false;
                return;
            }
            self.look();
        }
    }
}

/// The server, which has no name or that of its service, and every model.
fn known(state: &State) -> Known {
    let engine = &state.engine;
    let mut known: Known = engine
        .index()
        .into_iter()
        .map(|entry| (entry.name.to_string(), false))
        .collect();
    for model in engine.models() {
        // The highest version is the one that is asked.
        let latest = engine.model(model.name(), None);
        let is_ready = latest.is_ok_and(|latest| latest.health().is_ready);
        known.insert(model.name().to_owned(), is_ready);
    }
    for name in ["", SERVICE] {
        known.insert(name.to_owned(), state.is_ready());
    }
    known
}

fn status(known: &Known, service: &str) -> ServingStatus {
    match known.get(service) {
        Some(true) => ServingStatus::Serving,
        Some(false) => ServingStatus::NotServing,
        None => ServingStatus::ServiceUnknown,
    }
}

fn response(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse {
        status: status.into(),
    }
}
