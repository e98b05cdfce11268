//! Writes a model again without inputs that nobody is to give.

use std::path::Path;

use super::error::RewriteError;
use super::outline::{GraphPart, outline};
use super::pieces::{Piece, with_graph, write};
use crate::file;
use crate::onnx;

/// Writes the model to `to` without the inputs that it needs and that are not in `wanted`. Inputs that have a value
/// in the model stay. Nothing is written, and the answer is `false`, when there is no such input.
pub fn keep_inputs(model: &Path, wanted: &[&str], to: &Path) -> Result<bool, RewriteError> {
    let facts = onnx::verify(model)?;
    let needed = facts.signature.inputs.iter();
    let unwanted = needed.filter(|input| !wanted.contains(&input.name.as_str()));
    if unwanted.clone().next().is_none() {
        return Ok(false);
    }
    let (source, _) = file::open(model)?;
    let Some(outline) = outline(&source)? else {
        return Ok(false);
    };
    let kept = outline.graph.iter().filter(|part| match part {
        GraphPart::Input { name, .. } => !unwanted.clone().any(|input| input.name == *name),
        GraphPart::Other(_) | GraphPart::Weight(_) => true,
    });
    let graph = kept.map(|part| Piece::Copied(part.whole())).collect();
    write(&source, with_graph(&outline, graph), to)?;
    Ok(true)
}
