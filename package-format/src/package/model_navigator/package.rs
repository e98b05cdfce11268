//! A package of Model Navigator as a whole: records, models, samples, and what is wrong with it.

use std::collections::BTreeMap;
use std::path::Path;

use super::status::{Status, StatusError};
use super::warning::{Role, Warning};
use crate::archive::{Archive, ArchiveError, Limits};
use crate::numpy::{self, NumpyError};
use crate::onnx::{self, ModelFacts};
use crate::package::evaluation::Evaluation;
use crate::{Dim, Format, Signature, TensorData, TensorSpec};

/// The most that `status.yaml` may take.
const STATUS_BYTES: u64 = 64 << 20;

/// Why a package cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// It is no archive that is acceptable.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// It holds no `status.yaml`.
    #[error("there is no status.yaml in it, so Model Navigator did not write it")]
    NoStatus,
    /// Its `status.yaml` cannot be used.
    #[error(transparent)]
    Status(#[from] StatusError),
    /// Its samples cannot be read.
    #[error("cannot read the samples in {entry}")]
    Samples {
        /// The file in the package.
        entry: String,
        /// What is wrong.
        source: NumpyError,
    },
}

impl PackageError {
    /// Whether the package is at fault, rather than the path or the machine.
    pub const fn is_integrity(&self) -> bool {
        match self {
            Self::Archive(error) => error.is_integrity(),
            Self::NoStatus | Self::Status(_) | Self::Samples { .. } => true,
        }
    }
}

/// A model in the package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    /// Its key.
    pub key: String,
    /// Its format, as Model Navigator names it.
    pub format: String,
    /// Its file in the package and the file's size, if it is there.
    pub file: Option<(String, u64)>,
}

/// A package that Model Navigator wrote.
#[derive(Debug)]
pub struct ModelNavigatorPackage {
    archive: Archive,
    status: Status,
    signature: Signature,
    variants: Vec<Variant>,
    evaluations: Vec<Evaluation>,
    warnings: Vec<Warning>,
}

impl ModelNavigatorPackage {
    /// Opens the package at this path. Models and samples are looked at, not loaded.
    pub fn open(path: &Path, limits: &Limits) -> Result<Self, PackageError> {
        let archive = Archive::open(path, limits)?;
        if archive.entry("status.yaml").is_none() {
            return Err(PackageError::NoStatus);
        }
        let text = archive.read_to_vec("status.yaml", None, STATUS_BYTES)?;
        let text = String::from_utf8(text).map_err(|_| StatusError::Malformed {
            reason: "it is not UTF-8".to_owned(),
        })?;
        let status = Status::parse(&text)?;
        let mut warnings = Vec::new();
        let variants: Vec<Variant> = status
            .models()
            .map(|(key, format)| variant(&archive, key, format, &mut warnings))
            .collect();
        let recorded = recorded_signature(&status, &mut warnings);
        let signature = match graph(&archive, &variants, &mut warnings) {
            Some(facts) => {
                compare(
                    Role::Input,
                    &recorded.inputs,
                    &facts.signature.inputs,
                    &mut warnings,
                );
                compare(
                    Role::Output,
                    &recorded.outputs,
                    &facts.signature.outputs,
                    &mut warnings,
                );
                facts.signature
            }
            None => recorded,
        };
        let evaluations = status.evaluations();
        Ok(Self {
            archive,
            status,
            signature,
            variants,
            evaluations,
            warnings,
        })
    }

    /// What Model Navigator recorded.
    pub const fn status(&self) -> &Status {
        &self.status
    }

    /// What the model takes and gives: from its graph where there is one, as recorded otherwise.
    pub const fn signature(&self) -> &Signature {
        &self.signature
    }

    /// The models in it.
    pub fn variants(&self) -> &[Variant] {
        &self.variants
    }

    /// What became of each model on each runner.
    pub fn evaluations(&self) -> &[Evaluation] {
        &self.evaluations
    }

    /// What is wrong with it.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// The input samples of one kind (`profiling`, `conversion`, `correctness`), by number.
    pub fn samples(
        &self,
        kind: &str,
        limits: &numpy::Limits,
    ) -> Result<BTreeMap<usize, Vec<(String, TensorData)>>, PackageError> {
        let prefix = format!("model_input/{kind}/");
        let mut samples = BTreeMap::new();
        for entry in self.archive.entries() {
            let number = entry
                .name()
                .strip_prefix(&prefix)
                .and_then(|name| name.strip_suffix(".npz"));
            let Some(number) = number.and_then(|number| number.parse().ok()) else {
                continue;
            };
            let bytes = self
                .archive
                .read_to_vec(entry.name(), None, limits.total_bytes)?;
            let sample = numpy::read_npz(std::io::Cursor::new(bytes), limits);
            let sample = sample.map_err(|source| PackageError::Samples {
                entry: entry.name().to_owned(),
                source,
            })?;
            samples.insert(number, sample);
        }
        Ok(samples)
    }
}

/// The model's file is `<key>/model.<suffix>`, wherever the record says it was.
fn variant(archive: &Archive, key: &str, format: &str, warnings: &mut Vec<Warning>) -> Variant {
    let prefix = format!("{key}/model.");
    let entry = archive
        .entries()
        .find(|entry| entry.name().starts_with(&prefix));
    let file = entry.map(|entry| (entry.name().to_owned(), entry.bytes()));
    if file.is_none() {
        warnings.push(Warning::NoModel {
            key: key.to_owned(),
        });
    }
    Variant {
        key: key.to_owned(),
        format: format.to_owned(),
        file,
    }
}

fn recorded_signature(status: &Status, warnings: &mut Vec<Warning>) -> Signature {
    let mut specs = |tensors: &[super::TensorMetadata]| {
        let mut specs = Vec::new();
        for tensor in tensors {
            match tensor.to_spec() {
                Some(spec) => specs.push(spec),
                None => warnings.push(Warning::ElementType {
                    name: tensor.name.clone(),
                    dtype: tensor.dtype.clone(),
                }),
            }
        }
        specs
    };
    Signature {
        inputs: specs(status.inputs()),
        outputs: specs(status.outputs()),
    }
}

/// The facts of the first ONNX model that can be read.
fn graph(
    archive: &Archive,
    variants: &[Variant],
    warnings: &mut Vec<Warning>,
) -> Option<ModelFacts> {
    let models = variants.iter().filter_map(|variant| {
        let (name, _) = variant.file.as_ref()?;
        (Format::of_path(Path::new(name)) == Some(Format::Onnx)).then_some((variant, name))
    });
    for (variant, name) in models {
        let Some(window) = archive.window(name) else {
            continue;
        };
        let facts = onnx::read(window, &onnx::Limits::default())
            .and_then(|model| ModelFacts::new(&model, Vec::new()));
        match facts {
            Ok(facts) => return Some(facts),
            Err(error) => warnings.push(Warning::Unreadable {
                key: variant.key.clone(),
                reason: error.to_string(),
            }),
        }
    }
    None
}

fn compare(role: Role, recorded: &[TensorSpec], graph: &[TensorSpec], warnings: &mut Vec<Warning>) {
    for spec in graph {
        match recorded.iter().find(|known| known.name == spec.name) {
            None => warnings.push(Warning::Unrecorded {
                role,
                graph: spec.to_string(),
            }),
            Some(known) if !agrees(known, spec) => warnings.push(Warning::Contradiction {
                role,
                recorded: known.to_string(),
                graph: spec.to_string(),
            }),
            Some(_) => {}
        }
    }
    for known in recorded {
        if !graph.iter().any(|spec| spec.name == known.name) {
            warnings.push(Warning::Unknown {
                role,
                recorded: known.to_string(),
            });
        }
    }
}

/// A recorded dimension that is open says nothing about the graph's, and the other way round.
fn agrees(recorded: &TensorSpec, graph: &TensorSpec) -> bool {
    let (Some(known), Some(dims)) = (&recorded.dims, &graph.dims) else {
        return recorded.dtype == graph.dtype;
    };
    let fits = |(a, b): (&Dim, &Dim)| match (a, b) {
        (Dim::Fixed(a), Dim::Fixed(b)) => a == b,
        _ => true,
    };
    recorded.dtype == graph.dtype && known.len() == dims.len() && known.iter().zip(dims).all(fits)
}
