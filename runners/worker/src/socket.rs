//! Sending and receiving frames, with at most one file descriptor each, before a deadline.
//!
//! Knows how a frame is carried, and neither what it says nor what to do when it does not come.

use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, RecvMsg, ReturnFlags,
    SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType,
};

use crate::frame::{Frame, FrameError, MAX_FRAME};

/// One end of a connection between parent and child.
#[derive(Debug)]
pub(crate) struct Socket {
    fd: OwnedFd,
}

/// Why no frame was sent or received.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// Nobody is at the other end any more.
    #[error("the connection was closed")]
    Closed,
    /// The deadline passed.
    #[error("no answer in time")]
    TimedOut,
    /// Something came that is not a frame, or not the right one.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The kernel refused.
    #[error("the connection failed: {0}")]
    Kernel(Errno),
}

/// Memory to receive frames in, used again and again.
#[derive(Debug)]
pub(crate) struct ReceiveBuffer {
    bytes: Vec<u8>,
}

/// What came: a frame, and the file descriptor that its kind carries.
#[derive(Debug)]
pub(crate) struct Received<'buffer> {
    pub(crate) frame: Frame<'buffer>,
    pub(crate) file: Option<OwnedFd>,
}

impl Socket {
    /// Two ends of a new connection.
    pub(crate) fn pair() -> Result<(Self, OwnedFd), Errno> {
        let kind = SocketType::SEQPACKET;
        let (ours, theirs) =
            rustix::net::socketpair(AddressFamily::UNIX, kind, SocketFlags::CLOEXEC, None)?;
        Ok((Self { fd: ours }, theirs))
    }

    /// An end that another process made.
    pub(crate) const fn from_fd(fd: OwnedFd) -> Self {
        Self { fd }
    }

    /// Sends a frame, with a file descriptor if its kind carries one.
    pub(crate) fn send(
        &self,
        frame: &[u8],
        file: Option<BorrowedFd<'_>>,
        deadline: Option<Instant>,
    ) -> Result<(), SocketError> {
        loop {
            match self.send_now(frame, file) {
                Ok(sent) if sent == frame.len() => return Ok(()),
                // The kernel takes a packet whole or not at all.
                Ok(_) => return Err(SocketError::Kernel(Errno::IO)),
                Err(Errno::INTR) => {}
                // The other side reads slowly; only a full queue gets here.
                Err(Errno::AGAIN) => self.wait(PollFlags::OUT, deadline)?,
                Err(errno) => return Err(SocketError::of(errno)),
            }
        }
    }

    /// Receives one frame. Without a deadline it waits until one comes or the other side is gone.
    pub(crate) fn receive<'buffer>(
        &self,
        buffer: &'buffer mut ReceiveBuffer,
        deadline: Option<Instant>,
    ) -> Result<Received<'buffer>, SocketError> {
        let (length, file, files) = loop {
            if deadline.is_some() {
                self.wait(PollFlags::IN, deadline)?;
            }
            match self.receive_now(&mut buffer.bytes, deadline.is_some()) {
                Ok((received, file, files)) => {
                    if received.flags.contains(ReturnFlags::TRUNC) {
                        return Err(FrameError::TooLong.into());
                    }
                    break (received.bytes, file, files);
                }
                Err(Errno::INTR | Errno::AGAIN) => {}
                Err(errno) => return Err(SocketError::of(errno)),
            }
        };
        if length == 0 {
            return Err(SocketError::Closed);
        }
        let packet = buffer.bytes.get(..length).unwrap_or_default();
        let frame = Frame::parse(packet)?;
        if files != usize::from(frame.kind.carries_file()) {
            let kind = frame.kind.name();
            let found = files;
            return Err(FrameError::Files { kind, found }.into());
        }
        Ok(Received { frame, file })
    }

    fn send_now(&self, frame: &[u8], file: Option<BorrowedFd<'_>>) -> Result<usize, Errno> {
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        let Some(file) = file else {
            return rustix::net::send(&self.fd, frame, flags);
        };
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        let files = [file];
        if !ancillary.push(SendAncillaryMessage::ScmRights(&files)) {
            return Err(Errno::NOBUFS);
        }
        rustix::net::sendmsg(&self.fd, &[IoSlice::new(frame)], &mut ancillary, flags)
    }

    /// What came, the last of the file descriptors that came with it, and how many those were.
    fn receive_now(
        &self,
        buffer: &mut [u8],
        at_once: bool,
    ) -> Result<(RecvMsg, Option<OwnedFd>, usize), Errno> {
        let mut flags = RecvFlags::CMSG_CLOEXEC;
        flags.set(RecvFlags::DONTWAIT, at_once);
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let parts = &mut [IoSliceMut::new(buffer)];
        let received = rustix::net::recvmsg(&self.fd, parts, &mut ancillary, flags)?;
        // More than there was room for: the kernel closed those. One too many is enough to refuse.
        let mut count = usize::from(received.flags.contains(ReturnFlags::CTRUNC));
        let mut file = None;
        for message in ancillary.drain() {
            if let RecvAncillaryMessage::ScmRights(files) = message {
                for received in files {
                    count = count.saturating_add(1);
                    file = Some(received);
                }
            }
        }
        Ok((received, file, count))
    }

    fn wait(&self, events: PollFlags, deadline: Option<Instant>) -> Result<(), SocketError> {
        loop {
            let timeout = match deadline {
                None => None,
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    // A wait too long for the kernel to count is as good as one without end.
                    Timespec::try_from(left).ok()
                }
            };
            let mut waited_for = [PollFd::new(&self.fd, events)];
            match rustix::event::poll(&mut waited_for, timeout.as_ref()) {
                Ok(0) => return Err(SocketError::TimedOut),
                Ok(_) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(errno) => return Err(SocketError::Kernel(errno)),
            }
        }
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Default for ReceiveBuffer {
    fn default() -> Self {
        // Zeroed memory of this size comes from the kernel page by page, as frames reach into it.
        Self {
            bytes: vec![0; MAX_FRAME],
        }
    }
}

impl SocketError {
    fn of(errno: Errno) -> Self {
        match errno {
            // A process that ends with our frames unread resets the connection.
            Errno::PIPE | Errno::CONNRESET | Errno::NOTCONN => Self::Closed,
            errno => Self::Kernel(errno),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::frame::{FrameWriter, Kind};

    fn pair() -> (Socket, Socket) {
        let (ours, theirs) = Socket::pair().unwrap();
        (ours, Socket::from_fd(theirs))
    }

    fn frame(kind: Kind) -> Vec<u8> {
        let mut writer = FrameWriter::default();
        writer.begin(kind);
        writer.finish().unwrap().to_vec()
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_millis(1)
    }

    #[test]
    fn a_frame_arrives_with_its_file_descriptor() {
        let (ours, theirs) = pair();
        let null = std::fs::File::open("/dev/null").unwrap();
        ours.send(&frame(Kind::Slot), Some(null.as_fd()), Some(soon()))
            .unwrap();
        let mut buffer = ReceiveBuffer::default();
        let received = theirs.receive(&mut buffer, None).unwrap();
        assert_eq!(received.frame.kind, Kind::Slot);
        assert!(received.file.is_some());
    }

    #[test]
    fn a_file_descriptor_that_is_missing_or_unasked_for_is_refused() {
        let (ours, theirs) = pair();
        let mut buffer = ReceiveBuffer::default();
        let null = std::fs::File::open("/dev/null").unwrap();
        ours.send(&frame(Kind::Run), Some(null.as_fd()), None)
            .unwrap();
        let error = theirs.receive(&mut buffer, None).unwrap_err().to_string();
        assert_eq!(error, "it sent a `run` frame with 1 file descriptors");
        ours.send(&frame(Kind::Slot), None, None).unwrap();
        let error = theirs.receive(&mut buffer, None).unwrap_err().to_string();
        assert_eq!(error, "it sent a `slot` frame with 0 file descriptors");
    }

    #[test]
    fn waiting_ends_at_the_deadline() {
        let (ours, _theirs) = pair();
        let mut buffer = ReceiveBuffer::default();
        let error = ours.receive(&mut buffer, Some(soon()));
        assert!(matches!(error, Err(SocketError::TimedOut)), "{error:?}");
    }

    #[test]
    fn sending_to_somebody_who_does_not_read_ends_at_the_deadline() {
        let (ours, _theirs) = pair();
        let packet = vec![0; MAX_FRAME];
        let error = (0..1000).find_map(|_| ours.send(&packet, None, Some(soon())).err());
        assert!(matches!(error, Some(SocketError::TimedOut)), "{error:?}");
    }

    #[test]
    fn the_end_of_the_other_side_is_told_from_silence() {
        let (ours, theirs) = pair();
        ours.send(&frame(Kind::Hello), None, None).unwrap();
        drop(theirs);
        let mut buffer = ReceiveBuffer::default();
        let error = ours.receive(&mut buffer, Some(soon()));
        assert!(matches!(error, Err(SocketError::Closed)), "{error:?}");
        let error = ours.send(&frame(Kind::Hello), None, None);
        assert!(matches!(error, Err(SocketError::Closed)), "{error:?}");
    }

    #[test]
    fn a_packet_longer_than_a_frame_is_refused() {
        let (ours, theirs) = pair();
        ours.send(&vec![0; MAX_FRAME + 1], None, None).unwrap();
        let mut buffer = ReceiveBuffer::default();
        let error = theirs.receive(&mut buffer, None);
        let too_long = matches!(error, Err(SocketError::Frame(FrameError::TooLong)));
        assert!(too_long, "{error:?}");
    }
}
