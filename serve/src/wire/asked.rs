//! A request that was read, whatever the protocol: what the engine takes, in which form the answer is wanted, and
//! which tensors lie in shared memory.
//!
//! Knows a model by its signature only; what fits it beyond names is for the engine to say.

use nav_engine::{Input, Model, Request, TensorKey};
use nav_package_format::DType;
use smallvec::SmallVec;

use super::fault::Fault;
use super::parameters::Parameters;
use crate::shared_memory::{Place, Places};

/// A request that was read, and in which form it wants its answer.
#[derive(Debug)]
pub(crate) struct Asked {
    /// For the engine.
    pub(crate) request: Request,
    /// For the answer.
    pub(crate) wanted: Wanted,
    /// Which tensors lie in shared memory. These inputs are empty until they are read from there.
    pub(crate) places: Places,
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
    /// Whether it goes into shared memory, and so is not in the answer.
    pub(crate) is_placed: bool,
}

/// The most bytes of the name of a request: it comes back with its answer, and in lines of the log.
const LONGEST_NAME: usize = 4 << 10;

/// The most inputs, and the most outputs, that are looked at: more than any model has.
pub(crate) const MOST_TENSORS: usize = 16 << 10;

/// The name of a request, unless it is empty.
pub(crate) fn named(id: Option<&str>) -> Result<Option<Box<str>>, Fault> {
    let id = id.filter(|id| !id.is_empty());
    if id.is_some_and(|id| id.len() > LONGEST_NAME) {
        return Err(Fault::Many {
            what: "bytes in its id",
            limit: LONGEST_NAME,
        });
    }
    Ok(id.map(Into::into))
}

impl Asked {
    /// A request that asks for nothing yet, of this name unless that is empty.
    pub(crate) fn of(id: Option<&str>) -> Result<Self, Fault> {
        let id = named(id)?;
        Ok(Self {
            request: Request {
                id,
                ..Request::new()
            },
            wanted: Wanted::default(),
            places: Places::default(),
        })
    }

    /// Gives it this input, which is empty if it lies in shared memory.
    pub(crate) fn give(
        &mut self,
        model: &Model,
        input: Input,
        place: Option<Place>,
    ) -> Result<(), Fault> {
        // However many there are, more than the model has are not kept.
        if self.request.inputs.len() >= model.signature().inputs.len() {
            let what = "inputs";
            let limit = model.signature().inputs.len();
            return Err(Fault::Many { what, limit });
        }
        if let Some(place) = place {
            self.check_size(&input, &place, model)?;
            self.places.inputs.push((self.request.inputs.len(), place));
        }
        self.request.inputs.push(input);
        Ok(())
    }

    /// Wants this output, as a binary block or not and as so many classes, or in shared memory. One that is named twice
    /// is wanted once.
    pub(crate) fn want(
        &mut self,
        model: &Model,
        name: &str,
        (binary, classes): (Option<bool>, usize),
        place: Option<Place>,
    ) -> Result<(), Fault> {
        let found = model.signature().output(name);
        let (index, _) = found.ok_or_else(|| Fault::Output {
            name: name.to_owned(),
            model: model.name().to_owned(),
        })?;
        if self.wanted.outputs.iter().any(|known| known.index == index) {
            return Ok(());
        }
        self.request.outputs.push(TensorKey::Index(index));
        self.wanted.outputs.push(WantedOutput {
            index,
            binary,
            classes,
            is_placed: place.is_some(),
        });
        let Some(place) = place else {
            return Ok(());
        };
        let wrong = |form| {
            let output = name.to_owned();
            Err(Fault::SharedForm { output, form })
        };
        if classes > 0 {
            return wrong("classification");
        }
        if binary == Some(true) {
            return wrong("binary_data");
        }
        self.places.outputs.push((index, place));
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

    /// Fails unless what lies in shared memory is as large as its shape, where that alone tells.
    fn check_size(&self, input: &Input, place: &Place, model: &Model) -> Result<(), Fault> {
        let name = || match &input.key {
            TensorKey::Index(index) => {
                let spec = model.signature().inputs.get(*index);
                spec.map(|spec| spec.name.clone()).unwrap_or_default()
            }
            TensorKey::Name(name) => name.as_ref().to_owned(),
        };
        let expected = input.shape.byte_size(input.dtype);
        let expected = expected.map_err(|_| Fault::Shape { input: name() })?;
        match expected {
            Some(expected) if expected as u64 != place.byte_size => Err(Fault::SharedSize {
                id: self
                    .request
                    .id
                    .as_deref()
                    .unwrap_or("<id_unknown>")
                    .to_owned(),
                input: name(),
                model: model.name().to_owned(),
                expected,
                given: place.byte_size,
            }),
            _ => Ok(()),
        }
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
