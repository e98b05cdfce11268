//! `TensorRT`: where its library is, whether it works here, and what it loads.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use nav_package_format::{Device, Format};
use nav_runners::cuda::{DeviceFacts, Driver};
use nav_runners::{
    Hindrance, Libraries, LibraryError, LoadError, LoadOptions, Loaded, ModelFile, Probe, Runner,
    VendorRuntime,
};

use crate::build::Site;
use crate::model::{Source, TensorRtModel};
use crate::native::Library;

/// TensorRT on an NVIDIA GPU.
#[derive(Debug)]
pub(crate) struct TensorRt;

/// The versions whose interface this executable is built for.
const MAJOR: &str = "11.";

/// What it needs besides the library.
const NEEDS: &str = "an NVIDIA GPU with a driver for CUDA 13";

/// What the parser of ONNX is called. It lies beside the library.
const PARSERS: &[&str] = &["libnvonnxparser.so.11", "libnvonnxparser.so"];

/// The library of this process, once it was opened, and where from. Another one cannot be opened beside it.
static OPENED: Mutex<Option<(PathBuf, Library)>> = Mutex::new(None);

/// A library and a driver that work together.
#[derive(Debug)]
struct SetUp {
    path: PathBuf,
    library: Library,
    driver: Driver,
    devices: Vec<DeviceFacts>,
}

impl Runner for TensorRt {
    fn name(&self) -> &'static str {
        "TensorRT"
    }

    fn formats(&self) -> &'static [Format] {
        &[Format::Onnx, Format::TensorRt]
    }

    fn probe(&self, libraries: &Libraries) -> Probe {
        match set_up(libraries).and_then(SetUp::tried_out) {
            Ok(set_up) => Probe::Ready {
                version: set_up.library.version(),
                library: Some(set_up.path),
                devices: set_up
                    .devices
                    .iter()
                    .map(|device| Device::Cuda(device.number))
                    .collect(),
            },
            Err(hindrance) => hindrance.into(),
        }
    }

    fn load(&self, model: &ModelFile, options: &LoadOptions) -> Result<Arc<dyn Loaded>, LoadError> {
        let source = Source::read(model, self)?;
        let Device::Cuda(number) = options.device else {
            return Err(LoadError::Device {
                runner: self.name().to_owned(),
                device: options.device,
            });
        };
        let set_up = set_up(&options.libraries);
        let set_up = set_up.map_err(|hindrance| hindrance.into_load_error(self.name()))?;
        let mut devices = set_up.devices.iter();
        let device = devices.find(|device| device.number == number);
        let site = Site {
            runner: self.name(),
            library: set_up.library,
            driver: &set_up.driver,
            device: device.ok_or_else(|| LoadError::Device {
                runner: self.name().to_owned(),
                device: options.device,
            })?,
        };
        let loaded = TensorRtModel::load(&site, self.name(), (model, &source), options)?;
        Ok(Arc::new(loaded))
    }
}

/// Makes sure of library, driver and device, in this order, so that the first thing that is missing is named.
fn set_up(libraries: &Libraries) -> Result<SetUp, Hindrance> {
    let path = find(libraries)?;
    let library = open(&path).map_err(|reason| Hindrance {
        reason,
        how_to_get_it: VendorRuntime::Tensorrt.how_to_get_it(),
    })?;
    // TensorRT crashes, rather than fails, where something is asked of what it could not set up: so what it needs is looked for first.
    let lacks = |reason: &dyn std::fmt::Display| Hindrance {
        reason: format!("TensorRT {} is there, but {reason}", library.version()),
        how_to_get_it: NEEDS.to_owned(),
    };
    let driver = Driver::open().map_err(|error| lacks(&error))?;
    let devices = driver.devices().map_err(|error| lacks(&error))?;
    if devices.is_empty() {
        return Err(lacks(&"the driver has no GPU for this process"));
    }
    Ok(SetUp {
        path,
        library,
        driver,
        devices,
    })
}

/// The whole of TensorRT, or its lean runtime, which runs engines and builds none.
fn find(libraries: &Libraries) -> Result<PathBuf, Hindrance> {
    let whole = VendorRuntime::Tensorrt;
    let hindered = |error: &LibraryError| Hindrance {
        reason: error.to_string(),
        how_to_get_it: whole.how_to_get_it(),
    };
    match libraries.find(whole) {
        Ok(path) => Ok(path),
        // What is configured wrongly must be said, even where another library would do.
        Err(error @ LibraryError::NotInstalled { .. }) => libraries
            .find(VendorRuntime::TensorrtLean)
            .map_err(|_| hindered(&error)),
        Err(error) => Err(hindered(&error)),
    }
}

fn open(path: &Path) -> Result<Library, String> {
    let mut opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
    match &*opened {
        Some((known, library)) if known == path => return Ok(*library),
        Some((known, _)) => {
            return Err(format!(
                "this process has already opened TensorRT from {}, and cannot open {} as well",
                known.display(),
                path.display()
            ));
        }
        None => {}
    }
    let folder = path.parent().unwrap_or(Path::new("/"));
    let mut parsers = PARSERS.iter().map(|name| folder.join(name));
    let parser = parsers.find(|parser| parser.is_file());
    let library = Library::open(path, parser.as_deref())
        .map_err(|error| format!("cannot open {}: {error}", path.display()))?;
    let version = library.version();
    if !version.starts_with(MAJOR) {
        return Err(format!(
            "{} is TensorRT {version}, and this worker is built for {MAJOR}x",
            path.display()
        ));
    }
    *opened = Some((path.to_owned(), library));
    Ok(library)
}

impl SetUp {
    /// Has TensorRT set itself up on the first device.
    fn tried_out(self) -> Result<Self, Hindrance> {
        let tried = self.library.try_out();
        match tried {
            Ok(()) => Ok(self),
            Err(error) => Err(Hindrance {
                reason: error.to_string(),
                how_to_get_it: NEEDS.to_owned(),
            }),
        }
    }
}
