//! The health of the server and of its models, as other systems ask for it: once, or until they go.

use hyper::Response;
use nav_engine::InferError;
use tokio::sync::watch;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use super::call::Call;
use super::framing::framed;
use super::methods::SERVICE;
use super::reply::{self, Reply};
use crate::readiness::{Known, Readiness};
use crate::refusal::{Refusal, RefusalKind};
use crate::state::State;

/// Whether the server, or this model, takes requests.
pub(super) fn check(
    state: &State,
    asked: &HealthCheckRequest,
) -> Result<HealthCheckResponse, Refusal> {
    match status(&Known::of(state), &asked.service) {
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
    readiness: &Readiness,
    mut closed: watch::Receiver<bool>,
) -> Result<Response<Reply>, Refusal> {
    let (asked, _) = call.only::<HealthCheckRequest>().await?;
    let mut known = readiness.subscribe();
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

/// Of the server, which has no name or that of its service, or of a model.
fn status(known: &Known, service: &str) -> ServingStatus {
    let found = match service {
        "" | SERVICE => Some(&known.is_ready),
        name => known.models.get(name),
    };
    match found {
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
