//! The tensors of one request that lie in regions: where they are said to be, found, read before the model runs and
//! written after it. The same for every protocol.

use bytes::Bytes;
use nav_engine::{Model, Request, Response};
use smallvec::SmallVec;

use super::error::RegionError;
use super::region::Span;
use crate::aside::{HEAVY, aside_if};
use crate::refusal::Refusal;
use crate::state::{Share, State};

/// Where a tensor is said to lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The region.
    pub(crate) region: Box<str>,
    /// How many bytes after the region's begin.
    pub(crate) offset: u64,
    /// How many bytes it has, at most if it is an output.
    pub(crate) byte_size: u64,
}

/// Which tensors of a request lie in regions, and where.
#[derive(Debug, Default)]
pub(crate) struct Places {
    /// Inputs, by their position in the request.
    pub(crate) inputs: SmallVec<[(usize, Place); 1]>,
    /// Outputs, by their position in the signature.
    pub(crate) outputs: SmallVec<[(usize, Place); 1]>,
}

/// Which tensors of a request lie in regions, found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spans {
    inputs: SmallVec<[(usize, Span); 1]>,
    outputs: SmallVec<[(usize, Span); 1]>,
}

impl Places {
    /// Finds the regions, and takes the room for what is read from them out of the budget of all bodies.
    pub(crate) fn find(self, state: &State, share: &mut Share) -> Result<Spans, RegionError> {
        if self.inputs.is_empty() && self.outputs.is_empty() {
            return Ok(Spans::default());
        }
        let spans = state.regions()?.spans(self)?;
        let bytes = spans.input_bytes();
        let limit = state.limits.bodies;
        if bytes > limit {
            return Err(RegionError::TooLarge { bytes, limit });
        }
        if share.grow(bytes) {
            Ok(spans)
        } else {
            Err(RegionError::Overloaded)
        }
    }
}

impl Spans {
    pub(super) const fn new(
        inputs: SmallVec<[(usize, Span); 1]>,
        outputs: SmallVec<[(usize, Span); 1]>,
    ) -> Self {
        Self { inputs, outputs }
    }

    /// How many bytes of inputs there are.
    fn input_bytes(&self) -> usize {
        let lengths = self.inputs.iter().map(|(_, span)| span.len());
        lengths.fold(0, usize::saturating_add)
    }

    /// The request with the inputs that lie in regions.
    pub(crate) async fn fill(&self, mut request: Request) -> Result<Request, Refusal> {
        if self.inputs.is_empty() {
            return Ok(request);
        }
        let inputs = self.inputs.clone();
        let fill = move || {
            for (index, span) in &inputs {
                if let Some(input) = request.inputs.get_mut(*index) {
                    input.frames = std::iter::once(span.read()?).collect();
                }
            }
            Ok::<_, RegionError>(request)
        };
        Ok(aside_if(self.input_bytes() > HEAVY, fill).await??)
    }

    /// Writes the outputs of this response that are to lie in regions: all of them, or none where there is no room for
    /// one.
    pub(crate) async fn put(&self, response: &Response, model: &Model) -> Result<(), Refusal> {
        let writes = self.writes(response, model)?;
        Ok(aside_if(writes.bytes > HEAVY, move || writes.write()).await??)
    }

    /// The same for those who cannot wait.
    pub(crate) fn put_at_once(&self, response: &Response, model: &Model) -> Result<(), Refusal> {
        let writes = self.writes(response, model)?;
        if writes.bytes > HEAVY {
            // The other work of this thread goes on elsewhere.
            return Ok(tokio::task::block_in_place(|| writes.write())?);
        }
        Ok(writes.write()?)
    }

    fn writes(&self, response: &Response, model: &Model) -> Result<Writes, RegionError> {
        let mut writes = Writes::default();
        for (index, span) in &self.outputs {
            let Some(tensor) = response.output(*index) else {
                continue;
            };
            let needed = tensor.bytes.len();
            if needed > span.len() {
                let output = model.signature().outputs.get(*index);
                let output = output.map_or("", |spec| &spec.name).into();
                return Err(RegionError::Room {
                    output,
                    given: span.len(),
                    needed,
                });
            }
            writes.bytes = writes.bytes.saturating_add(needed);
            writes.all.push((span.clone(), tensor.bytes.clone()));
        }
        Ok(writes)
    }
}

/// What goes where, once it is known to fit.
#[derive(Default)]
struct Writes {
    all: SmallVec<[(Span, Bytes); 1]>,
    bytes: usize,
}

impl Writes {
    fn write(&self) -> Result<(), RegionError> {
        let mut all = self.all.iter();
        all.try_for_each(|(span, bytes)| span.write(bytes))
    }
}
