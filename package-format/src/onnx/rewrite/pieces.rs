//! A model's file as it is to be written: ranges of another file, and what is new.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::ops::Range;
use std::path::Path;

use prost::encoding::{WireType, encode_key, encode_varint};

use super::error::RewriteError;
use super::outline::{GRAPH, Outline};
use super::weights::each_piece;

/// What a model's file is made of.
pub(super) enum Piece {
    Copied(Range<u64>),
    Written(Vec<u8>),
}

/// A model with this graph in the place of its own.
pub(super) fn with_graph(outline: &Outline, graph: Vec<Piece>) -> Vec<Piece> {
    let copied = |ranges: &[Range<u64>]| -> Vec<Piece> {
        ranges.iter().cloned().map(Piece::Copied).collect()
    };
    let mut pieces = copied(&outline.head);
    pieces.extend(message(GRAPH, graph));
    pieces.extend(copied(&outline.tail));
    pieces
}

/// A message that is part of another: its key and length, and what it is made of.
pub(super) fn message(field: u32, parts: Vec<Piece>) -> impl Iterator<Item = Piece> {
    let mut start = Vec::new();
    encode_key(field, WireType::LengthDelimited, &mut start);
    encode_varint(length(&parts), &mut start);
    std::iter::once(Piece::Written(start)).chain(parts)
}

fn length(pieces: &[Piece]) -> u64 {
    let lengths = pieces.iter().map(|piece| match piece {
        Piece::Copied(range) => range.end - range.start,
        Piece::Written(bytes) => bytes.len() as u64,
    });
    lengths.sum()
}

/// Writes these pieces to a path where nothing is; what is copied comes from `source`.
pub(super) fn write(source: &File, pieces: Vec<Piece>, to: &Path) -> Result<(), RewriteError> {
    let failed = |source| RewriteError::Io {
        path: to.to_owned(),
        source,
    };
    let mut target = BufWriter::new(File::create_new(to).map_err(failed)?);
    for piece in pieces {
        match piece {
            Piece::Copied(range) => each_piece(source, range, |bytes| target.write_all(bytes)),
            Piece::Written(bytes) => target.write_all(&bytes),
        }
        .map_err(failed)?;
    }
    let flushed = target.into_inner().map_err(io::IntoInnerError::into_error);
    flushed.map(drop).map_err(failed)
}
