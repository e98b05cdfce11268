//! Where vendor libraries are: configured paths first, then what `nav runtime install` put in place.
//!
//! Nothing is ever looked for in the working directory or along an inherited search path.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A set of vendor libraries that is installed as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VendorRuntime {
    /// ONNX Runtime for the CPU.
    Onnxruntime,
    /// ONNX Runtime with its CUDA and TensorRT providers.
    OnnxruntimeCuda,
    /// libtorch for the CPU.
    LibtorchCpu,
    /// libtorch with CUDA.
    LibtorchCuda,
    /// TensorRT, which builds engines and runs them.
    Tensorrt,
    /// TensorRT's lean runtime, which builds none.
    TensorrtLean,
}

impl VendorRuntime {
    /// Every vendor runtime.
    pub const ALL: &'static [Self] = &[
        Self::Onnxruntime,
        Self::OnnxruntimeCuda,
        Self::LibtorchCpu,
        Self::LibtorchCuda,
        Self::Tensorrt,
        Self::TensorrtLean,
    ];

    /// The name users type.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Onnxruntime => "onnxruntime",
            Self::OnnxruntimeCuda => "onnxruntime-cuda",
            Self::LibtorchCpu => "libtorch-cpu",
            Self::LibtorchCuda => "libtorch-cuda",
            Self::Tensorrt => "tensorrt",
            Self::TensorrtLean => "tensorrt-lean",
        }
    }

    /// The version that is installed, and that everything is tested with.
    pub const fn version(self) -> &'static str {
        match self {
            Self::Onnxruntime | Self::OnnxruntimeCuda => "1.31.1",
            Self::LibtorchCpu | Self::LibtorchCuda => "2.11.0",
            Self::Tensorrt | Self::TensorrtLean => "11.4.0.106",
        }
    }

    /// The library that is opened; the others of the set are its dependencies and lie beside it.
    pub const fn main_library(self) -> &'static str {
        match self {
            Self::Onnxruntime | Self::OnnxruntimeCuda => "libonnxruntime.so.1.31.1",
            // `libtorch.so` itself is empty, and linked to CUDA in every build of the wheel.
            Self::LibtorchCpu => "libtorch_cpu.so",
            Self::LibtorchCuda => "libtorch_cuda.so",
            Self::Tensorrt => "libnvinfer.so.11",
            Self::TensorrtLean => "libnvinfer_lean.so.11",
        }
    }

    /// What its folder is called below the folder of all vendor runtimes.
    pub fn folder_name(self) -> String {
        format!("{}-{}", self.name(), self.version())
    }

    /// The command that installs it.
    pub fn install_command(self) -> String {
        format!("nav runtime install {}", self.name())
    }

    /// What brings it here: the command that installs it, or what to do where `nav` cannot.
    pub fn how_to_get_it(self) -> String {
        match self {
            // Its wheels are on NVIDIA's own index alone, so that there is none to pin.
            Self::Tensorrt => {
                "install TensorRT 11 as NVIDIA describes it, and name its folder with --library tensorrt=FOLDER"
                    .to_owned()
            }
            Self::Onnxruntime
            | Self::OnnxruntimeCuda
            | Self::LibtorchCpu
            | Self::LibtorchCuda
            | Self::TensorrtLean => self.install_command(),
        }
    }
}

impl fmt::Display for VendorRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name that is no vendor runtime.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown runtime `{name}`")]
pub struct UnknownVendorRuntime {
    /// The name as given.
    pub name: String,
}

impl FromStr for VendorRuntime {
    type Err = UnknownVendorRuntime;

    fn from_str(name: &str) -> Result<Self, UnknownVendorRuntime> {
        let known = Self::ALL
            .iter()
            .copied()
            .find(|runtime| runtime.name() == name);
        known.ok_or_else(|| UnknownVendorRuntime {
            name: name.to_owned(),
        })
    }
}

/// Where to look for vendor libraries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Libraries {
    /// The folder below which `nav runtime install` puts each runtime.
    pub runtimes_folder: Option<PathBuf>,
    /// Libraries, or folders that hold them, that the user pointed at. They win over installed ones.
    pub configured: BTreeMap<VendorRuntime, PathBuf>,
    /// Executables of runners that live in a process of their own, by file name, where the user pointed
    /// at them. They win over those that lie beside this program.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub worker_executables: BTreeMap<String, PathBuf>,
}

/// Why a vendor library was not found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LibraryError {
    /// It is nowhere.
    #[error("{runtime} {version} is not installed (looked for {searched})", version = .runtime.version())]
    NotInstalled {
        /// Which runtime.
        runtime: VendorRuntime,
        /// Where it was looked for.
        searched: String,
    },
    /// The configured path leads nowhere.
    #[error("the configured {runtime} library {path} does not exist", path = .path.display())]
    NotThere {
        /// Which runtime.
        runtime: VendorRuntime,
        /// The configured path.
        path: PathBuf,
    },
    /// The configured path would depend on the working directory.
    #[error("the configured {runtime} library {path} is not an absolute path", path = .path.display())]
    NotAbsolute {
        /// Which runtime.
        runtime: VendorRuntime,
        /// The configured path.
        path: PathBuf,
    },
}

impl LibraryError {
    /// The command or setting that mends it.
    pub fn how_to_mend(&self) -> String {
        match self {
            Self::NotInstalled { runtime, .. } => runtime.how_to_get_it(),
            Self::NotThere { runtime, .. } | Self::NotAbsolute { runtime, .. } => {
                format!("correct the configured path of {runtime}")
            }
        }
    }
}

impl Libraries {
    /// The absolute path of a runtime's main library.
    pub fn find(&self, runtime: VendorRuntime) -> Result<PathBuf, LibraryError> {
        match self.configured.get(&runtime) {
            Some(path) => find_configured(runtime, path),
            None => self.find_installed(runtime),
        }
    }

    /// The main library of one of these runtimes, any of which will do: of one that the user pointed at, else of one that is installed,
    /// the preferred one first. What is configured wrongly is said, even where another would do. Where there is none, the preferred one is
    /// what is missing.
    pub fn find_any(
        &self,
        preferred: VendorRuntime,
        others: &[VendorRuntime],
    ) -> Result<PathBuf, LibraryError> {
        let is_configured = |runtime: &VendorRuntime| self.configured.contains_key(runtime);
        if let Some(configured) = others.iter().copied().find(is_configured)
            && !is_configured(&preferred)
        {
            return self.find(configured);
        }
        let mut rest = others.iter();
        self.find(preferred).or_else(|fault| match fault {
            LibraryError::NotInstalled { .. } => {
                let found = rest.find_map(|&runtime| self.find(runtime).ok());
                found.ok_or(fault)
            }
            _ => Err(fault),
        })
    }

    /// The folder that a runtime is, or would be, installed in.
    pub fn install_folder(&self, runtime: VendorRuntime) -> Option<PathBuf> {
        self.runtimes_folder
            .as_ref()
            .map(|folder| folder.join(runtime.folder_name()))
    }

    fn find_installed(&self, runtime: VendorRuntime) -> Result<PathBuf, LibraryError> {
        let Some(folder) = self.install_folder(runtime) else {
            let searched = "nothing, as there is no folder for runtimes".to_owned();
            return Err(LibraryError::NotInstalled { runtime, searched });
        };
        let library = folder.join("lib").join(runtime.main_library());
        if folder.is_absolute() && library.is_file() {
            return Ok(library);
        }
        Err(LibraryError::NotInstalled {
            runtime,
            searched: library.display().to_string(),
        })
    }
}

fn find_configured(runtime: VendorRuntime, path: &Path) -> Result<PathBuf, LibraryError> {
    if !path.is_absolute() {
        return Err(LibraryError::NotAbsolute {
            runtime,
            path: path.to_owned(),
        });
    }
    if path.is_file() {
        return Ok(path.to_owned());
    }
    // A wheel has the versioned name only, a system package often the bare one too.
    let unversioned = runtime
        .main_library()
        .split_inclusive(".so")
        .next()
        .unwrap_or_default();
    [runtime.main_library(), unversioned]
        .iter()
        .flat_map(|name| [path.join(name), path.join("lib").join(name)])
        .find(|candidate| candidate.is_file())
        .ok_or_else(|| LibraryError::NotThere {
            runtime,
            path: path.to_owned(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configured(path: &Path) -> Libraries {
        let configured = BTreeMap::from([(VendorRuntime::Onnxruntime, path.to_owned())]);
        Libraries {
            configured,
            ..Libraries::default()
        }
    }

    #[test]
    fn a_configured_folder_is_searched_for_either_name() {
        let folder = tempfile::tempdir().unwrap();
        let bare = folder.path().join("libonnxruntime.so");
        std::fs::write(&bare, "").unwrap();
        let libraries = configured(folder.path());
        assert_eq!(libraries.find(VendorRuntime::Onnxruntime), Ok(bare));
    }

    #[test]
    fn a_relative_path_is_refused_even_when_it_leads_somewhere() {
        let error = configured(Path::new("Cargo.toml"))
            .find(VendorRuntime::Onnxruntime)
            .unwrap_err();
        assert!(matches!(error, LibraryError::NotAbsolute { .. }), "{error}");
    }

    #[test]
    fn any_of_several_will_do_and_what_the_user_points_at_goes_first() {
        let folder = tempfile::tempdir().unwrap();
        let (cpu, cuda) = (VendorRuntime::LibtorchCpu, VendorRuntime::LibtorchCuda);
        let mut libraries = Libraries {
            runtimes_folder: Some(folder.path().to_owned()),
            ..Libraries::default()
        };
        let missing = libraries.find_any(cpu, &[cuda]).unwrap_err();
        assert_eq!(missing, libraries.find(cpu).unwrap_err());
        let install = |runtime: VendorRuntime| {
            let place = libraries.install_folder(runtime).unwrap().join("lib");
            std::fs::create_dir_all(&place).unwrap();
            let library = place.join(runtime.main_library());
            std::fs::write(&library, "").unwrap();
            library
        };
        let installed = install(cuda);
        assert_eq!(libraries.find_any(cpu, &[cuda]), Ok(installed.clone()));
        let preferred = install(cpu);
        assert_eq!(libraries.find_any(cpu, &[cuda]), Ok(preferred));
        libraries.configured.insert(cuda, installed.clone());
        assert_eq!(libraries.find_any(cpu, &[cuda]), Ok(installed));
        libraries.configured.insert(cpu, "/nowhere".into());
        let wrong = libraries.find_any(cpu, &[cuda]).unwrap_err();
        assert!(matches!(wrong, LibraryError::NotThere { .. }), "{wrong}");
    }

    #[test]
    fn what_is_missing_is_named_with_the_place_searched() {
        let folder = tempfile::tempdir().unwrap();
        let libraries = Libraries {
            runtimes_folder: Some(folder.path().to_owned()),
            ..Libraries::default()
        };
        let error = libraries
            .find(VendorRuntime::LibtorchCpu)
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("libtorch-cpu 2.11.0 is not installed"),
            "{error}"
        );
        assert!(error.contains("libtorch_cpu.so"), "{error}");
    }
}
