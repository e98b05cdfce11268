//! Installing, listing and removing runtimes, each change seen by others whole or not at all.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use nav_runners::{Libraries, VendorRuntime};
use rustix::fs::FlockOperation;

use super::catalogue::wheels;
use super::error::RuntimeError;
use super::fetch::{Source, check_digest};
use super::unpack::unpack;

/// The folder that runtimes are installed in.
#[derive(Clone, Debug)]
pub struct Runtimes {
    folder: PathBuf,
}

/// How far an installation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Waiting for another process that is installing the same.
    Waiting,
    /// Fetching a wheel.
    Fetching {
        /// Its file name.
        file_name: &'static str,
    },
    /// Comparing a wheel with its pinned digest.
    Checking {
        /// Its file name.
        file_name: &'static str,
        /// Bytes read.
        done: u64,
        /// Bytes there are.
        total: u64,
    },
    /// Unpacking a wheel.
    Unpacking {
        /// Its file name.
        file_name: &'static str,
        /// Bytes written.
        done: u64,
        /// Bytes there are.
        total: u64,
    },
}

/// What an installation came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was put in place now.
    Installed(PathBuf),
    /// It was there already.
    AlreadyThere(PathBuf),
}

/// An installed runtime.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// Its folder.
    pub folder: PathBuf,
    /// How many bytes it takes.
    pub bytes: u64,
}

impl Runtimes {
    /// The runtimes below the folder that the libraries name.
    pub fn new(libraries: &Libraries) -> Result<Self, RuntimeError> {
        let folder = libraries
            .runtimes_folder
            .clone()
            .ok_or(RuntimeError::NoFolder)?;
        Ok(Self { folder })
    }

    /// The runtime, if it is installed.
    pub fn installed(&self, runtime: VendorRuntime) -> Result<Option<Installed>, RuntimeError> {
        let folder = self.target(runtime);
        if !self.is_there(runtime) {
            return Ok(None);
        }
        let bytes = folder_size(&folder).map_err(RuntimeError::file("read", &folder))?;
        Ok(Some(Installed { folder, bytes }))
    }

    /// Installs the runtime, unless it is there. Everything happens in a folder of its own that is
    /// renamed at the end, so an interruption leaves nothing that looks installed.
    pub fn install(
        &self,
        runtime: VendorRuntime,
        source: &Source,
        mut progress: impl FnMut(Progress),
    ) -> Result<Outcome, RuntimeError> {
        check_machine(runtime)?;
        if wheels(runtime).is_empty() {
            return Err(RuntimeError::NoWheels { runtime });
        }
        let target = self.target(runtime);
        if self.is_there(runtime) {
            return Ok(Outcome::AlreadyThere(target));
        }
        let _lock = self.lock(runtime, &mut progress)?;
        // Another process may have installed it while this one waited.
        if self.is_there(runtime) {
            return Ok(Outcome::AlreadyThere(target));
        }
        let unfinished = self
            .folder
            .join(format!(".{}.unfinished", runtime.folder_name()));
        remove_folder(&unfinished)?;
        let built = build(runtime, source, &unfinished, &mut progress)
            .and_then(|()| put_in_place(&unfinished, &target));
        if built.is_err() {
            // The first error is the one to tell; what could not be removed is removed next time.
            drop(remove_folder(&unfinished));
        }
        built.map(|()| Outcome::Installed(target))
    }

    /// Removes the runtime. Tells whether it was there.
    pub fn remove(&self, runtime: VendorRuntime) -> Result<bool, RuntimeError> {
        let target = self.target(runtime);
        if !target.exists() {
            return Ok(false);
        }
        let _lock = self.lock(runtime, &mut |_| {})?;
        let doomed = self
            .folder
            .join(format!(".{}.removed", runtime.folder_name()));
        remove_folder(&doomed)?;
        fs::rename(&target, &doomed).map_err(RuntimeError::file("remove", &target))?;
        remove_folder(&doomed)?;
        Ok(true)
    }

    fn target(&self, runtime: VendorRuntime) -> PathBuf {
        self.folder.join(runtime.folder_name())
    }

    fn is_there(&self, runtime: VendorRuntime) -> bool {
        self.target(runtime)
            .join("lib")
            .join(runtime.main_library())
            .is_file()
    }

    /// Holds off other processes that install or remove the same runtime, until it is dropped.
    fn lock(
        &self,
        runtime: VendorRuntime,
        progress: &mut impl FnMut(Progress),
    ) -> Result<File, RuntimeError> {
        fs::create_dir_all(&self.folder).map_err(RuntimeError::file("create", &self.folder))?;
        let path = self.folder.join(format!(".{}.lock", runtime.folder_name()));
        let file = File::create(&path).map_err(RuntimeError::file("create", &path))?;
        let locked = rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive);
        if locked.is_err() {
            progress(Progress::Waiting);
            rustix::fs::flock(&file, FlockOperation::LockExclusive)
                .map_err(|error| RuntimeError::file("lock", &path)(error.into()))?;
        }
        Ok(file)
    }
}

fn check_machine(runtime: VendorRuntime) -> Result<(), RuntimeError> {
    if cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return Ok(());
    }
    let machine = format!("{} {}", std::env::consts::ARCH, std::env::consts::OS);
    Err(RuntimeError::Machine { runtime, machine })
}

fn build(
    runtime: VendorRuntime,
    source: &Source,
    folder: &Path,
    progress: &mut impl FnMut(Progress),
) -> Result<(), RuntimeError> {
    let downloads = folder.join("downloads");
    fs::create_dir_all(&downloads).map_err(RuntimeError::file("create", &downloads))?;
    for wheel in wheels(runtime) {
        let file_name = wheel.file_name;
        progress(Progress::Fetching { file_name });
        let file = source.locate(wheel, &downloads)?;
        let metadata = fs::metadata(&file).map_err(RuntimeError::file("read", &file))?;
        let total = metadata.len();
        check_digest(wheel, &file, |done| {
            progress(Progress::Checking {
                file_name,
                done,
                total,
            });
        })?;
        unpack(wheel, &file, folder, |done, total| {
            progress(Progress::Unpacking {
                file_name,
                done,
                total,
            });
        })?;
        if file.starts_with(&downloads) {
            fs::remove_file(&file).map_err(RuntimeError::file("remove", &file))?;
        }
    }
    remove_folder(&downloads)
}

/// What is renamed must be on disk first, or a power cut could leave a runtime of empty files. One flush
/// of the file system, as libtorch comes with ten thousand headers.
fn put_in_place(unfinished: &Path, target: &Path) -> Result<(), RuntimeError> {
    remove_folder(target)?;
    let folder = File::open(unfinished).map_err(RuntimeError::file("open", unfinished))?;
    rustix::fs::syncfs(&folder)
        .map_err(|error| RuntimeError::file("write", unfinished)(error.into()))?;
    fs::rename(unfinished, target).map_err(RuntimeError::file("create", target))?;
    target.parent().map_or(Ok(()), sync_folder)
}

fn sync_folder(folder: &Path) -> Result<(), RuntimeError> {
    let synced = File::open(folder).and_then(|opened| opened.sync_all());
    synced.map_err(RuntimeError::file("write", folder))
}

fn remove_folder(folder: &Path) -> Result<(), RuntimeError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(RuntimeError::file("remove", folder)(error))
        }
        _ => Ok(()),
    }
}

fn folder_size(folder: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        bytes += if metadata.is_dir() {
            folder_size(&entry.path())?
        } else {
            metadata.len()
        };
    }
    Ok(bytes)
}
