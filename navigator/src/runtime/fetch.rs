//! Getting a wheel onto this machine, and being sure that it is the pinned one.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nav_package_format::Digest;

use super::catalogue::{ABIS, IMPLEMENTATION, PYTHON_VERSION, Wheel};
use super::error::RuntimeError;

/// Where wheels come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// `python -m pip download`, so that the user's indexes, mirrors and proxies apply.
    Pip {
        /// The Python to run.
        python: PathBuf,
    },
    /// A wheel, or a folder that holds the wheels, that is already here.
    Local(PathBuf),
}

impl Source {
    /// The wheel's file: fetched into `folder`, or where it lies already.
    pub(super) fn locate(&self, wheel: &Wheel, folder: &Path) -> Result<PathBuf, RuntimeError> {
        match self {
            Self::Pip { python } => download(python, wheel, folder),
            Self::Local(place) => locate_given(place, wheel),
        }
    }
}

fn locate_given(place: &Path, wheel: &Wheel) -> Result<PathBuf, RuntimeError> {
    let file = if place.is_dir() {
        place.join(wheel.file_name)
    } else {
        place.to_owned()
    };
    if file.is_file() && file.file_name().is_some_and(|name| name == wheel.file_name) {
        return Ok(file);
    }
    Err(RuntimeError::NotGiven {
        file_name: wheel.file_name.to_owned(),
        place: place.to_owned(),
    })
}

/// Fixed Python version, ABI and platform bring the same file whatever Python the user has.
fn download(python: &Path, wheel: &Wheel, folder: &Path) -> Result<PathBuf, RuntimeError> {
    let requirement = format!("{}=={}", wheel.project, wheel.version);
    let mut command = Command::new(python);
    command
        .args(["-m", "pip", "download", "--no-deps", "--only-binary=:all:"])
        .args(["--disable-pip-version-check", "--no-input", "--quiet"])
        .args([
            "--python-version",
            PYTHON_VERSION,
            "--implementation",
            IMPLEMENTATION,
        ])
        .args(ABIS.iter().flat_map(|abi| ["--abi", abi]))
        .args(["--platform", wheel.platform])
        .arg("--dest")
        .arg(folder)
        .arg(&requirement)
        .stdin(Stdio::null());
    let output = command.output().map_err(|source| RuntimeError::Python {
        python: python.to_owned(),
        source,
    })?;
    let file = folder.join(wheel.file_name);
    if output.status.success() && file.is_file() {
        return Ok(file);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().map(str::trim).rfind(|line| !line.is_empty());
    let reason = match last {
        Some(line) => line.to_owned(),
        None if output.status.success() => format!("it did not bring {}", wheel.file_name),
        None => output.status.to_string(),
    };
    Err(RuntimeError::Pip {
        requirement,
        reason,
    })
}

/// Hashes the file and compares with the pinned digest. `seen` is told how many bytes were read.
pub(super) fn check_digest(
    wheel: &Wheel,
    file: &Path,
    seen: impl FnMut(u64),
) -> Result<(), RuntimeError> {
    let reader = File::open(file).map_err(RuntimeError::file("open", file))?;
    let found = Digest::of_reader(reader, seen).map_err(RuntimeError::file("read", file))?;
    if found.to_string() == wheel.sha256 {
        return Ok(());
    }
    Err(RuntimeError::Digest {
        file_name: wheel.file_name.to_owned(),
        expected: wheel.sha256,
        found: found.to_string(),
    })
}
