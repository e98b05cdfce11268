//! Memory shared with one other process: an anonymous file that neither side can shrink, mapped by both.
//!
//! Knows nothing of tensors, of the protocol, nor of who is at the other end.
//!
//! The one danger of mapped files is a fault (SIGBUS) on a page that is no longer there. Three things
//! rule it out: the file is sealed against shrinking and growing before anybody maps it, its size is
//! compared with the expected one after the seals are seen to be there, and its pages are reserved when
//! it is created, so a host that grants no more memory gives an error here and not a signal later.
//! Reserving takes the pages at once, so whoever asks bounds what he asks for.
//!
//! What the other process writes, and when, cannot be ruled out by any check. A peer that keeps to its
//! protocol writes only while this side does not look. One that does not can change the values of bytes
//! under our eyes, so nothing that is used as a length, an index or a pointer may be read from here.

use std::os::fd::OwnedFd;
use std::ptr::NonNull;

use rustix::fs::{FallocateFlags, MemfdFlags, SealFlags};
use rustix::io::Errno;
use rustix::mm::{MapFlags, ProtFlags};

/// The seals that keep the file's size: no shrinking, no growing, and no taking the seals off.
const SIZE_SEALS: SealFlags = SealFlags::SHRINK
    .union(SealFlags::GROW)
    .union(SealFlags::SEAL);

/// Memory that this process and one other have mapped, readable and writable by both.
#[derive(Debug)]
pub struct SharedMemory {
    address: NonNull<u8>,
    length: usize,
}

/// Why there is no shared memory.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SharedMemoryError {
    /// A length of zero, or one beyond the address space.
    #[error("shared memory cannot have {length} bytes")]
    Length {
        /// The length as asked for.
        length: usize,
    },
    /// More than the host has. Reserving it would have the kernel end processes to make room.
    #[error("{length} bytes of shared memory are more than the {total} bytes that this host has")]
    HostMemory {
        /// The length as asked for.
        length: usize,
        /// All memory of the host.
        total: u64,
    },
    /// The kernel refused a step of making it.
    #[error("cannot {step} {length} bytes of shared memory: {errno}")]
    Kernel {
        /// What was being done.
        step: &'static str,
        /// With how much memory.
        length: usize,
        /// Why not.
        errno: Errno,
    },
    /// A received file could be shrunk by its owner, which would make reading it fatal.
    #[error("received memory is not sealed against a change of its size")]
    NotSealed,
    /// A received file is not as large as its owner said.
    #[error("received memory has {found} bytes, expected {expected}")]
    Size {
        /// What the owner said.
        expected: usize,
        /// What it has.
        found: u64,
    },
}

impl SharedMemory {
    /// New memory full of zeros, and the file to hand to the other process. The file need not be kept.
    pub fn create(length: usize) -> Result<(Self, OwnedFd), SharedMemoryError> {
        let size = checked_size(length)?;
        let host = rustix::system::sysinfo();
        check_against_host(
            length,
            u64::from(host.mem_unit).saturating_mul(host.totalram),
        )?;
        let failed = |step| move |errno| kernel(step, length, errno);
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        let file = rustix::fs::memfd_create("nav-shared-memory", flags)
            .map_err(failed("create a file for"))?;
        rustix::fs::ftruncate(&file, size).map_err(failed("size a file to"))?;
        rustix::io::retry_on_intr(|| {
            rustix::fs::fallocate(&file, FallocateFlags::empty(), 0, size)
        })
        .map_err(failed("reserve"))?;
        rustix::fs::fcntl_add_seals(&file, SIZE_SEALS).map_err(failed("seal"))?;
        Ok((Self::map(&file, length)?, file))
    }

    /// The memory behind a file that another process made, which must have exactly this length.
    pub fn from_fd(file: OwnedFd, length: usize) -> Result<Self, SharedMemoryError> {
        let size = checked_size(length)?;
        // The seals come first: the size of a file without them may change after it was looked at.
        // Files of other kinds do not know of seals and fail here.
        match rustix::fs::fcntl_get_seals(&file) {
            Ok(seals) if seals.contains(SealFlags::SHRINK | SealFlags::GROW) => {}
            Ok(_) | Err(_) => return Err(SharedMemoryError::NotSealed),
        }
        let found = rustix::fs::fstat(&file)
            .map_err(|errno| kernel("measure", length, errno))?
            .st_size;
        let found = u64::try_from(found).unwrap_or_default();
        if found != size {
            return Err(SharedMemoryError::Size {
                expected: length,
                found,
            });
        }
        let memory = Self::map(&file, length);
        drop(file);
        memory
    }

    /// How many bytes it has.
    pub const fn len(&self) -> usize {
        self.length
    }

    /// Whether it has none, which never is the case.
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Its bytes.
    pub const fn as_slice(&self) -> &[u8] {
        // SAFETY: address and length are those of a mapping that lives as long as `self`, is readable
        // and whose pages cannot vanish. Any value is a valid byte.
        unsafe { std::slice::from_raw_parts(self.address.as_ptr(), self.length) }
    }

    /// Its bytes, to write.
    pub const fn as_mut_slice(&mut self) -> &mut [u8] {
        // SAFETY: as in `as_slice`, the mapping is writable too, and `self` is borrowed exclusively, so
        // this process has no other reference to these bytes.
        unsafe { std::slice::from_raw_parts_mut(self.address.as_ptr(), self.length) }
    }

    fn map(file: &OwnedFd, length: usize) -> Result<Self, SharedMemoryError> {
        let protection = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: the kernel picks the address, so no mapping that exists is replaced.
        let address = unsafe {
            rustix::mm::mmap(
                std::ptr::null_mut(),
                length,
                protection,
                MapFlags::SHARED,
                file,
                0,
            )
        }
        .map_err(|errno| kernel("map", length, errno))?;
        match NonNull::new(address.cast::<u8>()) {
            Some(address) => Ok(Self { address, length }),
            None => Err(kernel("map", length, Errno::FAULT)),
        }
    }
}

impl Drop for SharedMemory {
    fn drop(&mut self) {
        // SAFETY: this is the mapping that `map` made, and no reference to it outlives `self`.
        let unmapped = unsafe { rustix::mm::munmap(self.address.as_ptr().cast(), self.length) };
        debug_assert_eq!(unmapped, Ok(()), "the mapping was ours to unmap");
    }
}

// SAFETY: the mapping belongs to the process, not to a thread, and `self` owns it alone.
unsafe impl Send for SharedMemory {}

// SAFETY: through a shared reference it can only be read.
unsafe impl Sync for SharedMemory {}

const fn kernel(step: &'static str, length: usize, errno: Errno) -> SharedMemoryError {
    SharedMemoryError::Kernel {
        step,
        length,
        errno,
    }
}

/// The length as a file size, if a slice of that length may exist at all.
fn checked_size(length: usize) -> Result<u64, SharedMemoryError> {
    let fits = length > 0 && isize::try_from(length).is_ok();
    match u64::try_from(length) {
        Ok(size) if fits => Ok(size),
        _ => Err(SharedMemoryError::Length { length }),
    }
}

/// Refuses what the host cannot have, before the kernel tries to find room for it.
fn check_against_host(length: usize, total: u64) -> Result<(), SharedMemoryError> {
    match u64::try_from(length) {
        Ok(size) if size <= total => Ok(()),
        _ => Err(SharedMemoryError::HostMemory { length, total }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory_file(length: u64, seals: SealFlags) -> OwnedFd {
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        let file = rustix::fs::memfd_create("test", flags).unwrap();
        rustix::fs::ftruncate(&file, length).unwrap();
        rustix::fs::fcntl_add_seals(&file, seals).unwrap();
        file
    }

    #[test]
    fn what_one_side_writes_the_other_reads() {
        let (mut ours, file) = SharedMemory::create(10_000).unwrap();
        let mut theirs = SharedMemory::from_fd(file, 10_000).unwrap();
        ours.as_mut_slice()[9_999] = 7;
        theirs.as_mut_slice()[0] = 3;
        assert_eq!(theirs.as_slice()[9_999], 7);
        assert_eq!(ours.as_slice()[..2], [3, 0]);
        assert_eq!((ours.len(), ours.is_empty()), (10_000, false));
    }

    #[test]
    fn nobody_can_change_the_size_of_memory_we_made() {
        let (_ours, file) = SharedMemory::create(4096).unwrap();
        assert_eq!(rustix::fs::ftruncate(&file, 0), Err(Errno::PERM));
        assert_eq!(rustix::fs::ftruncate(&file, 8192), Err(Errno::PERM));
        let unseal = rustix::fs::fcntl_add_seals(&file, SealFlags::WRITE);
        assert_eq!(unseal, Err(Errno::PERM));
    }

    #[test]
    fn a_file_that_could_shrink_is_refused() {
        for seals in [SealFlags::empty(), SealFlags::SHRINK, SealFlags::GROW] {
            let refused = SharedMemory::from_fd(memory_file(4096, seals), 4096).unwrap_err();
            assert_eq!(refused, SharedMemoryError::NotSealed);
        }
        let ordinary = OwnedFd::from(std::fs::File::open("/dev/null").unwrap());
        let refused = SharedMemory::from_fd(ordinary, 4096).unwrap_err();
        assert_eq!(refused, SharedMemoryError::NotSealed);
    }

    #[test]
    fn a_file_of_another_size_is_refused() {
        let refused = SharedMemory::from_fd(memory_file(4096, SIZE_SEALS), 4097).unwrap_err();
        let expected = SharedMemoryError::Size {
            expected: 4097,
            found: 4096,
        };
        assert_eq!(refused, expected);
    }

    #[test]
    fn lengths_that_no_slice_can_have_are_refused() {
        for length in [0, usize::MAX, isize::MAX as usize + 1] {
            let refused = SharedMemory::create(length).unwrap_err();
            assert_eq!(refused, SharedMemoryError::Length { length });
        }
    }

    // Not tried on the kernel: it would take every page of the host first.
    #[test]
    fn more_memory_than_the_host_has_is_an_error() {
        assert_eq!(check_against_host(4096, 4096), Ok(()));
        let expected = SharedMemoryError::HostMemory {
            length: 4097,
            total: 4096,
        };
        assert_eq!(check_against_host(4097, 4096), Err(expected));
    }
}
