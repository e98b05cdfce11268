//! The outputs of a response, each in the form that was asked for: as it is, or as its classes.

use bytes::Bytes;
use nav_engine::{Model, Response};
use nav_package_format::{DType, Shape, strings};
use smallvec::SmallVec;

use super::asked::Wanted;
use super::classify::classify;
use crate::aside::HEAVY;

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
    /// It has too many elements to be ranked.
    #[error(
        "classification is not possible on output {output} with more than {MOST_RANKED} elements"
    )]
    Ranked {
        /// The output.
        output: String,
    },
    /// The model says one thing of it and gives another.
    #[error("output {output} does not hold what its shape says")]
    Contents {
        /// The output.
        output: String,
    },
}

/// The most elements of an output that is to be ranked.
pub(crate) const MOST_RANKED: usize = 1_000_000;

/// Labels of the elements of an output, by its name.
pub(crate) type LabelsOf<'a> = &'a dyn Fn(&str) -> &'a [String];

/// An output as it is told.
#[derive(Debug)]
pub(crate) struct Output<'a> {
    pub(crate) name: &'a str,
    pub(crate) dtype: DType,
    pub(crate) shape: Shape,
    pub(crate) bytes: Bytes,
    /// Whether as a binary block, where there is another way.
    pub(crate) is_binary: bool,
    /// Whether it was written to shared memory, and only is told of.
    pub(crate) is_placed: bool,
}

/// The outputs that were asked for, in the order of the signature.
pub(crate) fn outputs<'a>(
    model: &'a Model,
    response: &Response,
    (wanted, labels): (&Wanted, LabelsOf<'_>),
) -> Result<SmallVec<[Output<'a>; 2]>, FormFault> {
    let mut outputs = SmallVec::new();
    for (index, spec) in model.signature().outputs.iter().enumerate() {
        let Some(tensor) = response.output(index) else {
            continue;
        };
        let form = wanted.outputs.iter().find(|output| output.index == index);
        let mut output = Output {
            name: &spec.name,
            dtype: tensor.desc.dtype,
            shape: tensor.desc.shape.clone(),
            bytes: tensor.bytes.clone(),
            is_binary: form.and_then(|form| form.binary).unwrap_or(wanted.binary),
            is_placed: form.is_some_and(|form| form.is_placed),
        };
        let classes = form.map_or(0, |form| form.classes);
        if classes > 0 {
            let asked = (classes, model.options().max_batch > 0);
            output.rank(asked, labels(&spec.name))?;
        }
        outputs.push(output);
    }
    Ok(outputs)
}

/// Whether it takes long to give outputs in these forms, where that grows with what they hold.
pub(crate) fn take_long(response: &Response, wanted: &Wanted) -> bool {
    response.outputs.iter().any(|tensor| {
        let mut forms = wanted.outputs.iter();
        let form = forms.find(|output| output.index == tensor.desc.index);
        let is_binary = form.and_then(|form| form.binary).unwrap_or(wanted.binary);
        let is_as_it_is = form.is_none_or(|form| form.classes == 0) && is_binary;
        !is_as_it_is && tensor.bytes.len() > HEAVY
    })
}

impl Output<'_> {
    /// Makes it the classes of what it was.
    fn rank(&mut self, asked: (usize, bool), labels: &[String]) -> Result<(), FormFault> {
        if self.shape.element_count().is_ok_and(|it| it > MOST_RANKED) {
            let output = self.name.to_owned();
            return Err(FormFault::Ranked { output });
        }
        let classified = classify(self.dtype, &self.shape, &self.bytes, asked, labels);
        let (shape, texts) = classified.ok_or_else(|| FormFault::Classes {
            output: self.name.to_owned(),
            dtype: self.dtype,
        })?;
        let bytes = strings::encode(texts).map_err(|_| self.contents())?;
        self.dtype = DType::Bytes;
        self.shape = shape;
        self.bytes = bytes.into();
        Ok(())
    }

    /// Says that it does not hold what its shape says.
    pub(crate) fn contents(&self) -> FormFault {
        FormFault::Contents {
            output: self.name.to_owned(),
        }
    }
}
