//! What is said of the model, of where it was measured, and of the package itself.

use nav_package_format::TensorSpec;
use nav_package_format::package::manifest::MeasuredOn;
use serde::Serialize;

use crate::report::subject::Subject;
use crate::report::words::{bytes, counted};

/// What is said of the model and the package.
#[derive(Debug, Serialize)]
pub(in crate::report) struct About {
    inputs: Vec<Tensor>,
    outputs: Vec<Tensor>,
    model: Vec<(String, String)>,
    /// Where it was measured; empty when that is not told.
    host: Vec<(String, String)>,
    package: Vec<(String, String)>,
    decisions: Vec<Decided>,
}

#[derive(Debug, Serialize)]
struct Tensor {
    name: String,
    dtype: &'static str,
    shape: String,
    optional: bool,
}

/// What a strategy chose when the package was made.
#[derive(Debug, Serialize)]
struct Decided {
    strategy: String,
    choice: Option<String>,
    why: String,
}

/// What is said of the model and the package.
pub(in crate::report) fn about(subject: &Subject<'_>) -> About {
    let manifest = subject.manifest;
    let signature = &manifest.model.signature;
    let decisions = manifest.decisions.iter().map(|decision| Decided {
        strategy: decision.strategy.clone(),
        choice: decision.choice.as_ref().map(|choice| {
            let batch = choice.measurement.batch;
            let batch = batch.map(|batch| format!(", batch {batch}"));
            format!("{}{}", choice.runtime, batch.unwrap_or_default())
        }),
        why: match (&decision.choice, &decision.refusal) {
            (Some(choice), _) => choice.why.clone(),
            (None, refusal) => refusal.clone().unwrap_or_default(),
        },
    });
    About {
        inputs: signature.inputs.iter().map(tensor).collect(),
        outputs: signature.outputs.iter().map(tensor).collect(),
        model: model(subject),
        host: manifest
            .provenance
            .host
            .as_ref()
            .map(host)
            .unwrap_or_default(),
        package: package(subject),
        decisions: decisions.collect(),
    }
}

fn tensor(spec: &TensorSpec) -> Tensor {
    Tensor {
        name: spec.name.clone(),
        dtype: spec.dtype.name(),
        shape: spec.dims_text(),
        optional: spec.optional,
    }
}

fn row(name: &str, value: impl Into<String>) -> (String, String) {
    (name.to_owned(), value.into())
}

fn model(subject: &Subject<'_>) -> Vec<(String, String)> {
    let model = &subject.manifest.model;
    let axis = match model.batch_axis {
        Some(axis) => axis.to_string(),
        None => "none".to_owned(),
    };
    let mut rows = vec![row("Name", &model.name), row("Format", &model.format)];
    let sizes = model
        .files
        .iter()
        .map(|file| Some(subject.manifest.file(&file.entry)?.bytes));
    let size: Option<u64> = sizes.sum();
    if let Some(size) = size.filter(|_| !model.files.is_empty()) {
        let files = counted(model.files.len(), "file");
        rows.push(row("Size", format!("{} in {files}", bytes(size))));
    }
    rows.push(row("Batch axis", axis));
    rows
}

fn host(host: &MeasuredOn) -> Vec<(String, String)> {
    let mut rows = vec![
        row(
            "Processor",
            format!(
                "{} ({}, {}, {})",
                host.processor,
                host.architecture,
                counted(host.cores, "core"),
                counted(host.threads, "thread")
            ),
        ),
        row("Memory", bytes(host.memory_bytes)),
        row("System", &host.system),
    ];
    rows.extend(host.gpus.iter().map(|gpu| row("GPU", gpu)));
    let runners = host.runners.iter();
    rows.extend(runners.map(|(runner, version)| row(runner, version)));
    rows
}

fn package(subject: &Subject<'_>) -> Vec<(String, String)> {
    let provenance = &subject.manifest.provenance;
    let mut rows = vec![
        row("Written by", &subject.written_by),
        row("Format", &subject.format),
    ];
    if !provenance.tool.is_empty() {
        let made_by = format!("{} {}", provenance.tool, provenance.version);
        rows.push(row("Made by", made_by.trim_end()));
    }
    if let Some(created) = &provenance.created {
        rows.push(row("Made", created));
    }
    let files = &subject.manifest.files;
    if !files.is_empty() {
        let total = files.iter().map(|file| file.bytes).sum();
        rows.push(row("Files", format!("{}, {}", files.len(), bytes(total))));
    }
    rows
}
