//! One place for a request: a connection, and what is under way on it.

use std::time::Instant;

use super::socket::Socket;
use super::talk::{Reply, Talk};
use crate::failure::Failed;
use crate::target::Target;

/// A connection, and what is under way on it.
#[derive(Debug)]
pub(super) struct Slot<T> {
    talk: T,
    pub(super) socket: Option<Socket>,
    /// Whether the connection is not made yet.
    is_connecting: bool,
    /// From when the request counts that is under way.
    pub(super) due: Option<Instant>,
    /// Whether the system is asked to tell when there is room to send.
    pub(super) wants_room: bool,
}

/// What came of looking at a connection.
#[derive(Debug)]
pub(super) enum Seen {
    /// Nothing that ends a request.
    Nothing,
    /// What became of the request.
    Reply(Reply),
    /// The connection is no more, and nothing was under way on it.
    Gone,
}

impl<T: Talk> Slot<T> {
    pub(super) const fn new(talk: T) -> Self {
        Self {
            talk,
            socket: None,
            is_connecting: false,
            due: None,
            wants_room: false,
        }
    }

    /// Begins a request. Whether the connection is a new one.
    pub(super) fn begin(
        &mut self,
        target: &Target,
        call: usize,
        due: Instant,
    ) -> Result<bool, Failed> {
        self.due = Some(due);
        let is_new = self.socket.is_none();
        if is_new {
            self.socket = Some(Socket::connect(target)?);
            self.is_connecting = true;
            self.wants_room = false;
            self.talk.opened();
        }
        self.talk.ask(call);
        if !is_new {
            self.flush()?;
        }
        Ok(is_new)
    }

    /// Sends what there is room for.
    fn flush(&mut self) -> Result<(), Failed> {
        let Some(socket) = &mut self.socket else {
            return Ok(());
        };
        socket.flush()?;
        loop {
            let bytes = self.talk.outgoing();
            if bytes.is_empty() {
                return Ok(());
            }
            let all = bytes.len();
            let count = socket.send(bytes)?;
            self.talk.sent(count);
            if count < all {
                return Ok(());
            }
        }
    }

    /// Whether there is something to be told: that the connection is made, or that there is room to send.
    pub(super) fn needs_room(&mut self) -> bool {
        let Some(socket) = &self.socket else {
            return false;
        };
        socket.wants_room() || !self.is_connecting && !self.talk.outgoing().is_empty()
    }

    /// Looks at the connection, since something happened to it.
    pub(super) fn look(&mut self, can_send: bool, memory: &mut [u8]) -> Result<Seen, Failed> {
        let Some(socket) = &mut self.socket else {
            return Ok(Seen::Nothing);
        };
        if self.is_connecting {
            if !socket.is_connected()? {
                return Ok(Seen::Nothing);
            }
            self.is_connecting = false;
            self.flush()?;
            return Ok(Seen::Nothing);
        }
        let mut sent = Ok(());
        if can_send {
            sent = self.flush();
        }
        // What the server said before it closed the connection tells more than that it did.
        match self.receive(memory) {
            Ok(Seen::Nothing) => sent.map(|()| Seen::Nothing),
            other => other,
        }
    }

    fn receive(&mut self, memory: &mut [u8]) -> Result<Seen, Failed> {
        loop {
            let Some(socket) = &mut self.socket else {
                return Ok(Seen::Nothing);
            };
            let received = socket.receive(memory);
            let is_asked = self.due.is_some();
            let count = match received {
                Ok(None) => return Ok(Seen::Nothing),
                Ok(Some(count)) => count,
                Err(_) if !is_asked => return Ok(Seen::Gone),
                Err(failed) => return Err(failed),
            };
            if count == 0 {
                return if is_asked {
                    self.talk.ended().map(Seen::Reply)
                } else {
                    Ok(Seen::Gone)
                };
            }
            let bytes = memory.get(..count).unwrap_or_default();
            if !is_asked {
                if self.talk.interrupted(bytes).is_err() {
                    return Ok(Seen::Gone);
                }
                self.flush()?;
                return Ok(Seen::Nothing);
            }
            if let Some(reply) = self.talk.received(bytes)? {
                return Ok(Seen::Reply(reply));
            }
            // Most likely there is more, unless this was less than fits.
            if count < memory.len() {
                self.flush()?;
                return Ok(Seen::Nothing);
            }
        }
    }

    /// Ends what is under way, and the connection with it if it cannot go on. The time from which it counts.
    pub(super) fn finish(&mut self, may_go_on: bool) -> Option<Instant> {
        let has_unsent = self.socket.as_ref().is_some_and(Socket::has_unsent);
        if !may_go_on || has_unsent || !self.talk.may_go_on() {
            self.socket = None;
        }
        self.due.take()
    }
}
