//! Where in a model's file its parts are: what is copied as it is, and the tensors that hold the weights.

use std::io::{Read, Seek};
use std::ops::Range;

use crate::onnx::read::wire::{Field, Value, Wire};
use crate::onnx::{Limits, OnnxError};

/// The fields of the format that matter here: `ModelProto.graph`, `GraphProto.initializer` and `.input`,
/// `ValueInfoProto.name`, and of `TensorProto` the value and where it is.
pub(super) const GRAPH: u32 = 7;
pub(super) const INITIALIZER: u32 = 5;
const INPUT: u32 = 11;
const NAME: u32 = 1;
const RAW_DATA: u32 = 9;
const EXTERNAL_DATA: u32 = 13;
const DATA_LOCATION: u32 = 14;

/// A model's file in parts, in its order.
#[derive(Debug, Default)]
pub(super) struct Outline {
    /// What comes before the graph.
    pub(super) head: Vec<Range<u64>>,
    /// The parts of the graph.
    pub(super) graph: Vec<GraphPart>,
    /// What comes after the graph.
    pub(super) tail: Vec<Range<u64>>,
}

/// A part of the graph.
#[derive(Debug)]
pub(super) enum GraphPart {
    /// Anything but a weight or an input, with its key.
    Other(Range<u64>),
    /// An input.
    Input {
        /// What it is called.
        name: String,
        /// All of it, with its key.
        whole: Range<u64>,
    },
    /// A weight.
    Weight(TensorParts),
}

impl GraphPart {
    /// All of it, with its key.
    pub(super) fn whole(&self) -> Range<u64> {
        match self {
            Self::Other(whole) | Self::Input { whole, .. } => whole.clone(),
            Self::Weight(tensor) => tensor.whole.clone(),
        }
    }
}

/// A weight in parts.
#[derive(Debug, Default)]
pub(super) struct TensorParts {
    /// All of it, with its key.
    pub(super) whole: Range<u64>,
    /// What says what it is, with keys, but not its value.
    pub(super) about: Vec<Range<u64>>,
    /// Its value, if it is here as plain bytes.
    pub(super) raw: Option<Range<u64>>,
}

/// The outline of the model in `source`. A graph that is written in several pieces has none.
pub(super) fn outline(source: impl Read + Seek) -> Result<Option<Outline>, OnnxError> {
    let (mut wire, end) = Wire::new(source, Limits::default())?;
    let mut outline = Outline::default();
    let mut graphs = 0;
    while let Some(field) = wire.next(end)? {
        if field.number == GRAPH {
            graphs += 1;
            wire.each(field, |field, wire| {
                outline.graph.push(graph_part(field, wire)?);
                Ok(())
            })?;
            continue;
        }
        wire.skip(field)?;
        let rest = if graphs == 0 {
            &mut outline.head
        } else {
            &mut outline.tail
        };
        rest.push(field.offset..wire.offset);
    }
    Ok((graphs == 1).then_some(outline))
}

fn graph_part<R: Read + Seek>(field: Field, wire: &mut Wire<R>) -> Result<GraphPart, OnnxError> {
    match field.number {
        INITIALIZER => weight(field, wire).map(GraphPart::Weight),
        INPUT => input(field, wire),
        _ => {
            wire.skip(field)?;
            Ok(GraphPart::Other(field.offset..wire.offset))
        }
    }
}

fn input<R: Read + Seek>(field: Field, wire: &mut Wire<R>) -> Result<GraphPart, OnnxError> {
    let mut name = String::new();
    wire.each(field, |field, wire| match field.number {
        NAME => wire.name(&mut name, field),
        _ => wire.skip(field),
    })?;
    let whole = field.offset..wire.offset;
    Ok(GraphPart::Input { name, whole })
}

fn weight<R: Read + Seek>(field: Field, wire: &mut Wire<R>) -> Result<TensorParts, OnnxError> {
    let mut parts = TensorParts::default();
    wire.each(field, |field, wire| {
        let value_at = wire.offset;
        wire.skip(field)?;
        match (field.number, field.value) {
            (RAW_DATA, Value::Span(end)) => parts.raw = Some(value_at..end),
            (EXTERNAL_DATA | DATA_LOCATION, _) => {}
            _ => parts.about.push(field.offset..wire.offset),
        }
        Ok(())
    })?;
    parts.whole = field.offset..wire.offset;
    Ok(parts)
}
