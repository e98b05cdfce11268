//! The body of a request: taken in the pieces in which it comes, within limits of size, number and time.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;

use bytes::Bytes;
use http_body::Body;
use hyper::body::Incoming;
use serde_json::{Map, Value};
use tokio::time::{Instant, timeout, timeout_at};

use crate::compression::{Coding, Inflation};
use crate::refusal::{Refusal, RefusalKind};
use crate::state::{Share, State};
use crate::wire::join;

/// A body, and the room that it takes.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) pieces: VecDeque<Bytes>,
    pub(super) length: usize,
    pub(super) share: Share,
}

/// The whole body.
pub(super) async fn receive(
    body: Incoming,
    coding: Option<Coding>,
    state: &State,
) -> Result<Received, Refusal> {
    let received = timeout_at(Instant::now() + state.limits.body_time, gather(body, state)).await;
    let received = received.map_err(|_| late())??;
    let Some(coding) = coding else {
        return Ok(received);
    };
    let limit = state.limits.body;
    let packed = received.pieces;
    let inflate = move || coding.inflate(packed, limit);
    let inflated = tokio::task::spawn_blocking(inflate).await;
    let inflated = inflated.unwrap_or(Err(Inflation::Corrupt));
    let plain = inflated.map_err(|inflation| match inflation {
        Inflation::Corrupt => {
            Refusal::invalid(format!("the body is no whole {} stream", coding.name()))
        }
        Inflation::TooLarge => too_large(limit),
    })?;
    Ok(Received {
        length: plain.len(),
        pieces: VecDeque::from([plain]),
        share: received.share,
    })
}

/// The members of a body that is a JSON object; none of one that is empty.
pub(super) async fn object(body: Incoming, state: &State) -> Result<Map<String, Value>, Refusal> {
    let received = receive(body, None, state).await?;
    let text = join(received.pieces.into_iter().collect());
    if text.is_empty() {
        return Ok(Map::new());
    }
    serde_json::from_slice(&text).map_err(|error| {
        Refusal::invalid(format!("failed to parse the request JSON buffer: {error}"))
    })
}

async fn gather(mut body: Incoming, state: &State) -> Result<Received, Refusal> {
    let limits = &state.limits;
    let announced = body.size_hint().lower();
    if usize::try_from(announced).map_or(true, |length| length > limits.body) {
        return Err(too_large(limits.body));
    }
    let mut received = Received {
        pieces: VecDeque::new(),
        length: 0,
        share: state.bodies.share(),
    };
    loop {
        let next = poll_fn(|context| Pin::new(&mut body).poll_frame(context));
        let next = timeout(limits.pause, next).await.map_err(|_| late())?;
        let Some(frame) = next else {
            return Ok(received);
        };
        let broken = |_| Refusal::invalid("the body ended too early");
        let Ok(piece) = frame.map_err(broken)?.into_data() else {
            continue;
        };
        received.length += piece.len();
        if received.length > limits.body {
            return Err(too_large(limits.body));
        }
        if received.pieces.len() >= limits.frames {
            let text = format!("the body comes in more than {} pieces", limits.frames);
            return Err(Refusal::invalid(text));
        }
        received.share.take(piece.len())?;
        if !piece.is_empty() {
            received.pieces.push_back(piece);
        }
    }
}

fn late() -> Refusal {
    Refusal::new(RefusalKind::TooSlow, "the body took too long")
}

fn too_large(limit: usize) -> Refusal {
    let text = format!("the body is larger than {limit} bytes, which is the limit");
    Refusal::new(RefusalKind::TooLarge, text)
}
