//! Inference: a request read, handed to the engine, its response sent.

use std::sync::Arc;

use hyper::Response;
use hyper::header::HeaderMap;
use nav_engine::{Model, Owner, Request};
use tokio::time::Instant;

use super::call::{Call, too_late};
use super::framing::Inferred;
use super::model::version;
use super::reply::Reply;
use super::request::{Received, id, read};
use super::response::compose;
use crate::aside::aside_if;
use crate::describe::find;
use crate::proto::ModelInferRequest;
use crate::refusal::Refusal;
use crate::shared_memory::{Places, Spans};
use crate::state::{Share, State};
use crate::wire::{Asked, take_long};

/// Asks the model for one response. When the client goes away, this is dropped, and the request with it.
pub(super) async fn infer(mut call: Call) -> Result<Response<Reply>, Refusal> {
    let message = call.messages.only().await?;
    let state = Arc::clone(&call.state);
    let read = move |message| asked(&state, message).map_err(|(_, refusal)| refusal);
    let ((model, received), mut share) = message.read_inference(read).await?;
    let Asked {
        request,
        wanted,
        places,
    } = received.asked;
    let id = request.id.clone();
    let caller = (&call.metadata, call.owner.as_ref());
    let let_in = let_in(&call.state, caller, (request, places), &mut share);
    let (mut request, spans) = let_in.await?;
    request.deadline = call.deadline.map(Into::into);
    let tracer = &call.state.tracer;
    let trace = tracer.begin(model.name(), &call.metadata, call.received);
    let answered = model.infer(request).await;
    tracer.end(trace, ("gRPC", &model, id.as_deref()), &answered);
    drop(share);
    let response = answered.map_err(|error| {
        if call
            .deadline
            .is_some_and(|deadline| deadline <= Instant::now())
        {
            too_late()
        } else {
            Refusal::of_engine(&error, id.as_deref())
        }
    })?;
    spans.put(&response, &model).await?;
    let takes_long = take_long(&response, &wanted);
    let write = move || compose(&model, id.as_deref(), &response, &wanted);
    let answer = aside_if(takes_long, write).await??;
    call.reply(Inferred(answer)).await
}

/// The request as it is handed over, and where its tensors lie in shared memory. Fails where it is not let in.
pub(super) async fn let_in(
    state: &State,
    caller: (&HeaderMap, Option<&Owner>),
    (mut request, places): (Request, Places),
    share: &mut Share,
) -> Result<(Request, Spans), Refusal> {
    state.let_in(&state.grpc, caller, &mut request)?;
    let spans = places.find(state, share)?;
    let request = spans.fill(request).await?;
    Ok((request, spans))
}

/// The model that is asked, and what for; or why that cannot be, and what the client calls the request.
pub(super) fn asked(
    state: &State,
    message: ModelInferRequest,
) -> Result<(Arc<Model>, Received), (Option<String>, Refusal)> {
    let name = id(&message).map(str::to_owned);
    let asked = || {
        let version = version(&message.model_version)?;
        let model = find(&state.engine, &message.model_name, version)?;
        let received = read(message, &model)?;
        Ok::<_, Refusal>((model, received))
    };
    asked().map_err(|refusal| (name, refusal))
}
