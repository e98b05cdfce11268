//! The messages of a request: cut out of the body as it arrives, within limits of size, time and memory.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use http_body::Body;
use hyper::body::Incoming;
use prost::Message;
use tokio::time::{Instant, timeout_at};

use super::framing::HEAD;
use super::unfold::unfolded;
use crate::aside::{HEAVY, aside_if};
use crate::compression::Coding;
use crate::proto::ModelInferRequest;
use crate::refusal::{Refusal, RefusalKind};
use crate::state::{Share, State};

/// Room for a message is made step by step, so that announcing much costs nothing.
const FIRST_ROOM: usize = 1 << 20;

/// What clients are told that is too large.
const WHAT: &str = "message";

/// The messages of a request.
#[derive(Debug)]
pub(super) struct Messages {
    body: Incoming,
    state: Arc<State>,
    coding: Option<Coding>,
    /// Whether there may be any number of them, and so pauses between them.
    is_stream: bool,
    /// The most bytes of a message.
    limit: usize,
    /// What arrived and is no part of a message yet.
    rest: Bytes,
    head: BytesMut,
    message: Option<Arriving>,
    began: Instant,
    last: Instant,
    share: Share,
}

/// A message of which a part is there.
#[derive(Debug)]
struct Arriving {
    is_packed: bool,
    length: usize,
    bytes: BytesMut,
}

/// A message, and the room that it takes until this is dropped.
#[derive(Debug)]
pub(super) struct Packed {
    bytes: Bytes,
    coding: Option<Coding>,
    limit: usize,
    share: Share,
}

impl Messages {
    pub(super) fn new(
        body: Incoming,
        state: Arc<State>,
        coding: Option<Coding>,
        (is_stream, limit): (bool, usize),
    ) -> Self {
        let now = Instant::now();
        Self {
            body,
            coding,
            is_stream,
            limit,
            rest: Bytes::new(),
            head: BytesMut::with_capacity(HEAD),
            message: None,
            began: now,
            last: now,
            share: state.bodies.share(),
            state,
        }
    }

    /// The one message of a request.
    pub(super) async fn only(&mut self) -> Result<Packed, Refusal> {
        let message = self.next().await?;
        message.ok_or_else(|| Refusal::invalid("the request has no message"))
    }

    /// The next message; none after the last one. What arrived is kept when this is dropped meanwhile.
    pub(super) async fn next(&mut self) -> Result<Option<Packed>, Refusal> {
        loop {
            if let Some(message) = self.cut()? {
                return Ok(Some(message));
            }
            let Some(piece) = self.piece().await? else {
                let is_whole = self.head.is_empty() && self.message.is_none();
                return if is_whole {
                    Ok(None)
                } else {
                    Err(Refusal::invalid("the last message ends too early"))
                };
            };
            self.share.take(piece.len())?;
            self.rest = piece;
        }
    }

    /// The next message, if all of it is there.
    fn cut(&mut self) -> Result<Option<Packed>, Refusal> {
        if self.message.is_none() {
            let missing = HEAD.saturating_sub(self.head.len());
            let taken = self.rest.split_to(missing.min(self.rest.len()));
            if self.head.is_empty() && !taken.is_empty() {
                self.began = self.last;
            }
            self.head.extend_from_slice(&taken);
            if self.head.len() < HEAD {
                return Ok(None);
            }
            self.message = Some(self.announced()?);
        }
        let Some(message) = &mut self.message else {
            return Ok(None);
        };
        let missing = message.length - message.bytes.len();
        let bytes = if message.bytes.is_empty() && self.rest.len() >= missing {
            // All of it came in one piece, of which it is a slice.
            self.rest.split_to(missing)
        } else {
            let taken = self.rest.split_to(missing.min(self.rest.len()));
            message.add(&taken);
            if message.bytes.len() < message.length {
                return Ok(None);
            }
            std::mem::take(&mut message.bytes).freeze()
        };
        let coding = self.coding.filter(|_| message.is_packed);
        self.message = None;
        let mut share = self.state.bodies.share();
        // What arrived behind it is counted with the next one.
        share.grow(self.rest.len());
        Ok(Some(Packed {
            bytes,
            coding,
            limit: self.limit,
            share: std::mem::replace(&mut self.share, share),
        }))
    }

    /// The message that the head announces.
    fn announced(&mut self) -> Result<Arriving, Refusal> {
        let flag = self.head.get_u8();
        let length = self.head.get_u32();
        let is_packed = match flag {
            0 => false,
            1 if self.coding.is_some() => true,
            1 => {
                return Err(Refusal::invalid(
                    "a message is compressed, and no grpc-encoding says how",
                ));
            }
            _ => {
                return Err(Refusal::invalid(format!(
                    "a message has the flag {flag}, which means nothing"
                )));
            }
        };
        let limit = self.limit;
        let length = usize::try_from(length).ok().filter(|it| *it <= limit);
        Ok(Arriving {
            is_packed,
            length: length.ok_or_else(|| Refusal::too_large(WHAT, limit))?,
            bytes: BytesMut::new(),
        })
    }

    /// The next piece of the body.
    async fn piece(&mut self) -> Result<Option<Bytes>, Refusal> {
        let limits = self.state.limits;
        let is_between = self.is_stream && self.head.is_empty() && self.message.is_none();
        let until = (self.last + limits.pause).min(self.began + limits.body_time);
        loop {
            let next = poll_fn(|context| Pin::new(&mut self.body).poll_frame(context));
            let next = if is_between {
                next.await
            } else {
                let late = || Refusal::new(RefusalKind::TooSlow, "the message took too long");
                timeout_at(until, next).await.map_err(|_| late())?
            };
            let Some(frame) = next else {
                return Ok(None);
            };
            let gone = |_| Refusal::new(RefusalKind::Cancelled, "the client went away");
            if let Ok(piece) = frame.map_err(gone)?.into_data() {
                self.last = Instant::now();
                return Ok(Some(piece));
            }
        }
    }
}

impl Arriving {
    fn add(&mut self, piece: &[u8]) {
        let needed = self.bytes.len() + piece.len();
        if self.bytes.capacity() < needed {
            let room = self.length.min(needed.saturating_mul(8).max(FIRST_ROOM));
            self.bytes.reserve(room - self.bytes.len());
        }
        self.bytes.extend_from_slice(piece);
    }
}

impl Packed {
    /// What `read` makes of the message, and the room that it takes.
    pub(super) async fn read<M, T>(
        self,
        read: impl FnOnce(M) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<(T, Share), Refusal>
    where
        M: Message + Default,
        T: Send + 'static,
    {
        self.read_as(|_| Ok(0), read).await
    }

    /// The same for a request to infer, which takes as much room as it will in memory.
    pub(super) async fn read_inference<T: Send + 'static>(
        self,
        read: impl FnOnce(ModelInferRequest) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<(T, Share), Refusal> {
        let room = |message: &[u8]| unfolded(message).map_err(Refusal::from);
        self.read_as(room, read).await
    }

    async fn read_as<M, T>(
        self,
        room: fn(&[u8]) -> Result<usize, Refusal>,
        read: impl FnOnce(M) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<(T, Share), Refusal>
    where
        M: Message + Default,
        T: Send + 'static,
    {
        let is_heavy = self.bytes.len() > HEAVY || self.coding.is_some();
        let work = move || {
            let (bytes, mut share) = self.unpack()?;
            share.take(room(&bytes)?)?;
            Ok((read(decode(bytes)?)?, share))
        };
        aside_if(is_heavy, work).await?
    }

    fn unpack(self) -> Result<(Bytes, Share), Refusal> {
        let Self {
            bytes,
            coding,
            limit,
            mut share,
        } = self;
        let Some(coding) = coding else {
            return Ok((bytes, share));
        };
        let packed = std::iter::once(bytes).collect();
        match coding.inflate(packed, limit, &mut share) {
            Ok(plain) => Ok((plain, share)),
            Err(why) => Err(Refusal::inflating(why, coding, (WHAT, limit))),
        }
    }
}

fn decode<M: Message + Default>(bytes: Bytes) -> Result<M, Refusal> {
    M::decode(bytes).map_err(|error| Refusal::invalid(format!("Unable to parse request: {error}")))
}
