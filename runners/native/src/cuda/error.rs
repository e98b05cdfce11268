//! What can be wrong with a driver, or with what it was asked for.

use std::path::PathBuf;

/// Why CUDA cannot be used, or what it refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CudaError {
    /// A normal answer: this host has no NVIDIA driver.
    #[error("no NVIDIA driver is installed (there is no libcuda.so.1)")]
    NoDriver,
    /// The user named a driver that is none.
    #[error("NAV_CUDA_DRIVER names {library}, which {reason}", library = .library.display())]
    Misnamed {
        /// What was named.
        library: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The driver's library is there and cannot be used.
    #[error("the NVIDIA driver cannot be used ({library}): {reason}", library = .library.display())]
    Unusable {
        /// The library.
        library: PathBuf,
        /// What the loader says, or what it lacks.
        reason: String,
    },
    /// The driver refused a call.
    #[error("{call}: {reason} ({name})")]
    Refused {
        /// The function of the driver.
        call: &'static str,
        /// Its name for the error.
        name: String,
        /// Its words for it.
        reason: String,
    },
    /// There is no GPU of this number.
    #[error("there is no GPU {number}, of {count}")]
    NoDevice {
        /// The number that was asked for.
        number: u32,
        /// How many there are.
        count: u32,
    },
    /// More bytes than a buffer has.
    #[error("{wanted} bytes of a buffer of {capacity}")]
    TooLarge {
        /// How many were asked for.
        wanted: usize,
        /// How many there are.
        capacity: usize,
    },
}
