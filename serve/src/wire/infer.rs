//! A request to infer: the JSON header and the binary blocks behind it, into what the engine takes.
//!
//! Knows a model by its signature only; what fits it beyond names is for the engine to say.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::ops::Range;

use bytes::Bytes;
use nav_engine::{Input, Model, Request, TensorKey};
use nav_package_format::{DType, Dim, Shape, TensorSpec};
use smallvec::SmallVec;

use super::cursor::{Cursor, Kind};
use super::fault::Fault;
use super::frames::cut;
use super::members::{boolean, expect, size, text};
use super::parameters::Parameters;
use super::{leaves, members};

/// A request that was read, and in which form it wants its answer.
#[derive(Debug)]
pub(crate) struct Asked {
    /// For the engine.
    pub(crate) request: Request,
    /// For the answer.
    pub(crate) wanted: Wanted,
}

/// In which form the outputs are wanted.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    /// Whether as binary blocks, where nothing else is said.
    pub(crate) binary: bool,
    /// Those that something is said of, by their position in the signature.
    pub(crate) outputs: SmallVec<[WantedOutput; 2]>,
}

/// In which form one output is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WantedOutput {
    pub(crate) index: usize,
    pub(crate) binary: Option<bool>,
    /// How many classes; 0 for the output itself.
    pub(crate) classes: usize,
}

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
    let mut request = Request {
        id: parts.id.filter(|id| !id.is_empty()),
        ..Request::new()
    };
    for input in inputs {
        request.inputs.push(input.read(&cursor, &mut rest, model)?);
    }
    if rest.iter().any(|frame| !frame.is_empty()) {
        return Err(Fault::Excess {
            model: model.name().to_owned(),
        });
    }
    let mut asked = Asked {
        request,
        wanted: Wanted {
            binary: parts.parameters.binary_data_output,
            outputs: SmallVec::new(),
        },
    };
    for output in parts.outputs {
        let form = (output.form.binary, output.form.classes);
        asked.want(model, &output.name, form)?;
    }
    asked.heed(parts.parameters);
    Ok(asked)
}

impl Asked {
    /// Wants this output, as a binary block or not and as so many classes. One that is named twice is wanted once.
    pub(crate) fn want(
        &mut self,
        model: &Model,
        name: &str,
        (binary, classes): (Option<bool>, usize),
    ) -> Result<(), Fault> {
        let found = model.signature().output(name);
        let (index, _) = found.ok_or_else(|| Fault::Output {
            name: name.to_owned(),
            model: model.name().to_owned(),
        })?;
        if !self.wanted.outputs.iter().any(|known| known.index == index) {
            self.request.outputs.push(TensorKey::Index(index));
            self.wanted.outputs.push(WantedOutput {
                index,
                binary,
                classes,
            });
        }
        Ok(())
    }

    /// Says this too beside the tensors.
    pub(crate) fn heed(&mut self, parameters: Parameters) {
        let request = &mut self.request;
        request.correlation = parameters.correlation();
        request.priority = parameters.priority;
        request.timeout = parameters.timeout;
        request.parameters = parameters.others;
    }
}

/// The type of this name, and the position of the input that it is for.
pub(crate) fn find_input(model: &Model, name: &str, dtype: &str) -> Result<(usize, DType), Fault> {
    let parsed = dtype.parse().map_err(|_| Fault::DType {
        input: name.to_owned(),
        name: dtype.to_owned(),
    })?;
    let found = model.signature().input(name);
    let (index, _) = found.ok_or_else(|| Fault::Input {
        name: name.to_owned(),
        model: model.name().to_owned(),
    })?;
    Ok((index, parsed))
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
    let mut request = Request::new();
    request.inputs.push(Input {
        key: TensorKey::Index(0),
        dtype: spec.dtype,
        shape,
        frames: cut(&mut body, bytes).unwrap_or_default(),
    });
    let wanted = Wanted {
        binary: true,
        outputs: SmallVec::new(),
    };
    Ok(Asked { request, wanted })
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
    data: Option<Range<usize>>,
    form: Form,
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
    shared: bool,
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
                    inputs.push(InputPart::scan(cursor)?);
                    Ok(())
                })?;
                self.inputs = Some(inputs);
            }
            "outputs" => {
                expect(cursor, Kind::Array, ("outputs", "array"))?;
                cursor.array(&mut |cursor| {
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
                        extents.push(size(cursor, "shape")?);
                        Ok(())
                    })?;
                    part.shape = Some(Shape::new(extents));
                }
                // The type may be said behind the data, so that this is read later.
                "data" => part.data = Some(cursor.skip()?),
                "parameters" => part.form.read(cursor)?,
                _ => {
                    cursor.skip()?;
                }
            }
            Ok(())
        })?;
        Ok(part)
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
        let frames = match (self.data, self.form.binary_size, self.form.shared) {
            (_, _, true) => {
                return Err(Fault::SharedMemory {
                    name: name.into_owned(),
                });
            }
            (Some(range), None, false) => {
                let mut cursor = cursor.within(range);
                std::iter::once(read_data(&mut cursor, &name, dtype, &shape)?).collect()
            }
            (None, Some(size), false) => cut(rest, size).ok_or_else(|| Fault::Short {
                input: name.as_ref().to_owned(),
                missing: size - rest.iter().map(Bytes::len).sum::<usize>().min(size),
                model: model.name().to_owned(),
            })?,
            (Some(_), Some(_), false) => {
                let found = "fields set are: 'data', 'binary_data_size'";
                return Err(Fault::Sources { found });
            }
            (None, None, false) => {
                let found = "no field is set";
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
        if form.shared {
            return Err(Fault::SharedMemory {
                name: name.into_owned(),
            });
        }
        Ok(Self { name, form })
    }
}

impl Form {
    fn read(&mut self, cursor: &mut Cursor<'_>) -> Result<(), Fault> {
        expect(cursor, Kind::Object, ("parameters", "object"))?;
        cursor.object(&mut |cursor, name| {
            match name.as_ref() {
                "binary_data_size" => self.binary_size = Some(size(cursor, "binary_data_size")?),
                "binary_data" => self.binary = Some(boolean(cursor, "binary_data")?),
                "classification" => self.classes = members::size(cursor, "classification")?,
                "shared_memory_region" => {
                    self.shared = true;
                    cursor.skip()?;
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
