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

use crate::failure::{Failed, Failure};

/// A connection, or the beginning of one.
#[derive(Debug)]
pub(super) struct Socket {
    descriptor: OwnedFd,
}

impl Socket {
    /// Begins to connect.
    pub(super) fn connect(address: SocketAddr) -> Result<Self, Failed> {
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
            Ok(()) | Err(Errno::INPROGRESS) => Ok(Self { descriptor }),
            Err(error) => Err(unreachable(error)),
        }
    }

    /// Whether the connection is there.
    pub(super) fn is_connected(&self) -> Result<bool, Failed> {
        sockopt::socket_error(&self.descriptor)
            .and_then(|state| state)
            .map_err(unreachable)?;
        match getpeername(&self.descriptor) {
            Ok(_) => Ok(true),
            Err(Errno::NOTCONN) => Ok(false),
            Err(error) => Err(unreachable(error)),
        }
    }

    /// Sends as much as fits; nothing if nothing does.
    pub(super) fn send(&self, bytes: &[u8]) -> Result<usize, Failed> {
        match send(&self.descriptor, bytes, SendFlags::NOSIGNAL) {
            Ok(count) => Ok(count),
            Err(Errno::AGAIN | Errno::INTR) => Ok(0),
            Err(error) => Err(closed(error)),
        }
    }

    /// Receives what is there: so many bytes, of which none is the end; nothing if nothing is there.
    pub(super) fn receive(&self, bytes: &mut [u8]) -> Result<Option<usize>, Failed> {
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
