//! What of clients' memory the server opens.

/// Which shared memory of clients the server opens, once the operator lets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedMemoryOptions {
    /// How keys begin that clients may register, without the leading slash; every plain name where there are none.
    pub prefixes: Vec<String>,
    /// The users whose objects are opened beside those of the server's own user.
    ///
    /// Nobody else's are, whatever their mode: a server that runs as root, or that shares a group, could open objects
    /// that the client itself could not, and would read and write them for whoever may ask.
    pub owners: Vec<u32>,
    /// The most regions at a time. Each keeps a file open.
    pub regions: usize,
}

impl Default for SharedMemoryOptions {
    fn default() -> Self {
        Self {
            prefixes: Vec::new(),
            owners: Vec::new(),
            regions: 1024,
        }
    }
}
