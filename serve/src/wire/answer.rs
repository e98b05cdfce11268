//! An answer: the JSON of it, and the binary blocks as slices of what the runner wrote.

use bytes::Bytes;
use nav_engine::{Model, Parameter, Response};
use nav_package_format::{DType, Shape, TensorSpec, strings};
use smallvec::SmallVec;

use super::classify::classify;
use super::infer::Wanted;
use super::write::{double, integer, separated, string};

/// An answer to be sent: JSON first, then blocks.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The JSON.
    pub(crate) header: Bytes,
    /// What follows it.
    pub(crate) blocks: SmallVec<[Bytes; 2]>,
}

/// Why an output cannot be given in the form that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FormFault {
    /// Its type has no form in JSON.
    #[error(
        "sending {dtype} data via JSON is not supported. Please use the binary data format for output {output}"
    )]
    BinaryOnly {
        /// The type.
        dtype: DType,
        /// The output.
        output: String,
    },
    /// Its strings are no text.
    #[error(
        "output {output} holds strings that are not UTF-8. Please use the binary data format for it"
    )]
    NotText {
        /// The output.
        output: String,
    },
    /// Its elements cannot be ranked.
    #[error("classification is not possible on output {output} of datatype {dtype}")]
    Classes {
        /// The output.
        output: String,
        /// The type.
        dtype: DType,
    },
    /// The model says one thing of it and gives another.
    #[error("output {output} does not hold what its shape says")]
    Contents {
        /// The output.
        output: String,
    },
}

/// Labels of the elements of an output, by its name.
pub(crate) type LabelsOf<'a> = &'a dyn Fn(&str) -> &'a [String];

/// An output as it is written.
pub(super) struct Output<'a> {
    name: &'a str,
    dtype: DType,
    shape: &'a Shape,
    bytes: &'a Bytes,
}

/// The answer that this response is to whoever asked for it like this.
pub(crate) fn compose(
    model: &Model,
    id: Option<&str>,
    response: &Response,
    (wanted, labels): (&Wanted, LabelsOf<'_>),
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
    let mut is_first = true;
    for (index, spec) in model.signature().outputs.iter().enumerate() {
        let Some(output) = Output::of(spec, index, response) else {
            continue;
        };
        if !std::mem::take(&mut is_first) {
            out.push(',');
        }
        let form = wanted.outputs.iter().find(|output| output.index == index);
        let is_binary = form.and_then(|form| form.binary).unwrap_or(wanted.binary);
        let classes = form.map_or(0, |form| form.classes);
        let block = if classes > 0 {
            let asked = (classes, model.options().max_batch > 0);
            output.classified(&mut out, asked, labels(&spec.name), is_binary)?
        } else {
            output.write(&mut out, is_binary)?
        };
        blocks.extend(block);
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

impl<'a> Output<'a> {
    /// The output at this position of the signature, if the response has it.
    pub(super) fn of(spec: &'a TensorSpec, index: usize, response: &'a Response) -> Option<Self> {
        let tensor = response.output(index)?;
        Some(Self {
            name: &spec.name,
            dtype: tensor.desc.dtype,
            shape: &tensor.desc.shape,
            bytes: &tensor.bytes,
        })
    }

    /// Whether it has just one element.
    pub(super) fn is_one(&self) -> bool {
        self.shape.element_count() == Ok(1)
    }

    fn classified(
        &self,
        out: &mut String,
        asked: (usize, bool),
        labels: &[String],
        is_binary: bool,
    ) -> Result<Option<Bytes>, FormFault> {
        let classified = classify(self.dtype, self.shape, self.bytes, asked, labels);
        let (shape, texts) = classified.ok_or_else(|| FormFault::Classes {
            output: self.name.to_owned(),
            dtype: self.dtype,
        })?;
        let bytes = strings::encode(texts).map_err(|_| self.contents())?;
        let classes = Output {
            name: self.name,
            dtype: DType::Bytes,
            shape: &shape,
            bytes: &bytes.into(),
        };
        classes.write(out, is_binary)
    }

    fn contents(&self) -> FormFault {
        FormFault::Contents {
            output: self.name.to_owned(),
        }
    }

    /// Writes what it is, and its elements too unless they are to follow as a block.
    fn write(&self, out: &mut String, is_binary: bool) -> Result<Option<Bytes>, FormFault> {
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
        if is_binary {
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

    /// Writes its elements with commas between them.
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
                let elements = strings::decode(self.bytes, count).map_err(|_| self.contents())?;
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
