//! Reads a package of Model Navigator into the terms of ours.

use std::path::Path;

use super::status::{Status, StatusError};
use crate::archive::{Archive, Entry};
use crate::package::manifest::{CURRENT, Manifest, Model, Provenance};
use crate::package::reader::{Origin, PackageError};
use crate::package::variant::{Variant, VariantFile};
use crate::package::warning::Warning;
use crate::{Device, Format, RunnerSettings, Signature};

/// Where the record is.
pub(in crate::package) const STATUS: &str = "status.yaml";
/// The most that it may take.
const STATUS_BYTES: u64 = 64 << 20;

/// What the package records, and what is wrong with it.
pub(in crate::package) fn read(
    archive: &Archive,
    warnings: &mut Vec<Warning>,
) -> Result<(Origin, Manifest), PackageError> {
    let text = archive.read_to_vec(STATUS, None, STATUS_BYTES)?;
    let text = String::from_utf8(text).map_err(|_| StatusError::Malformed {
        reason: "it is not UTF-8".to_owned(),
    })?;
    let status = Status::parse(&text)?;
    let mut models = Vec::new();
    for (key, format) in status.models() {
        let entry = model_entry(archive, key);
        if entry.is_none() {
            warnings.push(Warning::NoModel {
                key: key.to_owned(),
            });
        }
        models.push((key, format, entry));
    }
    let mut variants = Vec::new();
    for (key, runner) in status.runtimes() {
        let model = models.iter().find(|(known, ..)| *known == key);
        if let Some((_, format, entry)) = model {
            let files = entry.map(|entry| files(archive, key, entry));
            variants.push(variant(key, runner, format, files.unwrap_or_default()));
        }
    }
    for (key, ..) in &models {
        if !variants.iter().any(|variant| variant.name == *key) {
            warnings.push(Warning::NeverRun {
                key: (*key).to_owned(),
            });
        }
    }
    let onnx = models.iter().find_map(|(key, _, entry)| {
        let entry = (*entry)?;
        (Format::of_path(Path::new(entry.name())) == Some(Format::Onnx))
            .then(|| files(archive, key, entry))
    });
    let manifest = Manifest {
        format: CURRENT,
        model: Model {
            name: "model".to_owned(),
            format: status.framework().to_owned(),
            files: onnx.unwrap_or_default(),
            signature: recorded_signature(&status, warnings),
            batch_axis: status.batch_axis(),
        },
        variants,
        records: status.records(),
        decisions: Vec::new(),
        serving: None,
        provenance: Provenance {
            tool: "Model Navigator".to_owned(),
            version: status.model_navigator_version.clone().unwrap_or_default(),
            ..Provenance::default()
        },
        files: Vec::new(),
    };
    let origin = Origin::ModelNavigator {
        version: status.model_navigator_version,
        format: status.format_version,
    };
    Ok((origin, manifest))
}

/// The model's file is `<key>/model.<suffix>`, wherever the record says it was.
fn model_entry<'a>(archive: &'a Archive, key: &str) -> Option<&'a Entry> {
    let prefix = format!("{key}/model.");
    archive
        .entries()
        .find(|entry| entry.name().starts_with(&prefix))
}

/// The model and what lies beside it, but for what Model Navigator logged about making it.
fn files(archive: &Archive, key: &str, model: &Entry) -> Vec<VariantFile> {
    let folder = format!("{key}/");
    let below = archive.entries().filter_map(|entry| {
        let name = entry.name().strip_prefix(&folder)?;
        let about = Path::new(name).extension().is_some_and(|end| end == "log")
            || name.starts_with("reproduce_");
        (!about && entry.name() != model.name()).then_some((name, entry))
    });
    let own = model.name().strip_prefix(&folder);
    let own = own.map(|name| (name, model));
    let file = |(name, entry): (&str, &Entry)| VariantFile {
        name: name.to_owned(),
        entry: entry.name().to_owned(),
    };
    own.into_iter().chain(below).map(file).collect()
}

fn variant(key: &str, runner: &str, format: &str, files: Vec<VariantFile>) -> Variant {
    let on_gpu = runner.contains("CUDA") || runner.contains("TensorRT");
    Variant {
        name: key.to_owned(),
        format: format.to_owned(),
        runner: runner.to_owned(),
        device: if on_gpu { Device::Cuda(0) } else { Device::Cpu },
        settings: RunnerSettings::default(),
        instances: 1,
        files,
        built_for: None,
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
