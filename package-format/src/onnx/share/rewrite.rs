//! Writes a model again with references in the place of weights that are in other files.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::ops::Range;
use std::path::Path;

use prost::Message as _;
use prost::encoding::{WireType, encode_key, encode_varint};

use super::error::ShareError;
use super::outline::{GRAPH, GraphPart, INITIALIZER, Outline, TensorParts, outline};
use super::weights::{Weight, each_piece, own};
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

/// What a model's file is made of.
enum Piece {
    Copied(Range<u64>),
    Written(Vec<u8>),
}

/// Writes the model to `to` with references to those of the given weights that it has too. `name` is what it
/// will find the file under that has the weights without a file name. Everything else is copied as it is.
/// Nothing is written when there is nothing to share.
pub fn share_weights(
    model: &Path,
    weights: &[Weight],
    name: &str,
    to: &Path,
) -> Result<Option<Shared>, ShareError> {
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
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| ShareError::Io { path, source }
    };
    let target = File::create_new(to).map_err(failed(to))?;
    let mut target = BufWriter::new(target);
    for piece in pieces {
        match piece {
            Piece::Copied(range) => each_piece(&source, range, |bytes| target.write_all(bytes)),
            Piece::Written(bytes) => target.write_all(&bytes),
        }
        .map_err(failed(to))?;
    }
    target
        .into_inner()
        .map_err(io::IntoInnerError::into_error)
        .map_err(failed(to))?;
    Ok(Some(shared))
}

fn pieces(outline: &Outline, known: &HashMap<u64, &Weight>, name: &str) -> Vec<Piece> {
    let mut graph = Vec::new();
    for part in &outline.graph {
        match part {
            GraphPart::Other(range) => graph.push(Piece::Copied(range.clone())),
            GraphPart::Weight(tensor) => {
                let weight = tensor.raw.as_ref().and_then(|raw| known.get(&raw.start));
                match weight {
                    Some(weight) => reference(tensor, weight, name, &mut graph),
                    None => graph.push(Piece::Copied(tensor.whole.clone())),
                }
            }
        }
    }
    let copied = |ranges: &[Range<u64>]| -> Vec<Piece> {
        ranges.iter().cloned().map(Piece::Copied).collect()
    };
    let mut pieces = copied(&outline.head);
    pieces.push(Piece::Written(start(GRAPH, length(&graph))));
    pieces.extend(graph);
    pieces.extend(copied(&outline.tail));
    pieces
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
    pieces.push(Piece::Written(start(INITIALIZER, length(&parts))));
    pieces.extend(parts);
}

fn length(pieces: &[Piece]) -> u64 {
    let lengths = pieces.iter().map(|piece| match piece {
        Piece::Copied(range) => range.end - range.start,
        Piece::Written(bytes) => bytes.len() as u64,
    });
    lengths.sum()
}

/// The key and the length of a message that is part of another.
fn start(field: u32, length: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_key(field, WireType::LengthDelimited, &mut bytes);
    encode_varint(length, &mut bytes);
    bytes
}
