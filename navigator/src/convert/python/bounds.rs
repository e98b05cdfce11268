//! The bounds of a Python that has a model in its hands: it reads itself, the system's libraries and what it was given, writes to one
//! folder, and reaches nobody. A checkpoint may hold any code, and what the user trusts is Python, not that.

use std::path::{Path, PathBuf};

use nav_worker::confine::{Bounds, ConfineError};

use super::interpreter::Interpreter;

/// What every program reads of the system. Nothing that only some users may read is among it.
const SYSTEM: &[&str] = &[
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/nix/store",
    "/gnu/store",
    "/etc/alternatives",
    "/etc/group",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/localtime",
    "/etc/nsswitch.conf",
    "/etc/passwd",
    "/proc/cpuinfo",
    "/proc/filesystems",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/sys/kernel",
    "/proc/sys/vm",
    "/proc/version",
    "/sys/devices/system",
    "/sys/fs/cgroup",
    "/sys/kernel/mm",
    "/dev/full",
    "/dev/random",
    "/dev/urandom",
    "/dev/zero",
];

/// What every program may write to.
const SINKS: &[&str] = &["/dev/null"];

/// As many files as the process of a step.
const OPEN_FILES: u64 = 1024;

/// The bounds of this Python with these files and folders to read, and one folder to write to.
pub(super) fn bounds<'a>(
    python: &'a Interpreter,
    given: impl Iterator<Item = &'a Path>,
    folder: &Path,
) -> Bounds {
    let own = python.places.iter().map(PathBuf::as_path);
    let system = SYSTEM.iter().map(Path::new);
    // A relative entry of its search path means where it was asked, and a root would mean everything.
    let named = own.filter(|place| place.is_absolute() && place.parent().is_some());
    let mut writes: Vec<PathBuf> = SINKS.iter().map(PathBuf::from).collect();
    writes.push(folder.to_owned());
    Bounds {
        reads: system
            .chain(named)
            .chain(given)
            .map(Path::to_owned)
            .collect(),
        writes,
        open_files: OPEN_FILES,
        memory: None,
    }
}

/// Whether this kernel can keep a Python within them.
pub(super) fn are_possible() -> Result<(), ConfineError> {
    nav_worker::confine::is_possible()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_python_that_calls_everything_its_own_does_not_read_everything() {
        let python = Interpreter {
            program: "/opt/python/bin/python3".into(),
            places: ["/", "", "relative", "/opt/python/lib"]
                .map(PathBuf::from)
                .into(),
        };
        let given = [Path::new("/model.pt")];
        let bounds = bounds(&python, given.into_iter(), Path::new("/scratch"));
        let has = |path: &str| bounds.reads.contains(&PathBuf::from(path));
        assert!(has("/opt/python/lib") && has("/model.pt") && has("/usr"));
        assert!(!has("/") && !has("") && !has("relative") && !has("/scratch"));
        assert_eq!(bounds.writes, ["/dev/null", "/scratch"].map(PathBuf::from));
    }
}
