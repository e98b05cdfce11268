//! Reads models, graphs, nodes and what else is not a tensor or a type.

use std::io::{Read, Seek};

use super::take::Message;
use super::wire::{Field, Wire};
use crate::onnx::error::OnnxError;
use crate::onnx::limits::Limits;
use crate::onnx::payload;
use crate::onnx::structure::{Attribute, Function, Graph, Model, Node, OpsetImport, Training};

/// Reads the structure of a model. Values of tensors are passed over and measured; the measure must be
/// what shape and type of the tensor ask for. The time is linear in the size of the file, the memory
/// bounded by the limits, and nothing but `source` is touched.
pub fn read(source: impl Read + Seek, limits: &Limits) -> Result<Model, OnnxError> {
    let (mut wire, end) = Wire::new(source, *limits)?;
    if end == 0 {
        return Err(OnnxError::Empty);
    }
    if end > limits.file_bytes {
        return Err(OnnxError::TooLarge {
            bytes: end,
            limit: limits.file_bytes,
        });
    }
    let mut model = Model::default();
    if let Err(error) = read_fields(&mut model, &mut wire, end) {
        // Bytes that go wrong before anything was recognised are no damaged model, but none at all.
        let recognised = model.ir_version.is_some() || model.graph.is_some();
        return Err(if recognised || !error.is_integrity() {
            error
        } else {
            not_onnx(error.to_string())
        });
    }
    match (model.ir_version, &model.graph) {
        (Some(_), Some(_)) => {}
        (None, _) => return Err(not_onnx("it has no format version".to_owned())),
        (_, None) => return Err(not_onnx("it has no graph".to_owned())),
    }
    for scope in model.scopes() {
        scope.tensors().try_for_each(payload::check)?;
        scope.sparse_tensors().try_for_each(payload::check_sparse)?;
    }
    Ok(model)
}

const fn not_onnx(because: String) -> OnnxError {
    OnnxError::NotOnnx { because }
}

fn read_fields<R: Read + Seek>(
    model: &mut Model,
    wire: &mut Wire<R>,
    end: u64,
) -> Result<(), OnnxError> {
    while let Some(field) = wire.next(end)? {
        model.field(field, wire)?;
    }
    Ok(())
}

impl Message for Model {
    fn field<R: Read + Seek>(&mut self, field: Field, wire: &mut Wire<R>) -> Result<(), OnnxError> {
        match field.number {
            1 => self.ir_version = Some(field.signed()?),
            2 => wire.name(&mut self.producer_name, field)?,
            3 => wire.name(&mut self.producer_version, field)?,
            4 => wire.name(&mut self.domain, field)?,
            5 => self.model_version = field.signed()?,
            7 => wire.merge(self.graph.get_or_insert_default(), field)?,
            8 => wire.push(&mut self.opset_imports, field)?,
            14 => wire.push(&mut self.metadata, field)?,
            20 => wire.push(&mut self.training, field)?,
            25 => wire.push(&mut self.functions, field)?,
            _ => wire.skip(field)?,
        }
        Ok(())
    }
}

impl Message for OpsetImport {
    fn field<R: Read + Seek>(&mut self, field: Field, wire: &mut Wire<R>) -> Result<(), OnnxError> {
        match field.number {
            1 => wire.name(&mut self.domain, field)?,
            2 => self.version = field.signed()?,
            _ => wire.skip(field)?,
        }
        Ok(())
    }
}

impl Message for Graph {
    fn field<R: Read + Seek>(&mut self, field: Field, wire: &mut Wire<R>) -> Result<(), OnnxError> {
        match field.number {
            1 => wire.push(&mut self.nodes, field),
            2 => wire.name(&mut self.name, field),
            5 => wire.push(&mut self.initializers, field),
            11 => wire.push(&mut self.inputs, field),
            12 => wire.push(&mut self.outputs, field),
            15 => wire.push(&mut self.sparse_initializers, field),
            _ => wire.skip(field),
        }
    }
}

impl Message for Node {
    fn field<R: Read + Seek>(&mut self, field: Field, wire: &mut Wire<R>) -> Result<(), OnnxError> {
        match field.number {
            1 => wire.push_name(&mut self.inputs, field),
            2 => wire.push_name(&mut self.outputs, field),
            3 => wire.name(&mut self.name, field),
            4 => wire.name(&mut self.op_type, field),
            5 => wire.push(&mut self.attributes, field),
            7 => wire.name(&mut self.domain, field),
            _ => wire.skip(field),
        }
    }
}

impl Message for Attribute {
    fn field<R: Read + Seek>(&mut self, field: Field, wire: &mut Wire<R>) -> Result<(), OnnxError> {
        match field.number {
            1 => wire.name(&mut self.name, field)?,
            3 => self.integer = Some(field.signed()?),
            5 => wire.merge_boxed(&mut self.tensor, field)?,
            6 => wire.merge_boxed(&mut self.graph, field)?,
            10 => wire.push(&mut self.tensors, field)?,
            11 => wire.push(&mut self.graphs, field)?,
            22 => wire.merge_boxed(&mut self.sparse_tensor, field)?,
            23 => wire.push(&mut self.sparse_tensors, field)?,
            _ => wire.skip(field)?,
        }
        Ok(())
    }
}

impl Message for Function {
    fn field<R: Read + Seek>(&mut self, field: Field, wire: &mut Wire<R>) -> Result<(), OnnxError> {
        match field.number {
            1 => wire.name(&mut self.name, field),
            7 => wire.push(&mut self.nodes, field),
            10 => wire.name(&mut self.domain, field),
            11 => wire.push(&mut self.attributes, field),
            _ => wire.skip(field),
        }
    }
}

impl Message for Training {
    fn field<R: Read + Seek>(&mut self, field: Field, wire: &mut Wire<R>) -> Result<(), OnnxError> {
        match field.number {
            1 => wire.merge(self.initialization.get_or_insert_default(), field),
            2 => wire.merge(self.algorithm.get_or_insert_default(), field),
            _ => wire.skip(field),
        }
    }
}
