//! The body of a request: taken in the pieces in which it comes, within limits of size, number and time.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;

use bytes::Bytes;
use http_body::Body;
use hyper::body::Incoming;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tokio::time::{Instant, timeout, timeout_at};

use crate::aside::aside_if;
use crate::compression::Coding;
use crate::refusal::{Refusal, RefusalKind};
use crate::state::{Share, State};
use crate::wire::{check_json, join};

/// From how many bytes on a body is kept in one piece.
const LARGE: usize = 8 << 20;

/// What clients are told that is too large.
const WHAT: &str = "body";

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
    let (packed, mut share) = (received.pieces, received.share);
    let inflate = move || (coding.inflate(packed, limit, &mut share), share);
    let (inflated, share) = aside_if(true, inflate).await?;
    let plain = inflated.map_err(|why| Refusal::inflating(why, coding, (WHAT, limit)))?;
    Ok(Received {
        length: plain.len(),
        pieces: VecDeque::from([plain]),
        share,
    })
}

/// The members of a body that is a JSON object; none of one that is empty.
pub(super) async fn object(body: Incoming, state: &State) -> Result<Map<String, Value>, Refusal> {
    let received = receive(body, None, state).await?;
    let text = join(received.pieces.into_iter().collect());
    if text.is_empty() {
        return Ok(Map::new());
    }
    parsed(&text)
}

/// What this JSON says, of which no object has a member twice.
pub(super) fn parsed<T: DeserializeOwned>(text: &[u8]) -> Result<T, Refusal> {
    check_json(text)?;
    serde_json::from_slice(text).map_err(|error| {
        Refusal::invalid(format!("failed to parse the request JSON buffer: {error}"))
    })
}

async fn gather(mut body: Incoming, state: &State) -> Result<Received, Refusal> {
    let limits = &state.limits;
    let announced = body.size_hint().lower();
    if usize::try_from(announced).map_or(true, |length| length > limits.body) {
        return Err(Refusal::too_large(WHAT, limits.body));
    }
    let mut whole = Whole::of(usize::try_from(announced).unwrap_or(0));
    let mut received = Received {
        pieces: VecDeque::new(),
        length: 0,
        share: state.bodies.share(),
    };
    let mut pieces = 0;
    loop {
        let next = poll_fn(|context| Pin::new(&mut body).poll_frame(context));
        let next = timeout(limits.pause, next).await.map_err(|_| late())?;
        let Some(frame) = next else {
            received.pieces.extend(whole.map(Whole::done));
            return Ok(received);
        };
        let broken = |_| Refusal::invalid("the body ended too early");
        let Ok(piece) = frame.map_err(broken)?.into_data() else {
            continue;
        };
        received.length += piece.len();
        if received.length > limits.body {
            return Err(Refusal::too_large(WHAT, limits.body));
        }
        pieces += 1;
        if pieces > limits.frames {
            let text = format!("the body comes in more than {} pieces", limits.frames);
            return Err(Refusal::invalid(text));
        }
        received.share.take(piece.len())?;
        match &mut whole {
            Some(whole) => whole.add(&piece),
            None if piece.is_empty() => {}
            None => received.pieces.push_back(piece),
        }
    }
}

/// A large body in one piece. The memory of its small pieces would stay with the allocator when they are no longer
/// used, where that of a large one goes back to the system.
struct Whole(Vec<u8>);

impl Whole {
    /// Room for so many bytes, if they are many, and if there is room. No memory is used before they are there.
    fn of(length: usize) -> Option<Self> {
        let mut whole = Vec::new();
        (length >= LARGE).then(|| whole.try_reserve_exact(length).ok())??;
        Some(Self(whole))
    }

    fn add(&mut self, piece: &Bytes) {
        self.0.extend_from_slice(piece);
    }

    fn done(self) -> Bytes {
        self.0.into()
    }
}

fn late() -> Refusal {
    Refusal::new(RefusalKind::TooSlow, "the body took too long")
}
