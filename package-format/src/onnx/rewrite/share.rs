//! Writes a model again with references in the place of weights that are in other files.

use std::collections::HashMap;
use std::path::Path;

use prost::Message as _;

use super::error::RewriteError;
use super::outline::{GraphPart, INITIALIZER, Outline, TensorParts, outline};
use super::pieces::{Piece, message, with_graph, write};
use super::weights::{Weight, own};
use crate::onnx::proto::tensor_proto::DataLocation;
use crate::onnx::proto::{StringStringEntryProto, TensorProto};
use crate::{Digest, file};

/// What was shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shared {
    /// How many weights.
    pub weights: usize,
    /// How many bytes they have.
    pub bytes: u64,
}

/// Writes the model to `to` with references to those of the given weights that it has too. `name` is what it
/// will find the file under that has the weights without a file name. Everything else is copied as it is.
/// Nothing is written when there is nothing to share.
pub fn share_weights(
    model: &Path,
    weights: &[Weight],
    name: &str,
    to: &Path,
) -> Result<Option<Shared>, RewriteError> {
    let (source, _) = file::open(model)?;
    let by_digest: HashMap<Digest, &Weight> = weights
        .iter()
        .map(|weight| (weight.digest, weight))
        .collect();
    let known: HashMap<u64, &Weight> = own(&source, model)?
        .into_iter()
        .filter_map(|(range, digest)| Some((range.start, *by_digest.get(&digest)?)))
        .collect();
    let Some(outline) = outline(&source)?.filter(|_| !known.is_empty()) else {
        return Ok(None);
    };
    let shared = Shared {
        weights: known.len(),
        bytes: known
            .values()
            .map(|weight| weight.range.end - weight.range.start)
            .sum(),
    };
    let pieces = pieces(&outline, &known, name);
    write(&source, pieces, to)?;
    Ok(Some(shared))
}

fn pieces(outline: &Outline, known: &HashMap<u64, &Weight>, name: &str) -> Vec<Piece> {
    let mut graph = Vec::new();
    for part in &outline.graph {
        match part {
            GraphPart::Other(_) | GraphPart::Input { .. } => {
                graph.push(Piece::Copied(part.whole()));
            }
            GraphPart::Weight(tensor) => {
                let weight = tensor.raw.as_ref().and_then(|raw| known.get(&raw.start));
                match weight {
                    Some(weight) => reference(tensor, weight, name, &mut graph),
                    None => graph.push(Piece::Copied(tensor.whole.clone())),
                }
            }
        }
    }
    with_graph(outline, graph)
}

/// A tensor that says where its value is instead of having it.
fn reference(tensor: &TensorParts, weight: &Weight, name: &str, pieces: &mut Vec<Piece>) {
    let entry = |key: &str, value: String| StringStringEntryProto {
        key: Some(key.to_owned()),
        value: Some(value),
    };
    let location = weight.file.as_deref().unwrap_or(name).to_owned();
    let where_it_is = TensorProto {
        external_data: vec![
            entry("location", location),
            entry("offset", weight.range.start.to_string()),
            entry(
                "length",
                (weight.range.end - weight.range.start).to_string(),
            ),
        ],
        data_location: Some(DataLocation::External.into()),
        ..TensorProto::default()
    };
    let mut parts: Vec<Piece> = tensor.about.iter().cloned().map(Piece::Copied).collect();
    parts.push(Piece::Written(where_it_is.encode_to_vec()));
    pieces.extend(message(INITIALIZER, parts));
}
