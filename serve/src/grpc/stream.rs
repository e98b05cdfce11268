//! Inference on a stream: any number of requests, in flight together, and any number of answers to each.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use hyper::Response;
use hyper::header::HeaderMap;
use nav_engine::{Answer, FailureReason, InferError, Owner};
use tokio::sync::watch;
use tokio::time::timeout_at;

use super::call::{Call, too_late};
use super::framing::{Streamed, framed};
use super::infer::{asked, let_in};
use super::receive::Packed;
use super::reply::{self, Reply, Sender};
use super::response::{compose, parameter};
use super::turns::{Turn, Turns};
use crate::compression::Coding;
use crate::proto::infer_parameter::ParameterChoice;
use crate::proto::{ModelInferResponse, ModelStreamInferResponse};
use crate::refusal::Refusal;
use crate::state::State;
use crate::trace::Tracer;
use crate::wire::Asked;

/// How many requests of one stream are in flight at most; others wait in their socket.
const IN_FLIGHT: usize = 256;
/// The metadata that makes the error of a model the end of its stream.
const ERRORS_END: &str = "triton_grpc_error";
/// The parameter that says whether an answer is the last one to its request.
const FINAL: &str = "triton_final_response";

/// A stream of requests.
struct Talk {
    state: Arc<State>,
    coding: Option<Coding>,
    sender: Sender,
    metadata: HeaderMap,
    owner: Option<Owner>,
    deadline: Option<Instant>,
    turns: Turns,
}

/// Answers whatever comes. When the client goes away, this is dropped, and all of its requests with it.
pub(super) fn stream(call: Call, closed: watch::Receiver<bool>) -> Response<Reply> {
    let state = Arc::clone(&call.state);
    reply::stream(state, call.coding, |sender| async move {
        let deadline = call.deadline;
        let talking = pin!(talk(call, sender, closed));
        match deadline {
            Some(deadline) => {
                let ended = timeout_at(deadline, talking).await;
                ended.unwrap_or_else(|_| Err(too_late()))
            }
            None => talking.await,
        }
    })
}

async fn talk(
    mut call: Call,
    sender: Sender,
    mut closed: watch::Receiver<bool>,
) -> Result<(), Refusal> {
    let errors_end = errors_end(&call.metadata);
    let mut talk = Talk {
        state: Arc::clone(&call.state),
        coding: call.coding,
        sender,
        metadata: std::mem::take(&mut call.metadata),
        owner: call.owner.take(),
        deadline: call.deadline.map(Into::into),
        turns: Turns::default(),
    };
    let mut is_over = false;
    while !is_over || talk.turns.len() > 0 {
        let (turns, tracer) = (&mut talk.turns, &talk.state.tracer);
        let in_flight = turns.len();
        tokio::select! {
            message = call.messages.next(), if !is_over && in_flight < IN_FLIGHT => {
                match message? {
                    Some(message) => talk.take(message).await?,
                    None => is_over = true,
                }
            }
            told = poll_fn(|context| turns.poll_next(context, |turn, next| {
                note(tracer, turn, next.as_ref());
                tell(turn, next, errors_end)
            })), if in_flight > 0 =>
            {
                if let Some(message) = told? {
                    talk.send(message).await?;
                }
            }
            () = close(&mut closed) => {
                return Err(Refusal::of_engine(&InferError::ShuttingDown, None));
            }
        }
    }
    Ok(())
}

/// Waits until connections are to end.
async fn close(closed: &mut watch::Receiver<bool>) {
    // Whoever would say so ended, which is the same.
    drop(closed.wait_for(|closed| *closed).await);
}

fn errors_end(metadata: &HeaderMap) -> bool {
    let given = metadata.get(ERRORS_END);
    given.is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"true"))
}

impl Talk {
    /// Hands a request to its model, or says why that cannot be.
    async fn take(&mut self, message: Packed) -> Result<(), Refusal> {
        let state = Arc::clone(&self.state);
        let read = message.read_inference(move |message| Ok(asked(&state, message)));
        let (read, mut share) = read.await?;
        let (model, received) = match read {
            Ok(read) => read,
            Err((id, refusal)) => return self.send(unread(id.as_deref(), &refusal)).await,
        };
        let Asked {
            request,
            wanted,
            places,
        } = received.asked;
        let id = request.id.clone();
        let caller = (&self.metadata, self.owner.as_ref());
        let let_in = let_in(&self.state, caller, (request, places), &mut share);
        let (mut request, spans) = match let_in.await {
            Ok(let_in) => let_in,
            Err(refusal) => return self.send(unread(id.as_deref(), &refusal)).await,
        };
        let came = Instant::now();
        let tracer = &self.state.tracer;
        let trace = tracer.begin(model.name(), &self.metadata, came);
        request.deadline = self.deadline;
        let replies = model.stream(request);
        // From here on the engine counts what it takes.
        drop(share);
        self.turns.add(Turn {
            model,
            id,
            wanted,
            spans,
            empty_final: received.empty_final,
            replies,
            trace,
        });
        Ok(())
    }

    async fn send(&mut self, message: ModelStreamInferResponse) -> Result<(), Refusal> {
        let pieces = framed(Streamed(message), self.coding).await?;
        // When nobody takes it any more, the stream is about to be dropped.
        self.sender.send(pieces).await.ok();
        Ok(())
    }
}

/// Passes on what became of a request that is over, if it is traced.
fn note(tracer: &Tracer, turn: &mut Turn, next: Option<&Answer>) {
    let is_decoupled = turn.model.options().decoupled;
    if next.is_some_and(|answer| is_decoupled && !answer.is_last) {
        return;
    }
    let ended = Ok(nav_engine::Response::default());
    let result = next.map_or(&ended, |answer| &answer.result);
    tracer.end(
        turn.trace.take(),
        ("gRPC", &turn.model, turn.id.as_deref()),
        result,
    );
}

/// What the client is told of this, if anything. Fails where it is the end of the stream.
fn tell(
    turn: &Turn,
    next: Option<Answer>,
    errors_end: bool,
) -> Result<Option<ModelStreamInferResponse>, Refusal> {
    let is_decoupled = turn.model.options().decoupled;
    let Some(Answer { result, is_last }) = next else {
        return Ok((is_decoupled && turn.empty_final).then(|| bare(turn, true)));
    };
    let is_last = is_last || !is_decoupled;
    let id = turn.id.as_deref();
    let composed = match &result {
        Ok(response) => {
            let put = turn.spans.put_at_once(response, &turn.model);
            put.and_then(|()| compose(&turn.model, id, response, &turn.wanted))
        }
        Err(error) => {
            let refusal = Refusal::of_engine(error, id);
            // The model was never asked.
            if error.reason() == FailureReason::Other {
                return Ok(Some(unread(id, &refusal)));
            }
            Err(refusal)
        }
    };
    match composed {
        Ok(mut answer) => {
            answer
                .parameters
                .insert(FINAL.to_owned(), is_final(is_last));
            Ok(Some(ModelStreamInferResponse {
                error_message: String::new(),
                infer_response: Some(answer),
            }))
        }
        Err(refusal) if errors_end => Err(refusal),
        Err(refusal) => Ok(Some(ModelStreamInferResponse {
            error_message: refusal.text,
            ..bare(turn, is_last)
        })),
    }
}

/// An answer without outputs.
fn bare(turn: &Turn, is_last: bool) -> ModelStreamInferResponse {
    ModelStreamInferResponse {
        error_message: String::new(),
        infer_response: Some(ModelInferResponse {
            model_name: turn.model.name().to_owned(),
            id: turn.id.as_deref().unwrap_or_default().to_owned(),
            parameters: BTreeMap::from([(FINAL.to_owned(), is_final(is_last))]),
            ..ModelInferResponse::default()
        }),
    }
}

/// Why a request did not come to its model.
fn unread(id: Option<&str>, refusal: &Refusal) -> ModelStreamInferResponse {
    ModelStreamInferResponse {
        error_message: refusal.text.clone(),
        infer_response: Some(ModelInferResponse {
            id: id.unwrap_or_default().to_owned(),
            ..ModelInferResponse::default()
        }),
    }
}

const fn is_final(is_last: bool) -> crate::proto::InferParameter {
    parameter(ParameterChoice::BoolParam(is_last))
}
