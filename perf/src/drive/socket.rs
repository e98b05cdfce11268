//! A socket that never blocks.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::sockopt;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, connect, getpeername, recv, send,
    socket_with,
};

use super::secure::Secure;
use crate::failure::{Failed, Failure};
use crate::target::Target;

/// A connection, or the beginning of one.
#[derive(Debug)]
pub(super) struct Socket {
    descriptor: OwnedFd,
    /// What encrypts it.
    secure: Option<Box<Secure>>,
    /// Whether the other side has taken it.
    is_taken: bool,
}

impl Socket {
    /// Begins to connect.
    pub(super) fn connect(target: &Target) -> Result<Self, Failed> {
        let secure = target.tls.as_ref().map(Secure::new).transpose()?;
        let descriptor = begin(target.address)?;
        Ok(Self {
            descriptor,
            secure: secure.map(Box::new),
            is_taken: false,
        })
    }

    /// Whether the connection is there, and whatever has to be agreed on first is.
    pub(super) fn is_connected(&mut self) -> Result<bool, Failed> {
        if !self.is_taken {
            sockopt::socket_error(&self.descriptor)
                .and_then(|state| state)
                .map_err(unreachable)?;
            match getpeername(&self.descriptor) {
                Ok(_) => self.is_taken = true,
                Err(Errno::NOTCONN) => return Ok(false),
                Err(error) => return Err(unreachable(error)),
            }
        }
        match &mut self.secure {
            None => Ok(true),
            Some(secure) => secure.agree(&self.descriptor),
        }
    }

    /// Whether something waits for room to be sent, or for the other side to take the connection.
    pub(super) fn wants_room(&self) -> bool {
        !self.is_taken || self.has_unsent()
    }

    /// Whether something that was taken to be sent is not.
    pub(super) fn has_unsent(&self) -> bool {
        self.secure.as_ref().is_some_and(|it| it.has_unsent())
    }

    /// Sends what was taken to be sent, as much as fits.
    pub(super) fn flush(&mut self) -> Result<(), Failed> {
        match &mut self.secure {
            None => Ok(()),
            Some(secure) => secure.flush(&self.descriptor),
        }
    }

    /// Sends as much as fits; nothing if nothing does.
    pub(super) fn send(&mut self, bytes: &[u8]) -> Result<usize, Failed> {
        if let Some(secure) = &mut self.secure {
            return secure.send(&self.descriptor, bytes);
        }
        match send(&self.descriptor, bytes, SendFlags::NOSIGNAL) {
            Ok(count) => Ok(count),
            Err(Errno::AGAIN | Errno::INTR) => Ok(0),
            Err(error) => Err(closed(error)),
        }
    }

    /// Receives what is there: so many bytes, of which none is the end; nothing if nothing is there.
    pub(super) fn receive(&mut self, bytes: &mut [u8]) -> Result<Option<usize>, Failed> {
        if let Some(secure) = &mut self.secure {
            return secure.receive(&self.descriptor, bytes);
        }
        match recv(&self.descriptor, bytes, RecvFlags::empty()) {
            Ok((count, _)) => Ok(Some(count)),
            Err(Errno::AGAIN | Errno::INTR) => Ok(None),
            Err(error) => Err(closed(error)),
        }
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

fn begin(address: SocketAddr) -> Result<OwnedFd, Failed> {
    let family = if address.is_ipv4() {
        AddressFamily::INET
    } else {
        AddressFamily::INET6
    };
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let made = socket_with(family, SocketType::STREAM, flags, None);
    let descriptor = made.map_err(unreachable)?;
    sockopt::set_tcp_nodelay(&descriptor, true).map_err(unreachable)?;
    match connect(&descriptor, &address) {
        Ok(()) | Err(Errno::INPROGRESS) => Ok(descriptor),
        Err(error) => Err(unreachable(error)),
    }
}

fn unreachable(error: Errno) -> Failed {
    let kind = if error == Errno::CONNREFUSED {
        Failure::Refused
    } else {
        Failure::Unreachable
    };
    Failed::new(kind, io::Error::from(error).to_string())
}

fn closed(error: Errno) -> Failed {
    Failed::new(Failure::Closed, io::Error::from(error).to_string())
}
