//! What may become of a request other than an answer.

use std::fmt;

/// The kind of a failure. Failures of one kind are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Failure {
    /// An answer of HTTP with this status.
    Status(u16),
    /// An answer of gRPC with this code.
    Code(u32),
    /// An answer on a stream of gRPC that says that the request failed.
    Streamed,
    /// Nobody listens there.
    Refused,
    /// No connection could be made, for another reason.
    Unreachable,
    /// The connection ended before the answer.
    Closed,
    /// There was no answer in time.
    TimedOut,
    /// What came was no answer of the protocol, or lacked what was asked for.
    Broken,
    /// The engine in this process did not answer it, for this kind of reason.
    Engine(&'static str),
}

/// A failure with what is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// Its kind.
    pub kind: Failure,
    /// What the server said, or what was wrong.
    pub why: String,
    /// Whether the answer says when to come back.
    pub says_when: bool,
}

impl Failed {
    /// A failure for this reason.
    pub(crate) fn new(kind: Failure, why: impl Into<String>) -> Self {
        Self {
            kind,
            why: shortened(why.into()),
            says_when: false,
        }
    }

    /// An answer that is none.
    pub(crate) fn broken(why: impl Into<String>) -> Self {
        Self::new(Failure::Broken, why)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "status {status}"),
            Self::Code(code) => match code_name(*code) {
                Some(name) => f.write_str(name),
                None => write!(f, "code {code}"),
            },
            Self::Streamed => f.write_str("error on the stream"),
            Self::Refused => f.write_str("refused"),
            Self::Unreachable => f.write_str("unreachable"),
            Self::Closed => f.write_str("closed"),
            Self::TimedOut => f.write_str("timed out"),
            Self::Broken => f.write_str("broken answer"),
            Self::Engine(kind) => f.write_str(kind),
        }
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.why.is_empty() {
            write!(f, "{}", self.kind)
        } else {
            write!(f, "{}: {}", self.kind, self.why)
        }
    }
}

/// What a code of gRPC is called.
fn code_name(code: u32) -> Option<&'static str> {
    const NAMES: [&str; 17] = [
        "OK",
        "CANCELLED",
        "UNKNOWN",
        "INVALID_ARGUMENT",
        "DEADLINE_EXCEEDED",
        "NOT_FOUND",
        "ALREADY_EXISTS",
        "PERMISSION_DENIED",
        "RESOURCE_EXHAUSTED",
        "FAILED_PRECONDITION",
        "ABORTED",
        "OUT_OF_RANGE",
        "UNIMPLEMENTED",
        "INTERNAL",
        "UNAVAILABLE",
        "DATA_LOSS",
        "UNAUTHENTICATED",
    ];
    NAMES.get(usize::try_from(code).ok()?).copied()
}

/// As much of a text as is worth keeping, without what would move a terminal's cursor.
fn shortened(text: String) -> String {
    const MOST: usize = 300;
    if text.len() <= MOST && !text.contains(char::is_control) {
        return text;
    }
    let visible = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    visible.take(MOST).collect()
}
