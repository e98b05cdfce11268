//! Shared memory objects for tests.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A shared memory object of this test.
pub(crate) struct Object {
    pub(crate) key: String,
    pub(crate) file: File,
}

impl Object {
    /// An object that begins with these numbers.
    pub(crate) fn new(size: u64, values: &[f32]) -> Self {
        let key = unused_key();
        let path = path(&key);
        let mut options = File::options();
        let file = options.read(true).write(true).create_new(true).open(path);
        let file = file.unwrap();
        file.set_len(size).unwrap();
        let bytes: Vec<u8> = values.iter().flat_map(|it| it.to_le_bytes()).collect();
        file.write_all_at(&bytes, 0).unwrap();
        Self { key, file }
    }

    pub(crate) fn bytes(&self, at: u64, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, at).unwrap();
        bytes
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        std::fs::remove_file(path(&self.key)).ok();
    }
}

/// A key that nobody else has.
fn unused_key() -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("/nav_test_{}_{number}", std::process::id())
}

/// Where the object of this key is.
pub(crate) fn path(key: &str) -> PathBuf {
    PathBuf::from(format!("/dev/shm{key}"))
}

/// An object that recorded exchanges expect under this key. One test of all on this machine has it at a time.
pub(crate) struct Recorded {
    key: &'static str,
    _lock: File,
}

impl Recorded {
    pub(crate) fn create(key: &'static str) -> Self {
        let lock = std::env::temp_dir().join(format!("nav{}", key.replace('/', "-")));
        let lock = File::create(lock).unwrap();
        lock.lock().unwrap();
        let numbers = [1.0_f32, 2.0, 3.0].into_iter().flat_map(f32::to_le_bytes);
        let mut contents: Vec<u8> = numbers.collect();
        contents.resize(4096, 0);
        std::fs::write(path(key), contents).unwrap();
        Self { key, _lock: lock }
    }
}

impl Drop for Recorded {
    fn drop(&mut self) {
        std::fs::remove_file(path(self.key)).ok();
    }
}
