//! Device memory: addresses that the host cannot touch, and the bytes behind them, which only this library finds.
//!
//! One file without a name is mapped once; beside it as many addresses are reserved without access. Addresses are never given twice, so
//! that whoever uses memory after it was freed is found out.

use std::collections::BTreeMap;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use crate::code::{Code, ILLEGAL_ADDRESS, INVALID_VALUE, OUT_OF_MEMORY};
use crate::counters::{Counter, count};
use crate::facts::facts;

/// How many addresses there are.
const REACH: usize = 1 << 40;
/// What every allocation starts at a multiple of, as the true driver's do.
const ALIGNMENT: usize = 512;
/// What fresh memory is full of, at least at its start: it is undefined, so nobody may count on zeros.
const POISON: u8 = 0xa5;
const MOST_POISONED: usize = 1 << 20;

/// All device memory of this process.
pub(crate) struct Memory {
    bytes: OwnedFd,
    /// Where the bytes are.
    behind: usize,
    /// The first address of the device.
    first: usize,
    live: Mutex<Live>,
}

#[derive(Default)]
struct Live {
    /// Address to size.
    all: BTreeMap<usize, usize>,
    taken: usize,
    next: usize,
}

/// The memory, made when it is first needed.
pub(crate) fn memory() -> Result<&'static Memory, Code> {
    static MEMORY: OnceLock<Option<Memory>> = OnceLock::new();
    let memory = MEMORY.get_or_init(Memory::reserve);
    memory.as_ref().ok_or(OUT_OF_MEMORY)
}

fn map(access: i32, kind: i32, file: i32) -> Option<usize> {
    // SAFETY: a new mapping at a place that the system chooses.
    let start = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            REACH,
            access,
            kind | libc::MAP_NORESERVE,
            file,
            0,
        )
    };
    (start != libc::MAP_FAILED).then(|| start.expose_provenance())
}

impl Memory {
    fn reserve() -> Option<Self> {
        // SAFETY: the name has its end.
        let file = unsafe { libc::memfd_create(c"device memory".as_ptr(), libc::MFD_CLOEXEC) };
        if file < 0 {
            return None;
        }
        // SAFETY: it was opened above, and nobody else has it.
        let bytes = unsafe { OwnedFd::from_raw_fd(file) };
        // SAFETY: the file is open.
        let is_long = unsafe { libc::ftruncate(file, libc::off_t::try_from(REACH).ok()?) };
        if is_long != 0 {
            return None;
        }
        let access = libc::PROT_READ | libc::PROT_WRITE;
        let behind = map(access, libc::MAP_SHARED, file)?;
        let first = map(libc::PROT_NONE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1)?;
        Some(Self {
            bytes,
            behind,
            first,
            live: Mutex::default(),
        })
    }

    fn live(&self) -> MutexGuard<'_, Live> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// So many bytes.
    pub(crate) fn allocate(&self, bytes: usize) -> Result<u64, Code> {
        if bytes == 0 {
            return Err(INVALID_VALUE);
        }
        let mut live = self.live();
        let facts = facts();
        let limit = facts.memory_bytes.min(facts.refuse_beyond);
        let taken = live.taken.checked_add(bytes);
        let taken = taken.filter(|&taken| taken <= limit);
        let (taken, start) = (taken.ok_or(OUT_OF_MEMORY)?, live.next);
        // A gap behind each, so that the first byte past its end is nobody's.
        let next = (start + bytes).next_multiple_of(ALIGNMENT) + ALIGNMENT;
        if next > REACH {
            return Err(OUT_OF_MEMORY);
        }
        (live.taken, live.next) = (taken, next);
        live.all.insert(self.first + start, bytes);
        let place = std::ptr::with_exposed_provenance_mut::<u8>(self.behind + start);
        // SAFETY: the bytes behind the allocation, which nobody knows of yet.
        unsafe { place.write_bytes(POISON, bytes.min(MOST_POISONED)) };
        count(Counter::DeviceBuffers, 1);
        count(Counter::DeviceBytes, i64::try_from(bytes).unwrap_or(0));
        Ok((self.first + start) as u64)
    }

    /// Gives an allocation back, by its first address.
    pub(crate) fn free(&self, address: u64) -> Result<(), Code> {
        let address = usize::try_from(address).map_err(|_| INVALID_VALUE)?;
        let mut live = self.live();
        let bytes = live.all.remove(&address).ok_or(INVALID_VALUE)?;
        live.taken -= bytes;
        let start = libc::off_t::try_from(address - self.first).unwrap_or(0);
        let length = libc::off_t::try_from(bytes).unwrap_or(0);
        let hole = libc::FALLOC_FL_PUNCH_HOLE | libc::FALLOC_FL_KEEP_SIZE;
        // SAFETY: the file is open; what is punched is of this allocation alone.
        unsafe { libc::fallocate(self.bytes.as_raw_fd(), hole, start, length) };
        count(Counter::DeviceBuffers, -1);
        count(Counter::DeviceBytes, -i64::try_from(bytes).unwrap_or(0));
        Ok(())
    }

    /// Where the bytes of a range are that lies within one allocation.
    pub(crate) fn reach(&self, address: u64, bytes: usize) -> Result<*mut u8, Code> {
        let address = usize::try_from(address).map_err(|_| ILLEGAL_ADDRESS)?;
        let live = self.live();
        let below = live.all.range(..=address).next_back();
        let is_within = below.is_some_and(|(&start, &size)| {
            let end = (address - start).checked_add(bytes);
            end.is_some_and(|end| end <= size)
        });
        if !is_within {
            return Err(ILLEGAL_ADDRESS);
        }
        let offset = address - self.first;
        Ok(std::ptr::with_exposed_provenance_mut(self.behind + offset))
    }

    /// Free and all of it.
    pub(crate) fn info(&self) -> (usize, usize) {
        let total = facts().memory_bytes;
        (total.saturating_sub(self.live().taken), total)
    }
}
