//! What is counted, in the order in which the file has it. Tests that read that file are compiled with this.

/// What is counted.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Counter {
    /// Uses of primary contexts.
    Contexts,
    /// Allocations of device memory.
    DeviceBuffers,
    /// Bytes of device memory.
    DeviceBytes,
    /// Allocations of pinned memory.
    HostBuffers,
    /// Streams.
    Streams,
    /// Recordings, and what was made ready of them.
    Graphs,
    /// Launches of graphs, ever.
    Launches,
    /// Accesses to memory that was not there, ever.
    Faults,
    /// Calls in a wrong state (without a context, while a stream is captured), ever.
    Misuses,
    /// Objects of a library that computes with this driver.
    Objects,
    /// Runs that such a library did, ever.
    Runs,
    /// Builds that found what they needed in a timing cache, ever.
    TimingHits,
}

/// How many there are.
pub(crate) const COUNT: usize = Counter::TimingHits as usize + 1;
