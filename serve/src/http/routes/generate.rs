//! Generation: a flat object in, one flat object or a stream of them out.
//!
//! What one response is to be is held back until it is known that there is no other, so that the status can say so.
//! A stream goes straight from the engine's to the socket: the body asks for the next response when there is room for
//! it, so whoever reads slowly slows the model down and nothing piles up, and when the client goes away the body is
//! dropped, and the request with it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{CONTENT_ENCODING, HeaderMap, HeaderValue};
use hyper::{Request, Response, StatusCode};
use nav_engine::{Answer, FailureReason, InferError, Model, ReplyStream};

use super::Target;
use crate::aside::{HEAVY, aside_if};
use crate::describe::find;
use crate::http::body::{Frames, Source};
use crate::http::receive::receive;
use crate::http::reply::{json, streamed};
use crate::refusal::{Refusal, RefusalKind};
use crate::state::{Share, State};
use crate::trace::Trace;
use crate::wire::{Fault, Wanted, compose_generated, error_body, join, read_generate, take_long};

/// Events, as browsers read them.
const EVENTS: HeaderValue = HeaderValue::from_static("text/event-stream; charset=utf-8");

/// Asks the model for one response.
pub(super) async fn generate(
    state: &State,
    target: Target<'_>,
    request: Request<Incoming>,
) -> Result<Response<Frames>, Refusal> {
    let mut asked = ask(state, target, request).await?;
    let first = asked.first(state).await.ok_or_else(not_one)?;
    let response = first.result.map_err(|error| asked.refusal(&error))?;
    if !first.is_last
        && let Some(second) = asked.stream.next().await
    {
        // An error behind a response is the reason why that one is not all.
        second.result.map_err(|error| asked.refusal(&error))?;
        return Err(not_one());
    }
    let takes_long = take_long(&response, &Wanted::default());
    let write = move || compose_generated(&asked.model, asked.id.as_deref(), &response);
    let composed = aside_if(takes_long, write).await?;
    let composed = composed.map_err(|fault| Refusal::invalid(fault.to_string()))?;
    Ok(json(composed))
}

/// Asks the model for all of its responses. The first one decides about the status.
pub(super) async fn generate_stream(
    state: &State,
    target: Target<'_>,
    request: Request<Incoming>,
) -> Result<Response<Frames>, Refusal> {
    let mut asked = ask(state, target, request).await?;
    let first = asked.first(state).await;
    let status = match first.as_ref().map(|answer| &answer.result) {
        Some(Err(error)) if error.reason() == FailureReason::Backend => {
            RefusalKind::from(error.kind()).status()
        }
        // What never came to the model has no stream.
        Some(Err(error)) => return Err(asked.refusal(error)),
        Some(Ok(_)) | None => StatusCode::OK,
    };
    let events = Events {
        first,
        writing: None,
        asked,
    };
    Ok(streamed(status, EVENTS, events))
}

fn not_one() -> Refusal {
    Refusal::invalid(
        "generate expects model to produce exactly 1 response, use generate stream for model that produces various number of responses",
    )
}

/// A request that the model works on.
struct Asked {
    model: Arc<Model>,
    id: Option<Box<str>>,
    stream: ReplyStream,
    trace: Option<Trace>,
    /// The room that the body takes, until there is an answer.
    share: Option<Share>,
}

impl Asked {
    /// The first answer, with which the trace of the request ends.
    async fn first(&mut self, state: &State) -> Option<Answer> {
        let first = self.stream.next().await;
        self.share = None;
        if let Some(first) = &first {
            let told = ("HTTP", &*self.model, self.id.as_deref());
            state.tracer.end(self.trace.take(), told, &first.result);
        }
        first
    }

    fn refusal(&self, error: &InferError) -> Refusal {
        Refusal::of_engine(error, self.id.as_deref())
    }
}

/// What an answer to the request of this name is to a client.
fn event(model: &Model, id: Option<&str>, answer: &Answer) -> Bytes {
    let composed = match &answer.result {
        Ok(response) => compose_generated(model, id, response)
            .unwrap_or_else(|fault| error_body(&fault.to_string())),
        Err(error) => error_body(&Refusal::of_engine(error, id).text),
    };
    in_event(&composed)
}

fn in_event(json: &str) -> Bytes {
    format!("data: {json}\n\n").into()
}

async fn ask(
    state: &State,
    target: Target<'_>,
    request: Request<Incoming>,
) -> Result<Asked, Refusal> {
    let received = Instant::now();
    let (head, body) = request.into_parts();
    refuse_coding(&head.headers)?;
    let model = find(&state.engine, target.model, target.version)?;
    let body = receive(body, None, state).await?;
    let reading = Arc::clone(&model);
    let pieces = body.pieces;
    let read = move || match join(pieces.into_iter().collect()) {
        body if body.is_empty() => Err(Fault::Empty),
        body => read_generate(&body, &reading),
    };
    let mut asked = aside_if(body.length > HEAVY, read).await??;
    let caller = (&head.headers, head.extensions.get());
    state.let_in(&state.http, caller, &mut asked)?;
    let id = asked.id.clone();
    let trace = state.tracer.begin(model.name(), &head.headers, received);
    Ok(Asked {
        trace,
        stream: model.stream(asked),
        model,
        id,
        share: Some(body.share),
    })
}

fn refuse_coding(headers: &HeaderMap) -> Result<(), Refusal> {
    match headers.get(CONTENT_ENCODING).map(HeaderValue::as_bytes) {
        None | Some(b"" | b"identity") => Ok(()),
        Some(_) => Err(Refusal::invalid(
            "Unsupported content-encoding, only 'identity' is supported.",
        )),
    }
}

/// The responses to a request, as they come.
struct Events {
    /// The first one, until it is sent.
    first: Option<Answer>,
    /// A large one that is written elsewhere, since other clients wait for this thread too.
    writing: Option<Writing>,
    asked: Asked,
}

/// An event on its way.
type Writing = Pin<Box<dyn Future<Output = Result<Bytes, Refusal>> + Send>>;

impl Source for Events {
    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if self.writing.is_none() {
            let answer = match self.first.take() {
                Some(first) => Some(first),
                None => ready!(self.asked.stream.poll_next(context)),
            };
            let Some(answer) = answer else {
                return Poll::Ready(None);
            };
            let response = answer.result.as_ref();
            if !response.is_ok_and(|it| take_long(it, &Wanted::default())) {
                let id = self.asked.id.as_deref();
                return Poll::Ready(Some(event(&self.asked.model, id, &answer)));
            }
            let (model, id) = (Arc::clone(&self.asked.model), self.asked.id.clone());
            let write = move || event(&model, id.as_deref(), &answer);
            self.writing = Some(Box::pin(aside_if(true, write)));
        }
        let Some(writing) = &mut self.writing else {
            return Poll::Ready(None);
        };
        let written = ready!(writing.as_mut().poll(context));
        self.writing = None;
        let refused = |refusal: Refusal| in_event(&error_body(&refusal.text));
        Poll::Ready(Some(written.unwrap_or_else(refused)))
    }
}
