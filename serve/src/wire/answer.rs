//! An answer: the JSON of it, and the binary blocks as slices of what the runner wrote.

use bytes::Bytes;
use nav_engine::{Model, Parameter, Response};
use nav_package_format::{DType, strings};
use smallvec::SmallVec;

use super::asked::Wanted;
use super::outputs::{FormFault, LabelsOf, Output, outputs};
use super::write::{double, integer, separated, string};

/// An answer to be sent: JSON first, then blocks.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The JSON.
    pub(crate) header: Bytes,
    /// What follows it.
    pub(crate) blocks: SmallVec<[Bytes; 2]>,
}

/// The answer that this response is to whoever asked for it like this.
pub(crate) fn compose(
    model: &Model,
    id: Option<&str>,
    response: &Response,
    form: (&Wanted, LabelsOf<'_>),
) -> Result<Answer, FormFault> {
    let mut out = String::with_capacity(256);
    out.push('{');
    if let Some(id) = id {
        out.push_str("\"id\":");
        string(&mut out, id);
        out.push(',');
    }
    out.push_str("\"model_name\":");
    string(&mut out, model.name());
    integer(
        &mut out,
        format_args!(",\"model_version\":\"{}\"", model.version()),
    );
    parameters(&mut out, &response.parameters);
    out.push_str(",\"outputs\":[");
    let mut blocks = SmallVec::new();
    for (index, output) in outputs(model, response, form)?.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        blocks.extend(output.write(&mut out)?);
    }
    out.push_str("]}");
    Ok(Answer {
        header: out.into(),
        blocks,
    })
}

fn parameters(out: &mut String, parameters: &[(Box<str>, Parameter)]) {
    if parameters.is_empty() {
        return;
    }
    out.push_str(",\"parameters\":{");
    for (index, (name, value)) in parameters.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        string(out, name);
        out.push(':');
        parameter(out, value);
    }
    out.push('}');
}

/// Writes the value of a parameter.
pub(super) fn parameter(out: &mut String, value: &Parameter) {
    match value {
        Parameter::Bool(value) => integer(out, value),
        Parameter::Int(number) => integer(out, number),
        Parameter::Uint(number) => integer(out, number),
        Parameter::Double(number) => double(out, *number),
        Parameter::Text(text) => string(out, text),
    }
}

impl Output<'_> {
    /// Writes what it is, and its elements too unless they are to follow as a block.
    fn write(&self, out: &mut String) -> Result<Option<Bytes>, FormFault> {
        out.push_str("{\"name\":");
        string(out, self.name);
        integer(
            out,
            format_args!(",\"datatype\":\"{}\",\"shape\":[", self.dtype),
        );
        for (index, extent) in self.shape.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            integer(out, extent);
        }
        out.push(']');
        if self.is_placed {
            out.push('}');
            return Ok(None);
        }
        if self.is_binary {
            let size = self.bytes.len();
            integer(
                out,
                format_args!(",\"parameters\":{{\"binary_data_size\":{size}}}}}"),
            );
            return Ok(Some(self.bytes.clone()).filter(|bytes| !bytes.is_empty()));
        }
        out.push_str(",\"data\":[");
        self.elements(out)?;
        out.push_str("]}");
        Ok(None)
    }

    pub(super) fn elements(&self, out: &mut String) -> Result<(), FormFault> {
        macro_rules! write_all {
            ($kind:ty, $write:expr) => {{
                let (whole, rest) = self.bytes.as_chunks::<{ size_of::<$kind>() }>();
                if !rest.is_empty() {
                    return Err(self.contents());
                }
                let numbers = whole.iter().map(|bytes| <$kind>::from_le_bytes(*bytes));
                separated(out, numbers, $write);
            }};
        }
        match self.dtype {
            DType::Bool => separated(out, self.bytes.iter(), |out, byte| integer(out, *byte != 0)),
            DType::Uint8 => write_all!(u8, integer),
            DType::Uint16 => write_all!(u16, integer),
            DType::Uint32 => write_all!(u32, integer),
            DType::Uint64 => write_all!(u64, integer),
            DType::Int8 => write_all!(i8, integer),
            DType::Int16 => write_all!(i16, integer),
            DType::Int32 => write_all!(i32, integer),
            DType::Int64 => write_all!(i64, integer),
            DType::Fp32 => write_all!(f32, |out: &mut String, number| double(out, number.into())),
            DType::Fp64 => write_all!(f64, double),
            DType::Fp16 | DType::Bf16 => {
                return Err(FormFault::BinaryOnly {
                    dtype: self.dtype,
                    output: self.name.to_owned(),
                });
            }
            DType::Bytes => {
                let count = self.shape.element_count().map_err(|_| self.contents())?;
                let elements = strings::decode(&self.bytes, count).map_err(|_| self.contents())?;
                let texts: Result<Vec<&str>, _> =
                    elements.into_iter().map(std::str::from_utf8).collect();
                let texts = texts.map_err(|_| FormFault::NotText {
                    output: self.name.to_owned(),
                })?;
                separated(out, texts, string);
            }
        }
        Ok(())
    }
}
