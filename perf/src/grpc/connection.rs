//! One connection of gRPC: a request at a time, each a call of its own or all on one stream.

use std::sync::Arc;
use std::time::Instant;

use bytes::{Buf, Bytes, BytesMut};
use prost::Message;

use super::frames::{self, Frame};
use super::messages::{InferResponse, PREFIX, StreamResponse};
use super::metadata::{self, Status};
use super::windows::{self, Incoming, Outgoing};
use crate::answer::OutputCheck;
use crate::drive::talk::{Reply, Talk};
use crate::error::PerfError;
use crate::failure::{Failed, Failure};
use crate::target::Target;

/// The most bytes that are made ready to be sent at once.
const READY: usize = 256 << 10;
/// The most bytes of a message that are kept to know an equal one by.
const MOST_KEPT: usize = 16 << 10;
/// The last stream that a connection has.
const LAST_STREAM: u32 = (1 << 31) - 1;
/// The code for a stream that is no longer wanted.
const CANCEL: u32 = 8;

/// What is asked over connections.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// The header fields of a call.
    fields: Arc<[u8]>,
    /// Messages.
    messages: Arc<[Vec<u8>]>,
    kind: Kind,
    check: OutputCheck,
}

/// What a message gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One answer, of which only the check knows more.
    Unary,
    /// Any number of responses on a stream that lives on; where a model gives several, an error need not be the last
    /// that is heard of a request.
    Stream { decoupled: bool },
    /// One message, which is kept as it is.
    Question,
}

/// What is said on a connection of gRPC.
#[derive(Debug)]
pub(crate) struct Connection {
    asked: Asked,
    /// What is ready to be sent, and how much of it was.
    out: Vec<u8>,
    out_at: usize,
    /// Which message is under way, and how much of it is ready or sent.
    current: usize,
    message_at: usize,
    /// The stream that is open, or 0, and the next one.
    stream: u32,
    next_stream: u32,
    room: Outgoing,
    came: Incoming,
    largest_frame: usize,
    /// What came and is less than a frame.
    inbox: Vec<u8>,
    /// Header fields that are not whole yet, and whether a stream ends with them.
    block: Vec<u8>,
    block_ends: bool,
    status: Status,
    /// Messages, while they are less than whole.
    body: BytesMut,
    responses: u32,
    first: Option<Instant>,
    /// Why a request failed whose last response is still to come.
    failed: Option<Failed>,
    /// Blocks of fields and a message that were right; those that are equal are too.
    known: Known,
    may_go_on: bool,
    /// The answer to a question.
    pub(crate) answer: Bytes,
}

#[derive(Debug, Default)]
struct Known {
    blocks: Vec<(Vec<u8>, Status)>,
    message: Vec<u8>,
}

impl Asked {
    pub(crate) fn new(
        target: &Target,
        method: &str,
        messages: Vec<Vec<u8>>,
        (kind, check): (Kind, OutputCheck),
    ) -> Result<Self, PerfError> {
        let path = format!("{}{method}", super::messages::SERVICE);
        Ok(Self {
            fields: metadata::request(target, &path)?.into(),
            messages: messages.into(),
            kind,
            check,
        })
    }
}

impl Connection {
    pub(crate) fn new(asked: Asked) -> Self {
        Self {
            message_at: asked.messages.first().map_or(0, Vec::len),
            asked,
            out: Vec::new(),
            out_at: 0,
            current: 0,
            stream: 0,
            next_stream: 1,
            room: Outgoing::new(),
            came: Incoming::default(),
            largest_frame: frames::USUAL_FRAME,
            inbox: Vec::new(),
            block: Vec::new(),
            block_ends: false,
            status: Status::default(),
            body: BytesMut::new(),
            responses: 0,
            first: None,
            failed: None,
            known: Known::default(),
            may_go_on: true,
            answer: Bytes::new(),
        }
    }

    fn is_stream(&self) -> bool {
        matches!(self.asked.kind, Kind::Stream { .. })
    }

    fn begin_stream(&mut self) {
        self.stream = self.next_stream;
        self.next_stream = self.next_stream.saturating_add(2);
        self.room.begin_stream();
        self.came.begin_stream();
        self.status = Status::default();
        self.body.clear();
        let fields = &self.asked.fields;
        let flags = frames::END_HEADERS;
        let head = frames::head(fields.len(), frames::HEADERS, flags, self.stream);
        self.out.extend(head);
        self.out.extend_from_slice(fields);
    }

    /// Makes ready what there is room for.
    fn fill(&mut self) {
        let messages = Arc::clone(&self.asked.messages);
        let Some(message) = messages.get(self.current) else {
            return;
        };
        while self.out.len() < READY {
            let rest = message.get(self.message_at..).unwrap_or_default();
            let count = rest.len().min(self.room.room()).min(self.largest_frame);
            let Some(piece) = rest.get(..count).filter(|piece| !piece.is_empty()) else {
                return;
            };
            self.message_at += count;
            let is_end = self.message_at == message.len() && !self.is_stream();
            let flags = if is_end { frames::END_STREAM } else { 0 };
            let head = frames::head(count, frames::DATA, flags, self.stream);
            self.out.extend(head);
            self.out.extend_from_slice(piece);
            self.room.take(count);
        }
    }

    fn is_sent(&self) -> bool {
        let message = self.asked.messages.get(self.current);
        message.is_none_or(|message| self.message_at >= message.len())
    }

    /// All frames that are whole.
    fn frames(&mut self, bytes: &[u8]) -> Result<Option<Reply>, Failed> {
        let mut inbox = std::mem::take(&mut self.inbox);
        let was_empty = inbox.is_empty();
        if !was_empty {
            inbox.extend_from_slice(bytes);
        }
        let mut rest = if was_empty { bytes } else { &inbox };
        let mut reply = None;
        while let Some((frame, behind)) = Frame::read(rest)? {
            rest = behind;
            let found = self.frame(frame)?;
            reply = reply.or(found);
        }
        let done = inbox.len().saturating_sub(rest.len());
        if was_empty {
            inbox = rest.to_vec();
        } else {
            inbox.drain(..done);
        }
        self.inbox = inbox;
        Ok(reply)
    }

    fn frame(&mut self, frame: Frame<'_>) -> Result<Option<Reply>, Failed> {
        let is_ours = frame.stream == self.stream && self.stream != 0;
        match frame.kind {
            frames::DATA => {
                let (connection, stream) = self.came.came(frame.payload.len());
                if let Some(more) = connection {
                    frames::window_update(0, more, &mut self.out);
                }
                if let Some(more) = stream.filter(|_| is_ours) {
                    frames::window_update(self.stream, more, &mut self.out);
                }
                if !is_ours {
                    return Ok(None);
                }
                self.body.extend_from_slice(frame.content()?);
                if frame.flags & frames::END_STREAM != 0 {
                    // Who speaks HTTP and not gRPC says how it went before.
                    self.stream = 0;
                    let result = self.whole();
                    return Ok(Some(self.reply(result)));
                }
                return if self.is_stream() {
                    self.on_stream()
                } else {
                    Ok(None)
                };
            }
            frames::HEADERS | frames::CONTINUATION => return self.fields(frame, is_ours),
            frames::RST_STREAM if is_ours => {
                self.stream = 0;
                let code = frames::number(frame.payload)?;
                let text = format!("the server gave the stream up, code {code}");
                return Ok(Some(self.reply(Err(Failed::new(Failure::Closed, text)))));
            }
            frames::SETTINGS if frame.flags & frames::ACK == 0 => self.settings(frame.payload)?,
            frames::PING if frame.flags & frames::ACK == 0 => {
                let head = frames::head(frame.payload.len(), frames::PING, frames::ACK, 0);
                self.out.extend(head);
                self.out.extend_from_slice(frame.payload);
            }
            frames::GOAWAY => {
                self.may_go_on = false;
                if frames::number(frame.payload)? & LAST_STREAM < self.stream {
                    let text = "the server takes no more requests on this connection";
                    return Err(Failed::new(Failure::Closed, text));
                }
            }
            frames::WINDOW_UPDATE => {
                let more = frames::number(frame.payload)? & windows::MOST;
                if frame.stream == 0 {
                    self.room.add_to_connection(more);
                } else if is_ours {
                    self.room.add_to_stream(more);
                }
            }
            frames::PUSH_PROMISE => return Err(Failed::broken("a push that nobody wants")),
            _ => {}
        }
        Ok(None)
    }

    fn settings(&mut self, payload: &[u8]) -> Result<(), Failed> {
        let (settings, rest) = payload.as_chunks::<6>();
        if !rest.is_empty() {
            return Err(Failed::broken("settings that are cut"));
        }
        for [high, low, a, b, c, d] in settings {
            let value = u32::from_be_bytes([*a, *b, *c, *d]);
            match u16::from_be_bytes([*high, *low]) {
                frames::SETTING_WINDOW => self.room.set_initial(value & windows::MOST),
                frames::SETTING_FRAME => {
                    self.largest_frame = usize::try_from(value).unwrap_or(frames::USUAL_FRAME);
                }
                _ => {}
            }
        }
        self.out
            .extend(frames::head(0, frames::SETTINGS, frames::ACK, 0));
        Ok(())
    }

    fn fields(&mut self, frame: Frame<'_>, is_ours: bool) -> Result<Option<Reply>, Failed> {
        if frame.kind == frames::HEADERS {
            self.block.clear();
            self.block_ends = frame.flags & frames::END_STREAM != 0;
        }
        self.block.extend_from_slice(frame.content()?);
        if frame.flags & frames::END_HEADERS == 0 || !is_ours {
            return Ok(None);
        }
        let known = &mut self.known.blocks;
        let equal = known.iter().find(|(block, _)| *block == self.block);
        let told = if let Some((_, told)) = equal {
            told.clone()
        } else {
            let told = metadata::status(&self.block)?;
            if told.message.is_empty() && known.len() < 4 {
                known.push((self.block.clone(), told.clone()));
            }
            told
        };
        self.status = Status {
            http: told.http.or(self.status.http),
            grpc: told.grpc.or(self.status.grpc),
            message: told.message,
        };
        if !self.block_ends {
            return Ok(None);
        }
        let ended = self.stream;
        self.stream = 0;
        let result = self.whole();
        if !self.is_sent() {
            // Nobody reads the rest of it.
            self.out
                .extend(frames::head(4, frames::RST_STREAM, 0, ended));
            self.out.extend(CANCEL.to_be_bytes());
        }
        Ok(Some(self.reply(result)))
    }

    /// What a call that ended comes to.
    fn whole(&mut self) -> Result<(), Failed> {
        let status = std::mem::take(&mut self.status);
        match (status.http, status.grpc) {
            (_, Some(0)) => {}
            (_, Some(code)) => return Err(Failed::new(Failure::Code(code), status.message)),
            (Some(200) | None, None) => return Err(Failed::broken("an answer has no status")),
            (Some(http), None) => return Err(Failed::new(Failure::Status(http), "")),
        }
        if self.is_stream() {
            let text = "the server ended the stream";
            return Err(Failed::new(Failure::Closed, text));
        }
        let message = self.message()?;
        let message = message.ok_or_else(|| Failed::broken("an answer has no message"))?;
        let result = match self.asked.kind {
            Kind::Question => {
                self.answer = message;
                return Ok(());
            }
            _ if self.asked.check.is_none() || self.known.message == message => Ok(()),
            _ => self.checked(&message),
        };
        // What was read into is read into again.
        if let (true, Ok(memory)) = (self.body.is_empty(), message.try_into_mut()) {
            self.body = memory;
            self.body.clear();
        }
        result
    }

    /// Whether a message is an answer, which is kept if it is.
    fn checked(&mut self, message: &Bytes) -> Result<(), Failed> {
        let decoded = InferResponse::decode(message.clone());
        let response = decoded.map_err(|error| Failed::broken(error.to_string()))?;
        self.asked.check.response(&response)?;
        if message.len() <= MOST_KEPT {
            self.known.message = message.to_vec();
        }
        Ok(())
    }

    /// The next message that is whole.
    fn message(&mut self) -> Result<Option<Bytes>, Failed> {
        let Some([compressed, length @ ..]) = self.body.first_chunk::<PREFIX>().copied() else {
            return Ok(None);
        };
        if compressed != 0 {
            return Err(Failed::broken(
                "a message is compressed, and nobody asked for it",
            ));
        }
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        if self.body.len() - PREFIX < length {
            return Ok(None);
        }
        self.body.advance(PREFIX);
        Ok(Some(self.body.split_to(length).freeze()))
    }

    /// Responses on a stream, as many as are whole.
    fn on_stream(&mut self) -> Result<Option<Reply>, Failed> {
        while let Some(message) = self.message()? {
            let decoded = StreamResponse::decode(message);
            let response = decoded.map_err(|error| Failed::broken(error.to_string()))?;
            let StreamResponse {
                error_message,
                infer_response,
            } = response;
            let says_last = infer_response.as_ref().and_then(InferResponse::says_last);
            if !error_message.is_empty() {
                let failed = Failed::new(Failure::Streamed, error_message);
                if says_last == Some(false) {
                    // What ends the request is still to come.
                    self.failed.get_or_insert(failed);
                    continue;
                }
                if says_last.is_none() && self.asked.kind == (Kind::Stream { decoupled: true }) {
                    self.may_go_on = false;
                }
                return Ok(Some(self.reply(Err(failed))));
            }
            let response = infer_response.unwrap_or_default();
            // One that does not say is the last.
            let is_last = says_last.unwrap_or(true);
            if !(is_last && response.outputs.is_empty()) {
                self.asked.check.response(&response)?;
                self.responses += 1;
                if self.first.is_none() && !is_last {
                    self.first = Some(Instant::now());
                }
            }
            if is_last {
                let result = self.failed.take().map_or(Ok(()), Err);
                return Ok(Some(self.reply(result)));
            }
        }
        Ok(None)
    }

    fn reply(&mut self, result: Result<(), Failed>) -> Reply {
        let is_unary = !self.is_stream();
        Reply {
            responses: if is_unary { 1 } else { self.responses },
            first: self.first.take(),
            failed: result.err(),
        }
    }
}

impl Talk for Connection {
    fn opened(&mut self) {
        let asked = self.asked.clone();
        let known = std::mem::take(&mut self.known);
        *self = Self::new(asked);
        self.known = known;
        self.out.extend(frames::PREFACE);
        let settings = [
            (frames::SETTING_TABLE, 0),
            (frames::SETTING_PUSH, 0),
            (frames::SETTING_WINDOW, windows::MOST),
            (
                frames::SETTING_FRAME,
                u32::try_from(frames::LARGEST_FRAME).unwrap_or(windows::MOST),
            ),
        ];
        frames::settings(&settings, &mut self.out);
        let usual = u32::try_from(windows::USUAL).unwrap_or_default();
        frames::window_update(0, windows::MOST - usual, &mut self.out);
    }

    fn ask(&mut self, call: usize) {
        self.current = call % self.asked.messages.len().max(1);
        self.message_at = 0;
        self.responses = 0;
        self.first = None;
        self.failed = None;
        if !self.is_stream() || self.stream == 0 {
            self.begin_stream();
        }
    }

    fn outgoing(&mut self) -> &[u8] {
        if self.out_at >= self.out.len() {
            self.out.clear();
            self.out_at = 0;
        }
        if self.stream != 0 {
            self.fill();
        }
        self.out.get(self.out_at..).unwrap_or_default()
    }

    fn sent(&mut self, count: usize) {
        self.out_at += count;
    }

    fn received(&mut self, bytes: &[u8]) -> Result<Option<Reply>, Failed> {
        self.frames(bytes)
    }

    fn interrupted(&mut self, bytes: &[u8]) -> Result<(), Failed> {
        self.frames(bytes).map(drop)
    }

    fn ended(&mut self) -> Result<Reply, Failed> {
        Err(Failed::new(Failure::Closed, "before it answered"))
    }

    fn may_go_on(&self) -> bool {
        self.may_go_on && self.next_stream < LAST_STREAM
    }
}
