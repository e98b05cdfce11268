//! Frames: what parent and child say to each other, byte by byte.
//!
//! Knows no socket, no process and no tensor; `tensors` and `control` fill the bodies.
//!
//! A frame is one packet on a Unix socket of type `SOCK_SEQPACKET`. The kernel keeps packets apart and
//! keeps a file descriptor with the packet it was sent with, so there is no buffering, no resuming inside
//! a frame, and a side that writes nonsense cannot shift the boundaries of what follows. Any language
//! with `recvmsg` and `mmap` can speak this. All numbers are little-endian.
//!
//! ```text
//! offset  size  header
//! 0       4     the letters NAVW
//! 4       2     version of the protocol, the same in every frame
//! 6       2     kind
//! 8       4     length of the body; header and body are the whole packet, at most 128 KiB
//! 12      -     body
//!
//! kind                     from    on       carries  body
//! 1   hello                both    control  -        empty; the first frame of either side
//! 2   probe                parent  control  -        JSON {"runner", "libraries"}
//! 3   probed               child   control  -        JSON Probe
//! 4   load                 parent  control  -        JSON {"runner", "model", "options"}, once
//! 5   loaded               child   control  -        JSON Signature
//! 6   load failed          child   either   -        JSON LoadError; on a session socket: no session
//! 7   open session         parent  control  socket   empty; the socket is for that session alone
//! 8   session opened       child   session  -        empty; the first frame on a session socket
//! 9   slot                 parent  session  memory   u32 slot, u32 zero, u64 size in bytes
//! 10  run                  parent  session  -        u32 output slot, u32 count, then input tensors
//! 11  done                 child   session  -        u32 count, then output tensors
//! 12  need output          child   session  -        u64 bytes
//! 13  output refused       parent  session  -        empty; the run is over, without an answer
//! 14  run failed           child   session  -        JSON RunError
//!
//! offset  size  a tensor in `run` and `done`
//! 0       4     its position in the signature's inputs or outputs
//! 4       2     how many extents its shape has
//! 6       1     element type: 0 BOOL, 1 UINT8, 2 UINT16, 3 UINT32, 4 UINT64, 5 INT8, 6 INT16,
//!               7 INT32, 8 INT64, 9 FP16, 10 BF16, 11 FP32, 12 FP64, 13 BYTES
//! 7       1     zero
//! 8       8     where its bytes begin in the slot, a multiple of 64
//! 16      8     how many bytes it has
//! 24      8     each extent
//! ```
//!
//! The control socket is the child's standard input. It is the parent's life line too: when it closes,
//! the child ends. A session's socket carries one request at a time. `slot` hands over a sealed memory
//! file (`memfd`) under a number from 0 to 5, replacing what had that number before: slot 0 holds inputs,
//! the others outputs. `run` names the slot for its outputs; where that is too small or not there yet, the child
//! answers `need output`, gets that slot anew, or `output refused`, and goes on.

/// The version of the protocol. Any change to what is described above counts it up.
pub const VERSION: u16 = 1;

/// The largest frame, well below what a socket's buffer holds by default.
pub(crate) const MAX_FRAME: usize = 128 * 1024;

/// The number of the slot for inputs.
pub(crate) const INPUT_SLOT: u32 = 0;

/// How many slots a session may have, the one for inputs included.
pub(crate) const MAX_SLOTS: u32 = 6;

const MAGIC: [u8; 4] = *b"NAVW";
const HEADER: usize = 12;

/// What a frame is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Hello,
    Probe,
    Probed,
    Load,
    Loaded,
    LoadFailed,
    OpenSession,
    SessionOpened,
    Slot,
    Run,
    Done,
    NeedOutput,
    OutputRefused,
    RunFailed,
}

/// Every kind, in the order of its number, which starts at 1, with the name it has in messages.
const KINDS: &[(Kind, &str)] = &[
    (Kind::Hello, "hello"),
    (Kind::Probe, "probe"),
    (Kind::Probed, "probed"),
    (Kind::Load, "load"),
    (Kind::Loaded, "loaded"),
    (Kind::LoadFailed, "load failed"),
    (Kind::OpenSession, "open session"),
    (Kind::SessionOpened, "session opened"),
    (Kind::Slot, "slot"),
    (Kind::Run, "run"),
    (Kind::Done, "done"),
    (Kind::NeedOutput, "need output"),
    (Kind::OutputRefused, "output refused"),
    (Kind::RunFailed, "run failed"),
];

impl Kind {
    /// Whether frames of this kind come with a file descriptor. None may come with another kind.
    pub(crate) const fn carries_file(self) -> bool {
        matches!(self, Self::OpenSession | Self::Slot)
    }

    /// The name it has in messages.
    pub(crate) fn name(self) -> &'static str {
        KINDS
            .get(self as usize)
            .map_or("unknown", |&(_, name)| name)
    }

    const fn code(self) -> u16 {
        self as u16 + 1
    }

    fn of_code(code: u16) -> Option<Self> {
        let position = usize::from(code).checked_sub(1)?;
        KINDS.get(position).map(|&(kind, _)| kind)
    }
}

/// Why bytes are not a frame, or not the frame that was due.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// It does not begin like a frame.
    #[error("it sent something that is not a frame of this protocol")]
    NotAFrame,
    /// It is of a protocol that this program does not speak.
    #[error("it speaks version {theirs} of the worker protocol and this program version {ours}")]
    Version {
        /// The version this program speaks.
        ours: u16,
        /// The version in the frame.
        theirs: u16,
    },
    /// The number of its kind means nothing.
    #[error("it sent a frame of unknown kind {code}")]
    UnknownKind {
        /// The number.
        code: u16,
    },
    /// Its header tells another length than the packet has.
    #[error("it sent a frame that says it has {stated} bytes and has {found}")]
    Length {
        /// The length in its header.
        stated: u64,
        /// The length it has.
        found: usize,
    },
    /// It is longer than a frame may be.
    #[error("a frame may not be longer than {MAX_FRAME} bytes")]
    TooLong,
    /// Its body ends too early.
    #[error("it sent a `{kind}` frame that ends too early")]
    Cut {
        /// Its kind.
        kind: &'static str,
    },
    /// Its body goes on after its end.
    #[error("it sent a `{kind}` frame with {extra} bytes too many")]
    LeftOver {
        /// Its kind.
        kind: &'static str,
        /// How many bytes follow the end.
        extra: usize,
    },
    /// Something in its body cannot be.
    #[error("it sent a `{kind}` frame with an invalid {what}: {found}")]
    Invalid {
        /// Its kind.
        kind: &'static str,
        /// Which part.
        what: &'static str,
        /// What stands there.
        found: String,
    },
    /// Another kind was due.
    #[error("it sent a `{found}` frame where {expected} was due")]
    Unexpected {
        /// What was due.
        expected: &'static str,
        /// The kind that came.
        found: &'static str,
    },
    /// A file descriptor is missing, or one came that nobody asked for.
    #[error("it sent a `{kind}` frame with {found} file descriptors")]
    Files {
        /// Its kind.
        kind: &'static str,
        /// How many came.
        found: usize,
    },
}

impl FrameError {
    /// For a frame of a kind that was not due.
    pub(crate) fn unexpected(expected: &'static str, found: Kind) -> Self {
        let found = found.name();
        Self::Unexpected { expected, found }
    }
}

/// A frame in the making. Its memory is used again for the next one.
#[derive(Debug, Default)]
pub(crate) struct FrameWriter {
    bytes: Vec<u8>,
}

impl FrameWriter {
    /// Forgets the last frame and begins one of this kind.
    pub(crate) fn begin(&mut self, kind: Kind) -> &mut Self {
        self.bytes.clear();
        self.bytes.extend_from_slice(&MAGIC);
        self.u16(VERSION).u16(kind.code()).u32(0)
    }

    pub(crate) fn u8(&mut self, value: u8) -> &mut Self {
        self.raw(&[value])
    }

    pub(crate) fn u16(&mut self, value: u16) -> &mut Self {
        self.raw(&value.to_le_bytes())
    }

    pub(crate) fn u32(&mut self, value: u32) -> &mut Self {
        self.raw(&value.to_le_bytes())
    }

    /// A size or an extent. No machine this is built for has more than 64 bits of them.
    pub(crate) fn size(&mut self, value: usize) -> &mut Self {
        self.raw(&(value as u64).to_le_bytes())
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    /// Overwrites a number written earlier, `offset` bytes into the body.
    pub(crate) fn patch_u32(&mut self, offset: usize, value: u32) {
        let start = HEADER.saturating_add(offset);
        if let Some(place) = self.bytes.get_mut(start..start.saturating_add(4)) {
            place.copy_from_slice(&value.to_le_bytes());
        }
    }

    /// The whole frame, now that its length is known.
    pub(crate) fn finish(&mut self) -> Result<&[u8], FrameError> {
        let body = self.bytes.len().saturating_sub(HEADER);
        let length = u32::try_from(body).map_err(|_| FrameError::TooLong)?;
        if self.bytes.len() > MAX_FRAME {
            return Err(FrameError::TooLong);
        }
        if let Some(place) = self.bytes.get_mut(HEADER - 4..HEADER) {
            place.copy_from_slice(&length.to_le_bytes());
        }
        Ok(&self.bytes)
    }
}

/// A received frame: its kind, and its body to read.
#[derive(Clone, Debug)]
pub(crate) struct Frame<'packet> {
    pub(crate) kind: Kind,
    rest: &'packet [u8],
}

impl<'packet> Frame<'packet> {
    /// Checks everything about a packet but its body.
    pub(crate) fn parse(packet: &'packet [u8]) -> Result<Self, FrameError> {
        let Some((header, body)) = packet.split_first_chunk::<HEADER>() else {
            return Err(FrameError::NotAFrame);
        };
        let [m0, m1, m2, m3, v0, v1, k0, k1, l0, l1, l2, l3] = *header;
        if [m0, m1, m2, m3] != MAGIC {
            return Err(FrameError::NotAFrame);
        }
        // Before all else: a frame of another version may differ in everything that follows.
        let theirs = u16::from_le_bytes([v0, v1]);
        if theirs != VERSION {
            let ours = VERSION;
            return Err(FrameError::Version { ours, theirs });
        }
        let stated = u64::from(u32::from_le_bytes([l0, l1, l2, l3]));
        if u64::try_from(body.len()) != Ok(stated) {
            return Err(FrameError::Length {
                stated: stated.saturating_add(HEADER as u64),
                found: packet.len(),
            });
        }
        let code = u16::from_le_bytes([k0, k1]);
        let kind = Kind::of_code(code).ok_or(FrameError::UnknownKind { code })?;
        Ok(Self { kind, rest: body })
    }

    pub(crate) fn u8(&mut self) -> Result<u8, FrameError> {
        let [byte] = self.chunk()?;
        Ok(byte)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, FrameError> {
        self.chunk().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, FrameError> {
        self.chunk().map(u32::from_le_bytes)
    }

    /// A size or an extent, refused when this machine cannot represent it.
    pub(crate) fn size(&mut self, what: &'static str) -> Result<usize, FrameError> {
        let value = self.chunk().map(u64::from_le_bytes)?;
        usize::try_from(value).map_err(|_| self.invalid(what, value))
    }

    /// All of the body that was not read yet.
    pub(crate) fn remainder(&mut self) -> &'packet [u8] {
        std::mem::take(&mut self.rest)
    }

    /// Refuses a body that goes on.
    pub(crate) fn end(&self) -> Result<(), FrameError> {
        match self.rest.len() {
            0 => Ok(()),
            extra => Err(FrameError::LeftOver {
                kind: self.kind.name(),
                extra,
            }),
        }
    }

    /// For something in the body that cannot be.
    pub(crate) fn invalid(&self, what: &'static str, found: impl std::fmt::Display) -> FrameError {
        FrameError::Invalid {
            kind: self.kind.name(),
            what,
            found: found.to_string(),
        }
    }

    fn chunk<const N: usize>(&mut self) -> Result<[u8; N], FrameError> {
        let kind = self.kind.name();
        let (chunk, rest) = self
            .rest
            .split_first_chunk::<N>()
            .ok_or(FrameError::Cut { kind })?;
        self.rest = rest;
        Ok(*chunk)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame(kind: Kind, body: &[u8]) -> Vec<u8> {
        let mut writer = FrameWriter::default();
        writer.begin(kind).raw(body);
        writer.finish().unwrap().to_vec()
    }

    #[test]
    fn every_kind_has_the_number_of_its_place_in_the_list() {
        for (position, &(kind, name)) in KINDS.iter().enumerate() {
            assert_eq!(kind as usize, position);
            assert_eq!(Kind::of_code(kind.code()), Some(kind));
            assert_eq!(kind.name(), name);
        }
        assert_eq!(Kind::of_code(0), None);
        assert_eq!(Kind::of_code(15), None);
    }

    #[test]
    fn the_bytes_of_a_frame_are_those_of_the_documentation() {
        let expected = [
            b'N', b'A', b'V', b'W', 1, 0, 12, 0, 8, 0, 0, 0, 0x34, 0x12, 0, 0, 0, 0, 0, 0,
        ];
        assert_eq!(frame(Kind::NeedOutput, &0x1234_u64.to_le_bytes()), expected);
    }

    #[test]
    fn a_frame_of_another_version_is_refused_with_both_versions_named() {
        let mut packet = frame(Kind::Hello, &[]);
        packet[4] = 9;
        let error = Frame::parse(&packet).unwrap_err().to_string();
        assert_eq!(
            error,
            "it speaks version 9 of the worker protocol and this program version 1"
        );
    }

    #[test]
    fn each_fault_of_a_header_is_named() {
        let check = |position: usize, value: u8, expected: FrameError| {
            let mut packet = frame(Kind::Slot, &[7; 16]);
            packet[position] = value;
            assert_eq!(Frame::parse(&packet).unwrap_err(), expected);
        };
        check(0, b'n', FrameError::NotAFrame);
        check(6, 99, FrameError::UnknownKind { code: 99 });
        let (stated, found) = (29, 28);
        check(8, 17, FrameError::Length { stated, found });
    }

    #[test]
    fn a_frame_that_no_packet_can_carry_is_not_made() {
        let mut writer = FrameWriter::default();
        writer.begin(Kind::Load).raw(&vec![0; MAX_FRAME]);
        assert_eq!(writer.finish(), Err(FrameError::TooLong));
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(body in prop::collection::vec(any::<u8>(), 0..99)) {
            let packet = frame(Kind::Done, &body);
            let mut parsed = Frame::parse(&packet).unwrap();
            prop_assert_eq!(parsed.kind, Kind::Done);
            prop_assert_eq!(parsed.remainder(), &body[..]);
            prop_assert_eq!(parsed.end(), Ok(()));
        }

        #[test]
        fn a_frame_cut_anywhere_is_refused(body in prop::collection::vec(any::<u8>(), 0..99)) {
            let packet = frame(Kind::Run, &body);
            for end in 0..packet.len() {
                prop_assert!(Frame::parse(&packet[..end]).is_err());
            }
        }

        #[test]
        fn no_packet_makes_parsing_panic(packet in prop::collection::vec(any::<u8>(), 0..64)) {
            prop_assert!(Frame::parse(&packet).is_err() || packet.starts_with(&MAGIC));
        }
    }
}
