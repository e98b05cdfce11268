//! What an encrypted connection has to send and has received, over a socket that never blocks.

use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};
use rustls::ClientConnection;

use crate::failure::{Failed, Failure};
use crate::tls::Tls;

/// One encrypted connection.
#[derive(Debug)]
pub(super) struct Secure(ClientConnection);

/// A socket as rustls reads and writes it.
struct Bare<'a>(&'a OwnedFd);

impl Secure {
    /// A connection of which nothing has travelled.
    pub(super) fn new(tls: &Tls) -> Result<Self, Failed> {
        tls.connection().map(Self)
    }

    /// Goes on agreeing with the other side. Whether that is done.
    pub(super) fn agree(&mut self, socket: &OwnedFd) -> Result<bool, Failed> {
        match self.0.complete_io(&mut Bare(socket)) {
            Ok(_) => Ok(!self.0.is_handshaking()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(!self.0.is_handshaking()),
            Err(error) => Err(Failed::new(Failure::Unreachable, error.to_string())),
        }
    }

    pub(super) fn has_unsent(&self) -> bool {
        self.0.wants_write()
    }

    /// Sends what was encrypted, as much as fits.
    pub(super) fn flush(&mut self, socket: &OwnedFd) -> Result<(), Failed> {
        while self.0.wants_write() {
            match self.0.write_tls(&mut Bare(socket)) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(closed(&error)),
            }
        }
        Ok(())
    }

    /// Takes as much as there is memory for, and sends as much as fits.
    pub(super) fn send(&mut self, socket: &OwnedFd, bytes: &[u8]) -> Result<usize, Failed> {
        let mut taken = 0;
        loop {
            let rest = bytes.get(taken..).unwrap_or_default();
            let count = self.0.writer().write(rest).map_err(|it| closed(&it))?;
            taken += count;
            self.flush(socket)?;
            if count == 0 || self.has_unsent() {
                return Ok(taken);
            }
        }
    }

    /// What is there, decrypted: so many bytes, of which none is the end; nothing if nothing is there.
    pub(super) fn receive(
        &mut self,
        socket: &OwnedFd,
        bytes: &mut [u8],
    ) -> Result<Option<usize>, Failed> {
        loop {
            match self.0.reader().read(bytes) {
                Ok(count) => return Ok(Some(count)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(closed(&error)),
            }
            match self.0.read_tls(&mut Bare(socket)) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(error) => return Err(closed(&error)),
            }
            let processed = self.0.process_new_packets();
            // What is wrong is said to the other side too.
            let said = self.flush(socket);
            processed.map_err(|error| Failed::new(Failure::Closed, error.to_string()))?;
            said?;
        }
    }
}

impl Read for Bare<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let (count, _) = recv(self.0, bytes, RecvFlags::empty()).map_err(later)?;
        Ok(count)
    }
}

impl Write for Bare<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(send(self.0, bytes, SendFlags::NOSIGNAL).map_err(later)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// An interruption is as good as there being nothing yet: the system tells again.
fn later(error: Errno) -> Errno {
    if error == Errno::INTR {
        Errno::AGAIN
    } else {
        error
    }
}

fn closed(error: &io::Error) -> Failed {
    Failed::new(Failure::Closed, error.to_string())
}
