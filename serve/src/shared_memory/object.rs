//! Shared memory objects, opened by their keys: plain files right below `/dev/shm`, of the right owner.
//!
//! A key is one name and never a path, so opening it relative to the folder without following a link leads nowhere
//! else; what was opened is looked at afterwards, by its descriptor.

use std::os::fd::OwnedFd;

use rustix::fs::{FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::error::RegionError;
use super::options::SharedMemoryOptions;

/// Where the system keeps them.
const FOLDER: &str = "/dev/shm";

/// The most bytes of a name.
const LONGEST: usize = 255;

/// The folder of all objects, and which of them may be opened.
#[derive(Debug)]
pub(super) struct Objects {
    folder: OwnedFd,
    prefixes: Vec<String>,
    owners: Vec<u32>,
}

impl Objects {
    /// Those that these options let the server open.
    pub(super) fn new(options: &SharedMemoryOptions) -> Result<Self, Errno> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let mut owners = options.owners.clone();
        owners.push(rustix::process::geteuid().as_raw());
        Ok(Self {
            folder: rustix::fs::open(FOLDER, flags, Mode::empty())?,
            prefixes: options.prefixes.clone(),
            owners,
        })
    }

    /// The object of this key, and how many bytes it has.
    pub(super) fn open(&self, key: &str) -> Result<(OwnedFd, u64), RegionError> {
        let unopened = || RegionError::Open { key: key.into() };
        let name = plain_name(key).ok_or_else(unopened)?;
        let mut prefixes = self.prefixes.iter();
        if !self.prefixes.is_empty() && !prefixes.any(|prefix| name.starts_with(prefix.as_str())) {
            return Err(RegionError::Key { key: key.into() });
        }
        // What is no plain file must neither block nor take over a terminal while it is found out.
        let flags =
            OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&self.folder, name, flags, Mode::empty());
        let file = file.map_err(|_| unopened())?;
        let stat = rustix::fs::fstat(&file).map_err(|_| unopened())?;
        // A second name could be a link that somebody made to an object that he cannot open.
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile || stat.st_nlink != 1 {
            return Err(unopened());
        }
        if !self.owners.contains(&stat.st_uid) {
            return Err(RegionError::Owner { key: key.into() });
        }
        Ok((file, size(&stat)))
    }
}

/// How many bytes a file has.
pub(super) fn size(stat: &Stat) -> u64 {
    u64::try_from(stat.st_size).unwrap_or_default()
}

/// The name in a key, with or without the slash that `shm_open` asks for. `None` for what is no name.
fn plain_name(key: &str) -> Option<&str> {
    let name = key.strip_prefix('/').unwrap_or(key);
    let is_plain = !name.is_empty()
        && name.len() <= LONGEST
        && !name.contains(['/', '\0'])
        && !matches!(name, "." | "..");
    is_plain.then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_one_name() {
        let check = |key: &str, expected| assert_eq!(plain_name(key), expected, "{key}");
        check("/a", Some("a"));
        check("a", Some("a"));
        check("/a.b-c_1", Some("a.b-c_1"));
        check("/..a", Some("..a"));
        check("//a", None);
        check("/a/b", None);
        check("/../etc/passwd", None);
        check("/..", None);
        check("..", None);
        check("/.", None);
        check("/", None);
        check("", None);
        check("/a\0b", None);
        check(&"a".repeat(256), None);
    }

    #[test]
    fn keys_and_owners_must_be_those_of_the_operator() {
        let name = format!("nav_object_test_{}", std::process::id());
        let path = std::path::Path::new(FOLDER).join(&name);
        std::fs::write(&path, b"1234").unwrap();
        let opened = |prefixes: &[&str], owners: Option<Vec<u32>>| {
            let options = SharedMemoryOptions {
                prefixes: prefixes.iter().map(|it| (*it).to_owned()).collect(),
                ..SharedMemoryOptions::default()
            };
            let mut objects = Objects::new(&options).unwrap();
            objects.owners = owners.unwrap_or(objects.owners);
            objects.open(&name).map(|(_, size)| size)
        };
        let key = name.as_str().into();
        assert_eq!(opened(&[], None), Ok(4));
        assert_eq!(opened(&["x", "nav_"], None), Ok(4));
        assert_eq!(opened(&["x"], None), Err(RegionError::Key { key }));
        let key = name.as_str().into();
        let other = rustix::process::geteuid().as_raw() + 1;
        let stranger = opened(&[], Some(vec![other]));
        assert_eq!(stranger, Err(RegionError::Owner { key }));
        std::fs::remove_file(path).unwrap();
    }
}
