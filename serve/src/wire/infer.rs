//! A request to infer: the JSON header and the binary blocks behind it, into what the engine takes.
//!
//! Knows a model by its signature only; what fits it beyond names is for the engine to say.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::ops::Range;

use bytes::Bytes;
use nav_engine::{Frames, Input, Model, TensorKey};
use nav_package_format::{DType, Dim, Shape, TensorSpec};
use smallvec::SmallVec;

use super::asked::{Asked, MOST_TENSORS, Wanted, find_input};
use super::cursor::{Cursor, Kind};
use super::fault::Fault;
use super::frames::cut;
use super::members::{boolean, expect, size, text, unsigned};
use super::parameters::Parameters;
use super::{leaves, members};
use crate::shared_memory::Place;

/// The most dimensions of a tensor.
const MOST_DIMENSIONS: usize = 1024;

/// Reads a request whose JSON is `header`; binary blocks are cut from `rest`.
pub(crate) fn read(
    header: &[u8],
    mut rest: VecDeque<Bytes>,
    model: &Model,
) -> Result<Asked, Fault> {
    let mut cursor = Cursor::new(header);
    let mut parts = Parts::default();
    if cursor.kind()? != Kind::Object {
        return Err(cursor.wrong("the request is no object"));
    }
    cursor.object(&mut |cursor, name| parts.member(cursor, &name))?;
    cursor.end()?;
    let inputs = parts.inputs.ok_or(Fault::Absent { member: "inputs" })?;
    let mut asked = Asked {
        wanted: Wanted {
            binary: parts.parameters.binary_data_output,
            outputs: SmallVec::new(),
        },
        ..Asked::of(parts.id.as_deref())?
    };
    for input in inputs {
        let place = input.form.place()?;
        let input = input.read(&cursor, &mut rest, model)?;
        asked.give(model, input, place)?;
    }
    if rest.iter().any(|frame| !frame.is_empty()) {
        return Err(Fault::Excess {
            model: model.name().to_owned(),
        });
    }
    for output in parts.outputs {
        let form = (output.form.binary, output.form.classes);
        asked.want(model, &output.name, form, output.form.place()?)?;
    }
    asked.heed(parts.parameters);
    Ok(asked)
}

/// A request without JSON: all of the body is the one input.
pub(crate) fn raw(mut body: VecDeque<Bytes>, model: &Model) -> Result<Asked, Fault> {
    let bytes = body.iter().map(Bytes::len).sum();
    let [spec] = model.signature().inputs.as_slice() else {
        return Err(Fault::RawInputs {
            inputs: model.signature().inputs.len(),
            model: model.name().to_owned(),
        });
    };
    let shape = deduced(spec, model.options().max_batch > 0, bytes);
    let shape = shape.ok_or_else(|| Fault::RawShape {
        input: spec.name.clone(),
        model: model.name().to_owned(),
        bytes,
    })?;
    let mut asked = Asked::of(None)?;
    asked.wanted.binary = true;
    asked.request.inputs.push(Input {
        key: TensorKey::Index(0),
        dtype: spec.dtype,
        shape,
        frames: cut(&mut body, bytes).unwrap_or_default(),
    });
    Ok(asked)
}

/// The shape of so many bytes, where one dimension at most is open. A batch has one row.
fn deduced(spec: &TensorSpec, has_batch: bool, bytes: usize) -> Option<Shape> {
    let dims = spec.dims.as_deref()?;
    let mut shape: Vec<usize> = Vec::with_capacity(dims.len());
    let mut open = None;
    for (index, dim) in dims.iter().enumerate() {
        match dim {
            Dim::Fixed(extent) => shape.push(*extent),
            _ if has_batch && index == 0 => shape.push(1),
            _ if open.is_none() => {
                open = Some(index);
                shape.push(1);
            }
            _ => return None,
        }
    }
    let row = Shape::new(shape.iter().copied())
        .byte_size(spec.dtype)
        .ok()??;
    if let Some(index) = open {
        if !bytes.is_multiple_of(row.max(1)) {
            return None;
        }
        *shape.get_mut(index)? = bytes.checked_div(row)?;
    }
    Some(Shape::new(shape))
}

#[derive(Default)]
struct Parts<'text> {
    id: Option<Box<str>>,
    parameters: Parameters,
    inputs: Option<Vec<InputPart<'text>>>,
    outputs: Vec<OutputPart<'text>>,
}

#[derive(Default)]
struct InputPart<'text> {
    name: Option<Cow<'text, str>>,
    dtype: Option<Cow<'text, str>>,
    shape: Option<Shape>,
    data: Option<Data>,
    form: Form,
}

/// The elements of an input that are written in JSON.
enum Data {
    /// Where they lie: they are read when it is known of what they are.
    Range(Range<usize>),
    /// They are read.
    Elements(Bytes),
}

struct OutputPart<'text> {
    name: Cow<'text, str>,
    form: Form,
}

/// What the parameters of a tensor say.
#[derive(Default)]
struct Form {
    binary_size: Option<usize>,
    binary: Option<bool>,
    classes: usize,
    region: Option<Box<str>>,
    region_offset: u64,
    region_size: Option<u64>,
}

/// Fails where there are as many already as there may be.
fn at_most(what: &'static str, found: usize, limit: usize) -> Result<(), Fault> {
    if found < limit {
        return Ok(());
    }
    Err(Fault::Many { what, limit })
}

impl<'text> Parts<'text> {
    fn member(&mut self, cursor: &mut Cursor<'text>, name: &str) -> Result<(), Fault> {
        match name {
            "id" => self.id = Some(text(cursor, "id")?.as_ref().into()),
            "parameters" => self.parameters.read(cursor)?,
            "inputs" => {
                expect(cursor, Kind::Array, ("inputs", "array"))?;
                let mut inputs = Vec::new();
                cursor.array(&mut |cursor| {
                    at_most("inputs", inputs.len(), MOST_TENSORS)?;
                    inputs.push(InputPart::scan(cursor)?);
                    Ok(())
                })?;
                self.inputs = Some(inputs);
            }
            "outputs" => {
                expect(cursor, Kind::Array, ("outputs", "array"))?;
                cursor.array(&mut |cursor| {
                    at_most("outputs", self.outputs.len(), MOST_TENSORS)?;
                    self.outputs.push(OutputPart::scan(cursor)?);
                    Ok(())
                })?;
            }
            _ => {
                cursor.skip()?;
            }
        }
        Ok(())
    }
}

impl<'text> InputPart<'text> {
    fn scan(cursor: &mut Cursor<'text>) -> Result<Self, Fault> {
        let mut part = Self::default();
        expect(cursor, Kind::Object, ("inputs", "object"))?;
        cursor.object(&mut |cursor, name| {
            match name.as_ref() {
                "name" => part.name = Some(text(cursor, "name")?),
                "datatype" => part.dtype = Some(text(cursor, "datatype")?),
                "shape" => {
                    expect(cursor, Kind::Array, ("shape", "array"))?;
                    let mut extents: SmallVec<[usize; 4]> = SmallVec::new();
                    cursor.array(&mut |cursor| {
                        at_most("dimensions", extents.len(), MOST_DIMENSIONS)?;
                        extents.push(size(cursor, "shape")?);
                        Ok(())
                    })?;
                    part.shape = Some(Shape::new(extents));
                }
                "data" => part.data = Some(part.take_data(cursor)?),
                "parameters" => part.form.read(cursor)?,
                _ => {
                    cursor.skip()?;
                }
            }
            Ok(())
        })?;
        Ok(part)
    }

    /// Reads the elements at once where it was said before of what they are, so that they are gone through once. What is
    /// wrong with them is told later, in its turn.
    fn take_data(&self, cursor: &mut Cursor<'text>) -> Result<Data, Fault> {
        let dtype = self.dtype.as_ref().and_then(|it| it.parse().ok());
        if let Some((dtype, shape)) = dtype.zip(self.shape.as_ref()) {
            let mut ahead = cursor.clone();
            if let Ok(elements) = read_data(&mut ahead, "", dtype, shape) {
                *cursor = ahead;
                return Ok(Data::Elements(elements));
            }
        }
        Ok(Data::Range(cursor.skip()?))
    }

    fn read(
        self,
        cursor: &Cursor<'text>,
        rest: &mut VecDeque<Bytes>,
        model: &Model,
    ) -> Result<Input, Fault> {
        let absent = |member| Fault::Absent { member };
        let name = self.name.ok_or_else(|| absent("name"))?;
        let shape = self.shape.ok_or_else(|| absent("shape"))?;
        let written = self.dtype.ok_or_else(|| absent("datatype"))?;
        let (index, dtype) = find_input(model, &name, &written)?;
        let frames = match (self.data, self.form.binary_size, self.form.region) {
            (None, None, Some(_)) => Frames::new(),
            (Some(data), None, None) => {
                let elements = match data {
                    Data::Elements(elements) => elements,
                    Data::Range(range) => {
                        read_data(&mut cursor.within(range), &name, dtype, &shape)?
                    }
                };
                std::iter::once(elements).collect()
            }
            (None, Some(size), None) => cut(rest, size).ok_or_else(|| Fault::Short {
                input: name.as_ref().to_owned(),
                missing: size - rest.iter().map(Bytes::len).sum::<usize>().min(size),
                model: model.name().to_owned(),
            })?,
            (data, size, region) => {
                let found = sources(data.is_some(), size.is_some(), region.is_some());
                return Err(Fault::Sources { found });
            }
        };
        Ok(Input {
            key: TensorKey::Index(index),
            dtype,
            shape,
            frames,
        })
    }
}

/// Which of the sources of an input were given.
fn sources(data: bool, size: bool, region: bool) -> String {
    let all = [
        (data, "'data'"),
        (size, "'binary_data_size'"),
        (region, "'shared_memory_region'"),
    ];
    let set = all.iter().filter(|(is_set, _)| *is_set);
    let set: Vec<&str> = set.map(|(_, name)| *name).collect();
    if set.is_empty() {
        return "no field is set".to_owned();
    }
    format!("fields set are: {}", set.join(", "))
}

fn read_data(
    cursor: &mut Cursor<'_>,
    name: &str,
    dtype: DType,
    shape: &Shape,
) -> Result<Bytes, Fault> {
    if matches!(dtype, DType::Fp16 | DType::Bf16) {
        return Err(Fault::BinaryOnly {
            dtype,
            input: name.to_owned(),
        });
    }
    let count = shape.element_count().map_err(|_| Fault::Shape {
        input: name.to_owned(),
    })?;
    leaves::read(cursor, dtype, count)
}

impl<'text> OutputPart<'text> {
    fn scan(cursor: &mut Cursor<'text>) -> Result<Self, Fault> {
        let mut found = None;
        let mut form = Form::default();
        expect(cursor, Kind::Object, ("outputs", "object"))?;
        cursor.object(&mut |cursor, member| {
            match member.as_ref() {
                "name" => found = Some(text(cursor, "name")?),
                "parameters" => form.read(cursor)?,
                _ => {
                    cursor.skip()?;
                }
            }
            Ok(())
        })?;
        let name = found.ok_or(Fault::Absent { member: "name" })?;
        Ok(Self { name, form })
    }
}

impl Form {
    /// Where the tensor lies, if it is in shared memory.
    fn place(&self) -> Result<Option<Place>, Fault> {
        let Some(region) = &self.region else {
            return Ok(None);
        };
        let member = "shared_memory_byte_size";
        Ok(Some(Place {
            region: region.clone(),
            offset: self.region_offset,
            byte_size: self.region_size.ok_or(Fault::Absent { member })?,
        }))
    }

    fn read(&mut self, cursor: &mut Cursor<'_>) -> Result<(), Fault> {
        expect(cursor, Kind::Object, ("parameters", "object"))?;
        cursor.object(&mut |cursor, name| {
            match name.as_ref() {
                "binary_data_size" => self.binary_size = Some(size(cursor, "binary_data_size")?),
                "binary_data" => self.binary = Some(boolean(cursor, "binary_data")?),
                "classification" => self.classes = members::size(cursor, "classification")?,
                "shared_memory_region" => {
                    self.region = Some(text(cursor, "shared_memory_region")?.as_ref().into());
                }
                "shared_memory_offset" => {
                    self.region_offset = unsigned(cursor, "shared_memory_offset")?;
                }
                "shared_memory_byte_size" => {
                    self.region_size = Some(unsigned(cursor, "shared_memory_byte_size")?);
                }
                _ => {
                    cursor.skip()?;
                }
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests;
