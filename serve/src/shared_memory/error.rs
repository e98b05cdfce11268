//! Why memory is not shared as a client wants it, in the words that clients know.

use rustix::io::Errno;

/// Why a region cannot be registered or used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RegionError {
    /// The operator did not let it.
    #[error("client shared memory is not offered by this server")]
    Off,
    /// The region has no name.
    #[error("'region name' is necessary to register {kind} shared memory region")]
    Unnamed {
        /// Which kind of memory.
        kind: &'static str,
    },
    /// The name is longer than any that is needed.
    #[error("the name of a shared memory region has at most {limit} bytes")]
    LongName {
        /// The limit.
        limit: usize,
    },
    /// There is a region of this name.
    #[error("shared memory region '{name}' already in manager")]
    Exists {
        /// The name.
        name: Box<str>,
    },
    /// There are as many as may be.
    #[error("{limit} shared memory regions are registered, which is the limit")]
    TooMany {
        /// The limit.
        limit: usize,
    },
    /// The operator's list has no such keys.
    #[error("shared memory key '{key}' is not among those that this server opens")]
    Key {
        /// The key.
        key: Box<str>,
    },
    /// The object is that of somebody whom the operator did not name.
    #[error("shared memory key '{key}' belongs to a user whose memory this server does not open")]
    Owner {
        /// The key.
        key: Box<str>,
    },
    /// There is no such object, or it is none.
    #[error("Unable to open shared memory region: '{key}'")]
    Open {
        /// The key.
        key: Box<str>,
    },
    /// The region begins within a page.
    #[error("Invalid shared memory region: '{key}'")]
    Alignment {
        /// The key.
        key: Box<str>,
    },
    /// The object is smaller than the region, or the region is empty.
    #[error("failed to register shared memory region '{name}': invalid args")]
    Extent {
        /// The name.
        name: Box<str>,
    },
    /// No region of a kind has this name.
    #[error("Unable to find {kind} shared memory region: '{name}'")]
    UnknownOf {
        /// Which kind of memory.
        kind: &'static str,
        /// The name.
        name: Box<str>,
    },
    /// No region has this name.
    #[error("Unable to find shared memory region: '{name}'")]
    Unknown {
        /// The name.
        name: Box<str>,
    },
    /// A tensor begins outside of its region.
    #[error("Invalid offset for shared memory region: '{name}'")]
    Offset {
        /// The name.
        name: Box<str>,
    },
    /// A tensor ends outside of its region.
    #[error("Invalid offset + byte size for shared memory region: '{name}'")]
    End {
        /// The name.
        name: Box<str>,
    },
    /// An output is larger than the place that it was given.
    #[error(
        "shared memory size specified with the request for output '{output}' ({given} bytes) should be at least {needed} bytes to hold the results"
    )]
    Room {
        /// The output.
        output: Box<str>,
        /// How many bytes there are.
        given: usize,
        /// How many it has.
        needed: usize,
    },
    /// The client made the object smaller than its region.
    #[error("the object of shared memory region '{name}' is smaller than when it was registered")]
    Shrunk {
        /// The name.
        name: Box<str>,
    },
    /// The system does not let it be read or written.
    #[error("cannot {step} shared memory region '{name}': {errno}")]
    System {
        /// What was being done.
        step: &'static str,
        /// The name.
        name: Box<str>,
        /// Why not.
        errno: Errno,
    },
    /// The inputs in regions are larger than all that may be held.
    #[error("the inputs in shared memory have {bytes} bytes, and {limit} are the limit")]
    TooLarge {
        /// How many they have.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// The requests on their way hold as much as they may.
    #[error("requests on their way hold as much memory as they may")]
    Overloaded,
    /// What is asked of CUDA is wrong.
    #[error("{what}")]
    Cuda {
        /// What is wrong.
        what: &'static str,
    },
    /// All is right, but for this server.
    #[error(
        "failed to register CUDA shared memory region '{name}': this build of the server does not map the memory of CUDA device {device}"
    )]
    NoCuda {
        /// The name.
        name: Box<str>,
        /// The device.
        device: i64,
    },
}
