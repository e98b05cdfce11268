//! One connection of HTTP: a request at a time, its answer in however many pieces.

use std::sync::Arc;

use super::head::{Body, Head};
use crate::answer::HttpCheck;
use crate::drive::talk::{Reply, Talk};
use crate::failure::{Failed, Failure};

/// What is said on a connection of HTTP.
#[derive(Debug)]
pub(crate) struct Exchange {
    requests: Arc<[Vec<u8>]>,
    /// Which request is under way, and how much of it is sent.
    current: usize,
    sent: usize,
    /// What came so far, while it is less than an answer.
    inbox: Vec<u8>,
    head: Option<Head>,
    chunks: Chunks,
    check: HttpCheck,
    keeps_alive: bool,
}

/// A body that travels in chunks.
#[derive(Debug, Default)]
struct Chunks {
    body: Vec<u8>,
    /// Where the next chunk begins.
    at: usize,
}

impl Exchange {
    /// A connection on which these are asked.
    pub(crate) fn new(requests: Arc<[Vec<u8>]>, check: HttpCheck) -> Self {
        let sent = requests.first().map_or(0, Vec::len);
        Self {
            requests,
            current: 0,
            sent,
            inbox: Vec::new(),
            head: None,
            chunks: Chunks::default(),
            check,
            keeps_alive: true,
        }
    }

    /// The body of the last answer, where the check keeps it.
    pub(crate) fn into_kept(self) -> Vec<u8> {
        self.check.into_kept()
    }

    /// The answer that these bytes begin with, if it is whole.
    fn answer(&mut self, bytes: &[u8], is_end: bool) -> Result<Option<Reply>, Failed> {
        let head = match self.head.take() {
            Some(head) => head,
            None => match Head::read(bytes)? {
                // What is said on the way is not the answer.
                Some(head) if head.status < 200 => {
                    let rest = bytes.get(head.length..).unwrap_or_default();
                    return Err(Failed::broken(format!(
                        "status {} with {} bytes after it, which nobody asked for",
                        head.status,
                        rest.len()
                    )));
                }
                Some(head) => head,
                None => return Ok(None),
            },
        };
        let rest = bytes.get(head.length..).unwrap_or_default();
        let found = match head.body {
            Body::Length(length) => rest.get(..length).map(|body| (body, rest.len() - length)),
            Body::UntilClosed => is_end.then_some((rest, 0)),
            Body::Chunked => {
                let end = self.chunks.read(rest)?;
                end.map(|end| (&*self.chunks.body, rest.len() - end))
            }
        };
        let Some((body, beyond)) = found else {
            self.head = Some(head);
            return Ok(None);
        };
        self.keeps_alive = head.keeps_alive;
        if beyond > 0 {
            self.keeps_alive = false;
            return Err(Failed::broken(format!("{beyond} bytes follow the answer")));
        }
        Ok(Some(self.check.check(&head, body)))
    }
}

impl Talk for Exchange {
    fn opened(&mut self) {
        self.keeps_alive = true;
        self.inbox.clear();
        self.head = None;
        self.chunks.clear();
    }

    fn ask(&mut self, call: usize) {
        self.current = call % self.requests.len().max(1);
        self.sent = 0;
    }

    fn outgoing(&mut self) -> &[u8] {
        let request = self.requests.get(self.current);
        request
            .and_then(|request| request.get(self.sent..))
            .unwrap_or_default()
    }

    fn sent(&mut self, count: usize) {
        self.sent += count;
    }

    fn received(&mut self, bytes: &[u8]) -> Result<Option<Reply>, Failed> {
        let found = if self.inbox.is_empty() {
            let found = self.answer(bytes, false)?;
            if found.is_none() {
                self.inbox.extend_from_slice(bytes);
            }
            found
        } else {
            let mut inbox = std::mem::take(&mut self.inbox);
            inbox.extend_from_slice(bytes);
            let found = self.answer(&inbox, false);
            self.inbox = inbox;
            found?
        };
        if found.is_some() {
            self.inbox.clear();
            self.chunks.clear();
        }
        Ok(found)
    }

    fn interrupted(&mut self, _: &[u8]) -> Result<(), Failed> {
        Err(Failed::broken("an answer that nobody asked for"))
    }

    fn ended(&mut self) -> Result<Reply, Failed> {
        let inbox = std::mem::take(&mut self.inbox);
        if inbox.is_empty() {
            return Err(Failed::new(Failure::Closed, "before it answered"));
        }
        let found = self.answer(&inbox, true)?;
        found.ok_or_else(|| Failed::new(Failure::Closed, "in the middle of an answer"))
    }

    fn may_go_on(&self) -> bool {
        // A server that answers before it has all of a request reads no further one from there.
        let is_sent = self
            .requests
            .get(self.current)
            .is_none_or(|request| self.sent >= request.len());
        self.keeps_alive && is_sent
    }
}

impl Chunks {
    fn clear(&mut self) {
        self.body.clear();
        self.at = 0;
    }

    /// Reads on. Where the last chunk ends, once it is there.
    fn read(&mut self, bytes: &[u8]) -> Result<Option<usize>, Failed> {
        loop {
            let rest = bytes.get(self.at..).unwrap_or_default();
            let (line, size) = match httparse::parse_chunk_size(rest) {
                Ok(httparse::Status::Complete(found)) => found,
                Ok(httparse::Status::Partial) => return Ok(None),
                Err(_) => return Err(Failed::broken("a chunk of the body has no size")),
            };
            if size == 0 {
                return Ok(end_of_trailers(rest, line).map(|end| self.at + end));
            }
            let size = usize::try_from(size).unwrap_or(usize::MAX);
            let end = line.saturating_add(size);
            let Some(chunk) = rest.get(line..end) else {
                return Ok(None);
            };
            match rest.get(end..end.saturating_add(2)) {
                Some(b"\r\n") => {}
                Some(_) => return Err(Failed::broken("a chunk of the body has no end")),
                None => return Ok(None),
            }
            self.body.extend_from_slice(chunk);
            self.at += end + 2;
        }
    }
}

/// Where the fields after the last chunk end.
fn end_of_trailers(rest: &[u8], from: usize) -> Option<usize> {
    let after = rest.get(from..)?;
    if after.starts_with(b"\r\n") {
        return Some(from + 2);
    }
    let end = after.windows(4).position(|four| four == b"\r\n\r\n")?;
    Some(from + end + 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asks once and hands over what the server says in pieces of this size.
    fn said(answer: &[u8], piece: usize, ends: bool) -> (Result<Option<Reply>, Failed>, bool) {
        let requests: Arc<[Vec<u8>]> = Arc::new([b"GET".to_vec()]);
        let mut exchange = Exchange::new(requests, HttpCheck::status_only());
        exchange.opened();
        exchange.ask(0);
        exchange.sent(3);
        let mut found = Ok(None);
        for bytes in answer.chunks(piece) {
            found = exchange.received(bytes);
            if !matches!(found, Ok(None)) {
                break;
            }
        }
        if ends && matches!(found, Ok(None)) {
            found = exchange.ended().map(Some);
        }
        (found, exchange.may_go_on())
    }

    #[test]
    fn answers_are_whole_however_they_are_cut() {
        let check = |answer: &[u8], ends: bool, goes_on: bool| {
            for piece in 1..=answer.len() {
                let (found, may_go_on) = said(answer, piece, ends);
                assert!(matches!(found, Ok(Some(_))), "{piece}: {found:?}");
                assert_eq!(may_go_on, goes_on, "{piece}");
            }
        };
        check(
            b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
            false,
            true,
        );
        check(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
            false,
            true,
        );
        check(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nA;x=y\r\n0123456789\r\n0\r\nT: v\r\n\r\n",
            false,
            true,
        );
        check(b"HTTP/1.0 200 OK\r\n\r\nabc", true, false);
        check(
            b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
            false,
            false,
        );
    }

    #[test]
    fn what_is_no_whole_answer_is_a_failure_of_its_kind() {
        let check = |answer: &[u8], kind: Failure| {
            let (found, _) = said(answer, 1000, true);
            assert_eq!(found.unwrap_err().kind, kind);
        };
        check(b"", Failure::Closed);
        check(
            b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab",
            Failure::Closed,
        );
        check(b"garbage that is no protocol", Failure::Broken);
        check(
            b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab",
            Failure::Broken,
        );
        check(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
            Failure::Broken,
        );
    }
}
