//! A request to generate and its responses: flat objects whose members are tensors by their names.
//!
//! Knows a model by its signature only. A member that names an input is that input, and its shape is what the
//! signature makes of so many elements; whatever else is there is a parameter of the request.

use std::collections::BTreeMap;

use bytes::Bytes;
use nav_engine::{Input, Model, Request, Response, TensorKey};
use nav_package_format::{DType, Dim, Shape, Signature, TensorSpec};

use super::answer::parameter;
use super::asked::Wanted;
use super::asked::named;
use super::cursor::{Cursor, Kind};
use super::fault::Fault;
use super::leaves;
use super::members::text;
use super::outputs::{FormFault, outputs};
use super::parameters::Parameters;
use super::write::{integer, string};

/// Reads a request whose JSON is `body`.
pub(crate) fn read_generate(body: &[u8], model: &Model) -> Result<Request, Fault> {
    let mut cursor = Cursor::new(body);
    if cursor.kind()? != Kind::Object {
        return Err(cursor.wrong("the request is no object"));
    }
    let mut parts = Parts {
        signature: model.signature(),
        request: Request::new(),
        parameters: Parameters::default(),
    };
    cursor.object(&mut |cursor, name| parts.member(cursor, &name))?;
    cursor.end()?;
    let Parts {
        mut request,
        parameters,
        ..
    } = parts;
    request.correlation = parameters.correlation();
    request.priority = parameters.priority;
    request.timeout = parameters.timeout;
    request.parameters = parameters.others;
    Ok(request)
}

struct Parts<'model> {
    signature: &'model Signature,
    request: Request,
    parameters: Parameters,
}

impl Parts<'_> {
    /// A member of the request itself.
    fn member(&mut self, cursor: &mut Cursor<'_>, name: &str) -> Result<(), Fault> {
        match name {
            _ if self.signature.input(name).is_some() => self.input_or_parameter(cursor, name),
            "id" => {
                let id = text(cursor, "id")?;
                self.request.id = named(Some(&id))?;
                Ok(())
            }
            "parameters" if cursor.kind()? != Kind::Object => Err(Fault::ParametersKind),
            "parameters" => {
                cursor.object(&mut |cursor, name| self.input_or_parameter(cursor, &name))
            }
            _ => self.input_or_parameter(cursor, name),
        }
    }

    /// A member of the request or of its parameters, which means the same in both places.
    fn input_or_parameter(&mut self, cursor: &mut Cursor<'_>, name: &str) -> Result<(), Fault> {
        let Some((index, spec)) = self.signature.input(name) else {
            return self.parameters.member(cursor, name);
        };
        let key = TensorKey::Index(index);
        if self.request.inputs.iter().any(|input| input.key == key) {
            return Err(Fault::InputTwice {
                input: name.to_owned(),
            });
        }
        let (count, elements) = elements(cursor, spec)?;
        let shape = spread(spec, count).ok_or_else(|| Fault::Spread {
            input: name.to_owned(),
        })?;
        self.request.inputs.push(Input {
            key,
            dtype: spec.dtype,
            shape,
            frames: std::iter::once(elements).collect(),
        });
        Ok(())
    }
}

/// The one element or the elements of the array that come next, and how many there are.
fn elements(cursor: &mut Cursor<'_>, spec: &TensorSpec) -> Result<(usize, Bytes), Fault> {
    if matches!(spec.dtype, DType::Fp16 | DType::Bf16) {
        return Err(Fault::BinaryOnly {
            dtype: spec.dtype,
            input: spec.name.clone(),
        });
    }
    if cursor.kind()? != Kind::Array {
        return Ok((1, leaves::read_one(cursor, spec.dtype)?));
    }
    let range = cursor.skip()?;
    let mut count = 0;
    cursor.within(range.clone()).array(&mut |cursor| {
        if matches!(cursor.kind()?, Kind::Array | Kind::Object) {
            return Err(Fault::NotFlat {
                input: spec.name.clone(),
            });
        }
        count += 1;
        cursor.skip().map(drop)
    })?;
    let elements = leaves::read(&mut cursor.within(range), spec.dtype, count)?;
    Ok((count, elements))
}

/// The shape of so many elements: dimensions that are fixed take theirs, and the last of the open ones takes what is
/// left. `None` where they do not come out even.
fn spread(spec: &TensorSpec, count: usize) -> Option<Shape> {
    let Some(dims) = spec.dims.as_deref() else {
        return Some(Shape::from([count]));
    };
    let mut left = count;
    for dim in dims {
        if let Dim::Fixed(extent) = dim {
            let is_even = left.checked_rem(*extent)? == 0;
            left = is_even.then_some(left.checked_div(*extent)?)?;
        }
    }
    let mut extents: Vec<usize> = Vec::with_capacity(dims.len());
    for dim in dims.iter().rev() {
        extents.push(match dim {
            Dim::Fixed(extent) => *extent,
            _ => std::mem::replace(&mut left, 1),
        });
    }
    extents.reverse();
    (left == 1).then(|| Shape::new(extents))
}

/// A response as one flat object, its members in the order of their names.
pub(crate) fn compose_generated(
    model: &Model,
    id: Option<&str>,
    response: &Response,
) -> Result<String, FormFault> {
    let mut members: BTreeMap<&str, String> = BTreeMap::new();
    for (name, value) in &response.parameters {
        parameter(members.entry(name).or_default(), value);
    }
    let mut quoted = |name, value: &str| {
        let mut out = String::with_capacity(value.len() + 2);
        string(&mut out, value);
        members.insert(name, out);
    };
    quoted("model_name", model.name());
    quoted("model_version", &model.version().to_string());
    if let Some(id) = id {
        quoted("id", id);
    }
    for output in outputs(model, response, (&Wanted::default(), &|_| &[]))? {
        let mut out = String::new();
        if output.shape.element_count() == Ok(1) {
            output.elements(&mut out)?;
        } else {
            out.push('[');
            output.elements(&mut out)?;
            out.push(']');
        }
        members.insert(output.name, out);
    }
    let mut out = String::from("{");
    for (index, (name, value)) in members.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        string(&mut out, name);
        integer(&mut out, format_args!(":{value}"));
    }
    out.push('}');
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(dtype: DType, dims: &[Dim]) -> TensorSpec {
        TensorSpec {
            name: "x".to_owned(),
            dtype,
            dims: Some(dims.to_vec()),
            optional: false,
        }
    }

    #[test]
    fn elements_are_spread_over_the_shape_from_the_right() {
        let open = || Dim::Unknown;
        let check = |dims: &[Dim], count, expected: Option<&[usize]>| {
            let shape = spread(&spec(DType::Fp32, dims), count);
            assert_eq!(shape.as_deref(), expected, "{count} in {dims:?}");
        };
        check(&[Dim::Fixed(1)], 1, Some(&[1]));
        check(&[Dim::Fixed(1)], 2, None);
        check(&[open()], 5, Some(&[5]));
        check(&[open(), open()], 5, Some(&[1, 5]));
        check(&[open(), Dim::Fixed(3)], 6, Some(&[2, 3]));
        check(&[open(), Dim::Fixed(3), open()], 6, Some(&[1, 3, 2]));
        check(&[open(), Dim::Fixed(3)], 5, None);
        check(&[open(), Dim::Fixed(0)], 5, None);
        check(&[], 1, Some(&[]));
        check(&[], 2, None);
        check(&[open()], 0, Some(&[0]));
        let unknown = TensorSpec {
            dims: None,
            ..spec(DType::Fp32, &[])
        };
        assert_eq!(spread(&unknown, 4).as_deref(), Some(&[4][..]));
    }

    #[test]
    fn elements_are_one_or_a_flat_array() {
        let check = |json: &str, expected: Result<(usize, &[u8]), &str>| {
            let read = elements(&mut Cursor::new(json.as_bytes()), &spec(DType::Uint8, &[]));
            let read = read.map_err(|fault| fault.to_string());
            let read = read.as_ref().map(|(count, bytes)| (*count, &bytes[..]));
            assert_eq!(read.map_err(String::as_str), expected);
        };
        check("7", Ok((1, &[7])));
        check("[7, 8]", Ok((2, &[7, 8])));
        check("[]", Ok((0, &[])));
        check(
            "[[7]]",
            Err("input 'x' must be one element or a flat array of them"),
        );
        check(
            "[256]",
            Err("Unable to parse 'data': 256 is out of range for UINT8"),
        );
    }
}
