//! What lives and what was done, as numbers that a test in another process can read while this one lives and after it was killed: the file
//! `counters` beside the library, if there is one, holds them as 64-bit numbers in the order of [`Counter`].

use std::fs::OpenOptions;
use std::os::fd::AsRawFd;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::counter::COUNT;
pub(crate) use crate::counter::Counter;
use crate::place;

static OWN: [AtomicI64; COUNT] = [const { AtomicI64::new(0) }; COUNT];

fn shared() -> Option<&'static [AtomicI64; COUNT]> {
    let path = place::folder()?.join("counters");
    let file = OpenOptions::new().read(true).write(true).open(path).ok()?;
    let bytes = size_of::<[AtomicI64; COUNT]>();
    if file.metadata().ok()?.len() < bytes as u64 {
        return None;
    }
    let access = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: a new mapping, of a file that is large enough.
    let start = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            bytes,
            access,
            libc::MAP_SHARED,
            file.as_raw_fd(),
            0,
        )
    };
    if start == libc::MAP_FAILED {
        return None;
    }
    // SAFETY: so many zeros or numbers lie there, aligned to a page, as long as the process lives.
    Some(unsafe { &*start.cast::<[AtomicI64; COUNT]>() })
}

/// Changes a number.
pub(crate) fn count(counter: Counter, by: i64) {
    static ALL: OnceLock<&'static [AtomicI64; COUNT]> = OnceLock::new();
    let all = ALL.get_or_init(|| shared().unwrap_or(&OWN));
    if let Some(number) = all.get(counter as usize) {
        number.fetch_add(by, Ordering::Relaxed);
    }
}

/// Changes the number at this position, for libraries that compute with this driver.
pub(crate) fn count_for_library(which: i32, by: i64) {
    let all = [
        Counter::Misuses,
        Counter::Objects,
        Counter::Runs,
        Counter::TimingHits,
    ];
    let found = all
        .into_iter()
        .find(|counter| *counter as i64 == i64::from(which));
    if let Some(counter) = found {
        count(counter, by);
    }
}
