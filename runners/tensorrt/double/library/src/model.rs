//! A graph in a folder of its own, and runs of it by ONNX Runtime, which take turns on every thread that asks.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::ffi::CString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use nav_package_format::onnx::{self, Limits};
use nav_package_format::{DType, Dim, Format, RunnerSettings, Shape, Signature, TensorSpec};
use nav_runners::onnx_cpu::OnnxCpu;
use nav_runners::{
    Libraries, LoadOptions, Loaded, ModelFile, Outputs, Runner, Session, TensorDesc, VendorRuntime,
};
use tempfile::TempDir;

use crate::graph::Uses;
use crate::names::Names;
use crate::place;
use crate::setting::setting;

/// Graphs with fewer bytes are run to find out shapes: what they declare may be less than what the true one would find.
const SMALL: u64 = 4 << 20;

/// The extents of several tensors, -1 where they are not known.
type Shapes = Vec<Vec<i64>>;

/// A graph.
#[derive(Debug)]
pub(crate) struct Model {
    number: u64,
    folder: TempDir,
    /// Path below the folder and size, the graph itself first.
    pub(crate) files: Vec<(String, u64)>,
    pub(crate) signature: Signature,
    /// The inputs that something takes, by their position in the signature.
    pub(crate) inputs: Vec<usize>,
    pub(crate) ports: Vec<Port>,
    is_open: bool,
    loaded: OnceLock<Result<Arc<dyn Loaded>, String>>,
    /// Shapes of outputs that were found.
    found: Mutex<HashMap<Shapes, Shapes>>,
}

/// An input or output as an engine has it.
#[derive(Debug)]
pub(crate) struct Port {
    pub(crate) name: CString,
    pub(crate) dtype: &'static std::ffi::CStr,
    pub(crate) element_size: usize,
    pub(crate) extents: Vec<i64>,
    pub(crate) is_input: bool,
    pub(crate) is_shape: bool,
}

/// Types that TensorRT has.
const TYPES: &[(DType, &std::ffi::CStr)] = &[
    (DType::Fp32, c"FP32"),
    (DType::Fp16, c"FP16"),
    (DType::Bf16, c"BF16"),
    (DType::Int8, c"INT8"),
    (DType::Int32, c"INT32"),
    (DType::Int64, c"INT64"),
    (DType::Uint8, c"UINT8"),
    (DType::Bool, c"BOOL"),
];

/// The most dimensions that TensorRT has.
const MOST_DIMS: usize = 8;

thread_local! {
    /// This thread's sessions, by the number of their model.
    static SESSIONS: RefCell<BTreeMap<u64, Box<dyn Session>>> = const { RefCell::new(BTreeMap::new()) };
}

impl Model {
    /// Copies a graph and what it refers to, and looks at it as the parser does.
    pub(crate) fn read(path: &Path) -> Result<Self, String> {
        let facts = onnx::verify(path).map_err(|error| error.to_string())?;
        if !facts.custom_domains.is_empty() {
            let domains = facts.custom_domains.join(", ");
            return Err(format!(
                "Plugin not found, are the plugin name, version, and namespace correct? ({domains})"
            ));
        }
        let other = facts.other_inputs.iter().chain(&facts.other_outputs).next();
        if let Some(other) = other {
            return Err(format!("Unsupported type {} of {}", other.kind, other.name));
        }
        let folder = new_folder()?;
        let from = path.parent().unwrap_or(Path::new("/"));
        let mut files = Vec::new();
        let external = facts.external_files.iter().map(|file| file.path.as_str());
        for (to, from) in std::iter::once((MODEL, path.to_owned()))
            .chain(external.map(|name| (name, from.join(name))))
        {
            let to_path = folder.path().join(to);
            let made = to_path.parent().map_or(Ok(()), std::fs::create_dir_all);
            let copied = made.and_then(|()| std::fs::copy(&from, to_path));
            files.push((to.to_owned(), copied.map_err(|error| error.to_string())?));
        }
        let model = Self::new(folder, files)?;
        // What the runtime that computes does not know, the parser knows neither.
        model.loaded()?;
        Ok(model)
    }

    /// A graph that lies in this folder already.
    pub(crate) fn new(folder: TempDir, files: Vec<(String, u64)>) -> Result<Self, String> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let path = folder.path().join(MODEL);
        let facts = onnx::verify(&path).map_err(|error| error.to_string())?;
        let file = File::open(&path).map_err(|error| error.to_string())?;
        let read = onnx::read(&file, &Limits::default()).map_err(|error| error.to_string())?;
        let uses = Uses::of(&read);
        let signature = facts.signature;
        let inputs = signature.inputs.iter().enumerate();
        let inputs = inputs.filter(|(_, input)| uses.used.contains(&input.name));
        let mut model = Self {
            number: NEXT.fetch_add(1, Ordering::Relaxed),
            folder,
            files,
            inputs: inputs.map(|(at, _)| at).collect(),
            ports: Vec::new(),
            is_open: uses.is_open,
            loaded: OnceLock::new(),
            found: Mutex::default(),
            signature,
        };
        model.ports = model.find_ports(&uses)?;
        Ok(model)
    }

    fn find_ports(&self, uses: &Uses) -> Result<Vec<Port>, String> {
        let inputs = self.used_inputs().map(|spec| (spec, true));
        let outputs = self.signature.outputs.iter().map(|spec| (spec, false));
        let mut ports = Vec::new();
        for (spec, is_input) in inputs.chain(outputs) {
            let name = &spec.name;
            let known = TYPES.iter().find(|(dtype, _)| *dtype == spec.dtype);
            let (dtype, text) = known.ok_or_else(|| {
                format!(
                    "Failed to convert ONNX data type {} of {name} to a TensorRT data type",
                    spec.dtype
                )
            })?;
            let extents = match Names::default().extents(spec) {
                Some(extents) => extents,
                None if is_input => return Err(format!("the rank of input {name} is not known")),
                None => vec![-1; self.rank_by_running(name)?],
            };
            if extents.len() > MOST_DIMS {
                return Err(format!("{name} has more dimensions than MAX_DIMS"));
            }
            let whole = matches!(spec.dtype, DType::Int32 | DType::Int64);
            ports.push(Port {
                name: CString::new(name.as_str()).map_err(|error| error.to_string())?,
                dtype: text,
                element_size: dtype.element_size().unwrap_or(1),
                extents,
                is_input,
                is_shape: is_input && whole && uses.shapes.contains(name),
            });
        }
        Ok(ports)
    }

    fn used_inputs(&self) -> impl Iterator<Item = &TensorSpec> {
        let inputs = self.inputs.iter();
        inputs.filter_map(|&at| self.signature.inputs.get(at))
    }

    /// How many bytes its files have.
    pub(crate) fn bytes(&self) -> u64 {
        self.files.iter().map(|(_, size)| size).sum()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn rank_by_running(&self, output: &str) -> Result<usize, String> {
        let one = |spec: &TensorSpec| Names::default().extents(spec).unwrap_or_default();
        let inputs = self.used_inputs().map(|spec| {
            let each = one(spec).into_iter();
            each.map(|extent| extent.max(1)).collect()
        });
        let found = self.shapes_by_running(&inputs.collect::<Vec<Vec<i64>>>(), &[])?;
        let at = self.signature.output(output).map_or(0, |(at, _)| at);
        Ok(found.get(at).map_or(0, Vec::len))
    }

    /// The shapes of all outputs for inputs of these shapes, and of these values where they say shapes; -1 where only running tells.
    pub(crate) fn infer(
        &self,
        inputs: &[Vec<i64>],
        known: &[Option<&[u8]>],
    ) -> Result<Vec<Vec<i64>>, String> {
        let pairs = self.used_inputs().zip(inputs.iter().map(Vec::as_slice));
        let names = Names::of(pairs)?;
        let declared = || {
            let outputs = self.signature.outputs.iter();
            outputs.map(|spec| names.extents(spec))
        };
        // What no name binds is open. The rank is that of the engine.
        let of_names = || -> Vec<Vec<i64>> {
            let ports = self.ports.iter().filter(|port| !port.is_input);
            let pairs = declared().zip(ports);
            pairs
                .map(|(extents, port)| extents.unwrap_or_else(|| port.extents.clone()))
                .collect()
        };
        let says_shapes = self.ports.iter().map(|port| port.is_shape);
        let mut pairs = says_shapes.clone().zip(known);
        if self.is_open || pairs.any(|(is_shape, known)| is_shape && known.is_none()) {
            return Ok(of_names());
        }
        if says_shapes.into_iter().any(|is_shape| is_shape) {
            return self.shapes_by_running(inputs, known);
        }
        let all_named =
            declared().all(|it| it.is_some_and(|it| it.iter().all(|&extent| extent >= 0)));
        if all_named && self.bytes() > SMALL {
            return Ok(of_names());
        }
        let found = || self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = found().get(inputs) {
            return Ok(known.clone());
        }
        let shapes = self.shapes_by_running(inputs, &[]);
        let shapes = shapes.unwrap_or_else(|_| of_names());
        found().insert(inputs.to_vec(), shapes.clone());
        Ok(shapes)
    }

    fn shapes_by_running(
        &self,
        inputs: &[Vec<i64>],
        known: &[Option<&[u8]>],
    ) -> Result<Vec<Vec<i64>>, String> {
        let values: Vec<(Shape, Vec<u8>)> = self
            .used_inputs()
            .zip(inputs)
            .enumerate()
            .map(|(at, (spec, extents))| {
                let shape = shape_of(extents);
                if let Some(Some(known)) = known.get(at) {
                    return (shape, known.to_vec());
                }
                let bytes = shape.byte_size(spec.dtype).ok().flatten().unwrap_or(0);
                let mut values = vec![0; bytes];
                // Ones where these are whole numbers: nothing is divided by them that would not be by others.
                let size = spec.dtype.element_size().unwrap_or(1);
                values.iter_mut().step_by(size).for_each(|low| *low = 1);
                (shape, values)
            })
            .collect();
        let given: Vec<(&Shape, &[u8])> = values
            .iter()
            .map(|(shape, bytes)| (shape, bytes.as_slice()))
            .collect();
        let outputs = self.run(&given)?;
        let extents = |extent: &usize| i64::try_from(*extent).unwrap_or(-1);
        let outputs = outputs.iter().map(|output| &output.desc.shape);
        Ok(outputs
            .map(|shape| shape.iter().map(extents).collect())
            .collect())
    }

    /// Runs on these values of the inputs that are used.
    pub(crate) fn run(&self, inputs: &[(&Shape, &[u8])]) -> Result<Outputs, String> {
        SESSIONS.with_borrow_mut(|sessions| {
            let session = match sessions.entry(self.number) {
                std::collections::btree_map::Entry::Occupied(known) => known.into_mut(),
                std::collections::btree_map::Entry::Vacant(place) => {
                    let session = self.loaded()?.session();
                    place.insert(session.map_err(|error| error.to_string())?)
                }
            };
            self.run_in(session.as_mut(), inputs)
        })
    }

    fn run_in(
        &self,
        session: &mut dyn Session,
        inputs: &[(&Shape, &[u8])],
    ) -> Result<Outputs, String> {
        let unused = |spec: &TensorSpec| {
            let dims = spec.dims.as_deref().unwrap_or_default().iter();
            Shape::new(dims.map(|dim| match dim {
                Dim::Fixed(extent) => *extent,
                Dim::Symbolic(_) | Dim::Unknown => 1,
            }))
        };
        let mut descs = Vec::new();
        let mut bytes = Vec::new();
        for (at, spec) in self.signature.inputs.iter().enumerate() {
            let given = self.inputs.iter().position(|&used| used == at);
            let given = given.and_then(|at| inputs.get(at));
            let shape = given.map_or_else(|| unused(spec), |(shape, _)| (*shape).clone());
            let byte_size = shape.byte_size(spec.dtype).ok().flatten().unwrap_or(0);
            descs.push(TensorDesc {
                index: at,
                dtype: spec.dtype,
                shape,
                byte_size,
            });
            bytes.push(given.map(|(_, bytes)| *bytes));
        }
        let staged = session.stage(&descs).map_err(|error| error.to_string())?;
        for (memory, bytes) in staged.into_iter().zip(bytes) {
            match bytes.filter(|bytes| bytes.len() == memory.len()) {
                Some(bytes) => memory.copy_from_slice(bytes),
                None => memory.fill(0),
            }
        }
        session.run().map_err(|error| error.to_string())
    }

    fn loaded(&self) -> Result<Arc<dyn Loaded>, String> {
        let loaded = self.loaded.get_or_init(|| {
            let library = setting("onnxruntime");
            let library = library.ok_or("double.conf names no onnxruntime")?;
            let options = LoadOptions {
                settings: RunnerSettings {
                    intra_threads: Some(1),
                    ..RunnerSettings::default()
                },
                libraries: Libraries {
                    configured: BTreeMap::from([(VendorRuntime::Onnxruntime, library.into())]),
                    ..Libraries::default()
                },
                ..LoadOptions::default()
            };
            let model = ModelFile {
                path: self.path(MODEL),
                format: Format::Onnx,
            };
            let loaded = OnnxCpu.load(&model, &options);
            loaded.map_err(|error| error.to_string())
        });
        loaded.clone()
    }
}

/// What the graph is called in its folder.
pub(crate) const MODEL: &str = "model.onnx";

/// A folder beside the library, which is that of a test, or for temporary files.
pub(crate) fn new_folder() -> Result<TempDir, String> {
    let beside = place::folder().and_then(|folder| tempfile::tempdir_in(folder).ok());
    let folder = beside.map_or_else(tempfile::tempdir, Ok);
    folder.map_err(|error| error.to_string())
}

/// A shape of extents that are all known.
pub(crate) fn shape_of(extents: &[i64]) -> Shape {
    Shape::new(
        extents
            .iter()
            .map(|&extent| usize::try_from(extent).unwrap_or(0)),
    )
}
