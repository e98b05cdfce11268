//! The weights of a model that are worth sharing: where each is, and what it is by its digest.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::error::RewriteError;
use super::outline::{GraphPart, outline};
use crate::onnx::external::Location;
use crate::onnx::{self, Limits};
use crate::{Digest, Hasher, file};

/// What is smaller is copied. Runtimes look at the values of small tensors before they read external data.
const WORTH_SHARING: u64 = 4096;
/// How much is read at once.
const PIECE: u64 = 1 << 18;

/// A weight in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weight {
    /// The file that the model refers to, as it names it; none for the model's own file.
    pub file: Option<String>,
    /// Where its bytes are in the file.
    pub range: Range<u64>,
    /// The digest of its bytes.
    pub digest: Digest,
}

/// The weights of the model at this path that are worth sharing.
pub fn weights_of(path: &Path) -> Result<Vec<Weight>, RewriteError> {
    onnx::verify(path)?;
    let (model, _) = file::open(path)?;
    let mut weights = own(&model, path)?
        .into_iter()
        .map(|(range, digest)| Weight {
            file: None,
            range,
            digest,
        })
        .collect();
    elsewhere(&model, path, &mut weights)?;
    Ok(weights)
}

/// Places and digests of the weights that are in a model's own file.
pub(super) fn own(model: &File, path: &Path) -> Result<Vec<(Range<u64>, Digest)>, RewriteError> {
    let outline = outline(model)?.unwrap_or_default();
    let mut weights = Vec::new();
    for part in &outline.graph {
        let GraphPart::Weight(tensor) = part else {
            continue;
        };
        let Some(range) = tensor.raw.clone().filter(is_worth_sharing) else {
            continue;
        };
        weights.push((range.clone(), digest(model, path, range)?));
    }
    Ok(weights)
}

fn is_worth_sharing(range: &Range<u64>) -> bool {
    range.end - range.start >= WORTH_SHARING
}

/// The weights that a model has in other files. Their places were checked when the model was.
fn elsewhere(model: &File, path: &Path, weights: &mut Vec<Weight>) -> Result<(), RewriteError> {
    let structure = onnx::read(model, &Limits::default())?;
    let folder = path.parent().unwrap_or(Path::new("."));
    for tensor in structure.tensors().filter(|tensor| tensor.external) {
        let value = |key: &str| {
            let mut entries = tensor.external_data.iter();
            entries
                .find(|entry| entry.key == key)
                .map(|entry| entry.value.as_str())
        };
        let number = |key: &str| value(key).and_then(|text| text.parse::<u64>().ok());
        let location = value("location").and_then(|text| Location::parse(text).ok());
        let (Some(location), Some(length)) = (location, number("length")) else {
            continue;
        };
        let start = number("offset").unwrap_or_default();
        let range = start..start.saturating_add(length);
        if !is_worth_sharing(&range) {
            continue;
        }
        let other = folder.join(location.as_str());
        let (open, _) = file::open(&other)?;
        weights.push(Weight {
            file: Some(location.as_str().to_owned()),
            digest: digest(&open, &other, range.clone())?,
            range,
        });
    }
    Ok(())
}

fn digest(file: &File, path: &Path, range: Range<u64>) -> Result<Digest, RewriteError> {
    let mut hasher = Hasher::default();
    each_piece(file, range, |piece| {
        hasher.update(piece);
        Ok(())
    })
    .map_err(|source| RewriteError::Io {
        path: path.to_owned(),
        source,
    })?;
    Ok(hasher.finish())
}

/// Hands out the bytes of a range in pieces.
pub(super) fn each_piece(
    file: &File,
    range: Range<u64>,
    mut each: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let mut piece = Vec::new();
    let mut at = range.start;
    while at < range.end {
        let count = (range.end - at).min(PIECE);
        piece.resize(usize::try_from(count).unwrap_or_default(), 0);
        file.read_exact_at(&mut piece, at)?;
        each(&piece)?;
        at += count;
    }
    Ok(())
}
