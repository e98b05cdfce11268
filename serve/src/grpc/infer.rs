//! Inference: a request read, handed to the engine, its response sent.

use std::sync::Arc;

use hyper::Response;
use nav_engine::Model;

use super::call::{Call, too_late};
use super::framing::Inferred;
use super::model::version;
use super::reply::Reply;
use super::request::{Received, id, read};
use super::response::compose;
use crate::describe::find;
use crate::proto::ModelInferRequest;
use crate::refusal::Refusal;
use crate::state::State;

/// Asks the model for one response. When the client goes away, this is dropped, and the request with it.
pub(super) async fn infer(mut call: Call) -> Result<Response<Reply>, Refusal> {
    let message = call.messages.only().await?;
    let state = Arc::clone(&call.state);
    let read = move |message| asked(&state, message).map_err(|(_, refusal)| refusal);
    let ((model, received), mut share) = message.read(read).await?;
    let mut asked = received.asked;
    let id = asked.request.id.clone();
    Call::check_stopping(&call.state, id.as_deref())?;
    asked.request.deadline = call.deadline.map(Into::into);
    let spans = asked.places.find(&call.state, &mut share)?;
    let request = spans.fill(asked.request).await?;
    let answered = model.infer(request).await;
    drop(share);
    let response = answered.map_err(|error| {
        let is_late = call
            .deadline
            .is_some_and(|deadline| deadline.elapsed() > std::time::Duration::ZERO);
        if is_late {
            too_late()
        } else {
            Refusal::of_engine(&error, id.as_deref())
        }
    })?;
    spans.put(&response, &model).await?;
    let answer = compose(&model, id.as_deref(), &response, &asked.wanted)?;
    drop(response);
    call.reply(Inferred(answer)).await
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
