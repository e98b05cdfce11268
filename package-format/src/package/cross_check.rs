//! What a package records of its model against the model's own graph, which is right.

use std::path::Path;

use super::manifest::Manifest;
use super::warning::{Role, Warning};
use crate::archive::Archive;
use crate::onnx::{self, ModelFacts};
use crate::{Dim, Format, TensorSpec};

/// Compares the recorded signature with the graph's, and takes the graph's over. A graph that cannot be read
/// is a warning: whoever loads it will say more.
pub(super) fn cross_check(archive: &Archive, manifest: &mut Manifest, warnings: &mut Vec<Warning>) {
    let model = &mut manifest.model;
    let Some(entry) = model.files.first().map(|file| file.entry.as_str()) else {
        return;
    };
    if Format::of_path(Path::new(entry)) != Some(Format::Onnx) {
        return;
    }
    let Some(window) = archive.window(entry) else {
        return;
    };
    let facts = onnx::read(window, &onnx::Limits::default())
        .and_then(|model| ModelFacts::new(&model, Vec::new()));
    match facts {
        Ok(facts) => {
            let (recorded, graph) = (&model.signature, facts.signature);
            compare(Role::Input, &recorded.inputs, &graph.inputs, warnings);
            compare(Role::Output, &recorded.outputs, &graph.outputs, warnings);
            model.signature = graph;
        }
        Err(error) => warnings.push(Warning::Unreadable {
            entry: entry.to_owned(),
            reason: error.to_string(),
        }),
    }
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
