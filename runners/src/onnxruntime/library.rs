//! The ONNX Runtime library of this process: opened once, from an absolute path, and never exchanged.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use nav_native::onnxruntime::library_version;
use ort::LoadDynamicError;
use ort::environment::Environment;

use crate::error::LoadError;
use crate::library::{Libraries, LibraryError, VendorRuntime};

/// The opened library.
#[derive(Clone)]
pub struct OpenedLibrary {
    /// Where it was opened from.
    pub path: PathBuf,
    /// Its own version.
    pub version: String,
    /// What sessions are created in.
    pub environment: Environment,
}

/// Why ONNX Runtime cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is no library.
    #[error(transparent)]
    Missing(#[from] LibraryError),
    /// The file is there but is no usable library.
    #[error("cannot open {path}: {reason}", path = .path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// The loader's reason.
        reason: String,
    },
    /// The library is too old.
    #[error("{path} is ONNX Runtime {found}, at least {required} is needed", path = .path.display())]
    TooOld {
        /// The file.
        path: PathBuf,
        /// The library's version.
        found: String,
        /// The lowest version that works.
        required: String,
    },
    /// This process has opened another library before, and there can be only one.
    #[error(
        "this process has opened {opened} and cannot open {wanted} beside it",
        opened = .opened.display(), wanted = .wanted.display()
    )]
    Conflict {
        /// The library in use.
        opened: PathBuf,
        /// The library asked for.
        wanted: PathBuf,
    },
}

impl OpenError {
    /// The command or setting that mends it.
    pub fn how_to_mend(&self, runtime: VendorRuntime) -> String {
        match self {
            Self::Missing(error) => error.how_to_mend(),
            Self::Unusable { .. } | Self::TooOld { .. } => {
                format!(
                    "{}, or configure another library",
                    runtime.install_command()
                )
            }
            Self::Conflict { .. } => "run one of the two models isolated".to_owned(),
        }
    }

    /// The same as an error of loading a model.
    pub fn into_load_error(self, runner: &str, runtime: VendorRuntime) -> LoadError {
        LoadError::Unavailable {
            runner: runner.to_owned(),
            reason: self.to_string(),
            how_to_get_it: self.how_to_mend(runtime),
        }
    }
}

static OPENED: Mutex<Option<OpenedLibrary>> = Mutex::new(None);

/// Where the library for plain CPU work is. Either build will do; that with the providers for GPUs, where it is installed, so that models
/// on the GPU are served beside those on the processor: a process opens one library.
pub fn find_for_cpu(libraries: &Libraries) -> Result<PathBuf, LibraryError> {
    let plain = VendorRuntime::Onnxruntime;
    if libraries.configured.contains_key(&plain) {
        return libraries.find(plain);
    }
    let with_providers = libraries.find(VendorRuntime::OnnxruntimeCuda);
    // Where neither is there, the small one is what is missing.
    with_providers.or_else(|_| libraries.find(plain))
}

/// Opens the library for plain CPU work. One that is already open wins.
pub fn open_for_cpu(libraries: &Libraries) -> Result<OpenedLibrary, OpenError> {
    if let Some(opened) = &*OPENED.lock().unwrap_or_else(PoisonError::into_inner) {
        return Ok(opened.clone());
    }
    open(&find_for_cpu(libraries)?)
}

/// Opens the build that has the CUDA and TensorRT providers.
pub fn open_for_cuda(libraries: &Libraries) -> Result<OpenedLibrary, OpenError> {
    open(&libraries.find(VendorRuntime::OnnxruntimeCuda)?)
}

fn open(path: &Path) -> Result<OpenedLibrary, OpenError> {
    let mut slot = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(opened) = &*slot {
        if opened.path == path {
            return Ok(opened.clone());
        }
        return Err(OpenError::Conflict {
            opened: opened.path.clone(),
            wanted: path.to_owned(),
        });
    }
    let known = library_version(path).map_err(|error| OpenError::Unusable {
        path: path.to_owned(),
        reason: error.to_string(),
    })?;
    let unusable = |reason: String| OpenError::Unusable {
        path: path.to_owned(),
        reason,
    };
    let environment = ort::init_from(path)
        .map_err(|error| load_error(path, error))?
        .with_name("nav")
        .with_telemetry(false)
        .build()
        .map_err(|error| unusable(error.to_string()))?;
    let opened = OpenedLibrary {
        path: path.to_owned(),
        version: known.version.clone(),
        environment,
    };
    // Until here, so that the library was not closed in between.
    drop(known);
    *slot = Some(opened.clone());
    Ok(opened)
}

fn load_error(path: &Path, error: LoadDynamicError) -> OpenError {
    match error {
        LoadDynamicError::BadVersion { version_str, .. } => OpenError::TooOld {
            path: path.to_owned(),
            found: version_str,
            required: format!("1.{}", ort::MINOR_VERSION),
        },
        LoadDynamicError::Dlopen { error, .. } => OpenError::Unusable {
            path: path.to_owned(),
            reason: error.to_string(),
        },
        other => OpenError::Unusable {
            path: path.to_owned(),
            reason: other.to_string(),
        },
    }
}

impl std::fmt::Debug for OpenedLibrary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenedLibrary")
            .field("path", &self.path)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}
