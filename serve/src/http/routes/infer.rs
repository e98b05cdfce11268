//! Inference: a request read, handed to the engine, its response written in the form that was asked for.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{ACCEPT_ENCODING, CONTENT_ENCODING, HeaderMap, HeaderName, HeaderValue};
use hyper::{Request, Response, StatusCode};
use nav_engine::Model;

use super::Target;
use crate::aside::{HEAVY, aside_if};
use crate::compression::Coding;
use crate::describe::find;
use crate::facts::ModelFacts;
use crate::http::body::Frames;
use crate::http::receive::receive;
use crate::http::reply::{BINARY, HEADER_LENGTH, JSON, typed};
use crate::refusal::{Refusal, RefusalKind};
use crate::state::State;
use crate::wire::{Answer, Asked, Fault, compose, cut, join, raw, read, take_long};

/// Asks the model for one response. When the client goes away, this is dropped, and the request with it.
pub(super) async fn infer(
    state: &State,
    target: Target<'_>,
    request: Request<Incoming>,
) -> Result<Response<Frames>, Refusal> {
    let received = Instant::now();
    let (head, body) = request.into_parts();
    let coding = coding(&head.headers)?;
    let wanted_coding = text(&head.headers, &ACCEPT_ENCODING).and_then(Coding::wanted);
    let length = text(&head.headers, &HEADER_LENGTH).map(str::to_owned);
    // Whoever asks for what is not there need not send it first.
    let model = find(&state.engine, target.model, target.version)?;
    let mut body = receive(body, coding, state).await?;
    let reading = Arc::clone(&model);
    let is_heavy = body.length > HEAVY;
    let (pieces, total) = (body.pieces, body.length);
    let read = move || read_body(pieces, total, length.as_deref(), &reading);
    let mut asked = aside_if(is_heavy, read).await??;
    let caller = (&head.headers, head.extensions.get());
    state.let_in(&state.http, caller, &mut asked.request)?;
    let id = asked.request.id.clone();
    let wanted = asked.wanted;
    let spans = asked.places.find(state, &mut body.share)?;
    let request = spans.fill(asked.request).await?;
    let trace = state.tracer.begin(model.name(), &head.headers, received);
    let answered = model.infer(request).await;
    state
        .tracer
        .end(trace, ("HTTP", &model, id.as_deref()), &answered);
    drop(body.share);
    let response = answered.map_err(|error| Refusal::of_engine(&error, id.as_deref()))?;
    spans.put(&response, &model).await?;
    let takes_long = take_long(&response, &wanted);
    let write = move || {
        let facts = ModelFacts::of(&model);
        let labels = |output: &str| facts.labels(output);
        compose(&model, id.as_deref(), &response, (&wanted, &labels))
    };
    let answer = aside_if(takes_long, write).await?;
    let answer = answer.map_err(|fault| Refusal::invalid(fault.to_string()))?;
    send(answer, wanted_coding).await
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    // What is no text is no number and no coding either.
    headers.get(name).map(|value| value.to_str().unwrap_or("?"))
}

fn coding(headers: &HeaderMap) -> Result<Option<Coding>, Refusal> {
    let Some(name) = text(headers, &CONTENT_ENCODING) else {
        return Ok(None);
    };
    Coding::of_request(name).map_err(|()| {
        Refusal::new(
            RefusalKind::Encoding,
            "Unsupported Content-Encoding, only gzip and deflate are supported",
        )
    })
}

/// The JSON is as long as the header says; all of the body where it says nothing; and there is none where it
/// says 0.
fn read_body(
    mut pieces: VecDeque<Bytes>,
    total: usize,
    length: Option<&str>,
    model: &Model,
) -> Result<Asked, Fault> {
    if total == 0 {
        return Err(Fault::Empty);
    }
    let length = match length {
        None => total,
        Some(given) => {
            let wrong = || Fault::HeaderLength {
                body: total,
                given: given.chars().take(32).collect(),
            };
            let length: usize = given.trim().parse().map_err(|_| wrong())?;
            if length > total {
                return Err(wrong());
            }
            length
        }
    };
    if length == 0 {
        return raw(pieces, model);
    }
    let header = join(cut(&mut pieces, length).unwrap_or_default());
    read(&header, pieces, model)
}

async fn send(answer: Answer, coding: Option<Coding>) -> Result<Response<Frames>, Refusal> {
    let header_length = answer.header.len();
    let has_blocks = !answer.blocks.is_empty();
    let content_type = if has_blocks { BINARY } else { JSON };
    let mut pieces: Vec<Bytes> = Vec::with_capacity(1 + answer.blocks.len());
    pieces.push(answer.header);
    pieces.extend(answer.blocks);
    if let Some(coding) = coding {
        let compress = move || coding.deflate(&pieces);
        let packed = aside_if(true, compress)
            .await?
            .map_err(|error| Refusal::internal(error.to_string()))?;
        pieces = vec![packed];
    }
    let mut response = typed(StatusCode::OK, content_type, pieces);
    let headers = response.headers_mut();
    if has_blocks {
        headers.insert(HEADER_LENGTH, HeaderValue::from(header_length));
    }
    if let Some(coding) = coding {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
    }
    Ok(response)
}
