//! What is kept of a sequence from one request to the next: what it begins with, what it becomes, and how much memory that
//! takes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use nav_package_format::{DType, Dim, Shape, TensorSpec, strings};
use nav_runners::{Tensor, TensorDesc};
use smallvec::SmallVec;

use crate::filling::Filling;
use crate::limits::take;
use crate::request::Frames;

/// An output that becomes an input of the next request of the same sequence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// The input, which clients do not send.
    pub input: Box<str>,
    /// The output.
    pub output: Box<str>,
    /// What a sequence begins with; without it, zeros, of the shape of the input with 1 for each extent that is open.
    pub initial: Option<InitialState>,
    /// Whether clients get the output, too.
    pub is_told: bool,
}

/// What a sequence begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InitialState {
    /// The extents of a row.
    pub shape: Shape,
    /// Its elements. Every row has the same.
    pub bytes: Bytes,
}

/// What is kept of a sequence.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    /// One for each state; none for what is still as it was in the beginning.
    tensors: SmallVec<[Option<Tensor>; 1]>,
    share: Share,
}

/// How many bytes may be kept of the sequences of all models together.
#[derive(Debug)]
pub(crate) struct StateBudget {
    limit: usize,
    taken: AtomicUsize,
}

/// What something takes of the budget, given back when it is dropped.
#[derive(Debug, Default)]
struct Share {
    of: Option<Arc<StateBudget>>,
    bytes: usize,
}

impl StateBudget {
    pub(crate) const fn new(limit: usize) -> Self {
        Self {
            limit,
            taken: AtomicUsize::new(0),
        }
    }

    pub(crate) const fn limit(&self) -> usize {
        self.limit
    }

    /// How many bytes are kept.
    pub(crate) fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    fn take(&self, bytes: usize) -> bool {
        take(&self.taken, bytes, self.limit).is_some()
    }
}

impl Share {
    /// Makes it one of so many bytes. Whether there is room for that.
    fn resize(&mut self, budget: &Arc<StateBudget>, bytes: usize) -> bool {
        if let Some(more) = bytes.checked_sub(self.bytes) {
            if !budget.take(more) {
                return false;
            }
        } else {
            let less = self.bytes - bytes;
            budget.taken.fetch_sub(less, Ordering::Relaxed);
        }
        self.of = Some(Arc::clone(budget));
        self.bytes = bytes;
        true
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        if let Some(budget) = &self.of {
            budget.taken.fetch_sub(self.bytes, Ordering::Relaxed);
        }
    }
}

impl Kept {
    /// What is kept of the state at this position.
    pub(super) fn get(&self, state: usize) -> Option<&Tensor> {
        self.tensors.get(state)?.as_ref()
    }

    /// Takes over those that there are, one for each state. Whether there is room for them; without, nothing changes.
    pub(super) fn replace(
        &mut self,
        tensors: SmallVec<[Option<Tensor>; 1]>,
        budget: &Arc<StateBudget>,
    ) -> bool {
        let size = |(state, tensor): (usize, &Option<Tensor>)| {
            let tensor = tensor.as_ref().or_else(|| self.get(state));
            tensor.map_or(0, |tensor| tensor.bytes.len())
        };
        let sizes = tensors.iter().enumerate().map(size);
        let bytes = sizes.fold(0, usize::saturating_add);
        if !self.share.resize(budget, bytes) {
            return false;
        }
        self.tensors.resize(tensors.len(), None);
        for (kept, tensor) in self.tensors.iter_mut().zip(tensors) {
            // What a model does not give stays as it was.
            if let Some(tensor) = tensor {
                // In memory of its own: that of the runner may hold the outputs of a whole batch.
                let bytes = Bytes::copy_from_slice(&tensor.bytes);
                *kept = Some(Tensor { bytes, ..tensor });
            }
        }
        true
    }
}

impl InitialState {
    /// Zeros for an input like this, whose first extent is that of the batch where there is one.
    pub(super) fn zeros(input: &TensorSpec, has_batch: bool) -> Result<Self, String> {
        let Some(dims) = &input.dims else {
            return Err("how many dimensions it has is not known".to_owned());
        };
        let rest = dims.iter().skip(usize::from(has_batch));
        let shape = Shape::new(rest.map(|dim| match dim {
            Dim::Fixed(extent) => *extent,
            Dim::Symbolic(_) | Dim::Unknown => 1,
        }));
        let bytes = Filling::Zeros.bytes(input.dtype, &shape)?.into();
        Ok(Self { shape, bytes })
    }

    /// Its description for so many rows, where there are rows.
    pub(super) fn desc(&self, (index, dtype): (usize, DType), rows: Option<usize>) -> TensorDesc {
        TensorDesc {
            index,
            dtype,
            shape: Shape::new(rows.into_iter().chain(self.shape.iter().copied())),
            byte_size: self.bytes.len().saturating_mul(rows.unwrap_or(1)),
        }
    }

    /// Its elements for so many rows.
    pub(super) fn frames(&self, rows: Option<usize>) -> Frames {
        std::iter::repeat_n(self.bytes.clone(), rows.unwrap_or(1)).collect()
    }
}

/// Why a tensor of this shape cannot be given to an input like this, if it cannot.
pub(super) fn misfit(
    input: &TensorSpec,
    shape: &Shape,
    (dtype, bytes): (DType, &Bytes),
) -> Option<String> {
    if dtype != input.dtype {
        return Some(format!("it is {dtype}, and the input is {}", input.dtype));
    }
    if !input.admits(shape) {
        let declared = input.dims_text();
        return Some(format!("its shape is {shape}, and not {declared}"));
    }
    let (count, size) = match (shape.element_count(), shape.byte_size(dtype)) {
        (Ok(count), Ok(size)) => (count, size),
        (Err(error), _) | (_, Err(error)) => return Some(error.to_string()),
    };
    match size {
        Some(size) if size != bytes.len() => {
            let found = bytes.len();
            Some(format!("it has {found} bytes, and not {size}"))
        }
        Some(_) => None,
        None => strings::check(bytes, count)
            .err()
            .map(|error| error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(bytes: usize) -> SmallVec<[Option<Tensor>; 1]> {
        let desc = TensorDesc {
            index: 0,
            dtype: DType::Uint8,
            shape: Shape::from([bytes]),
            byte_size: bytes,
        };
        let bytes = vec![1; bytes].into();
        SmallVec::from_iter([Some(Tensor { desc, bytes })])
    }

    #[test]
    fn what_is_kept_takes_room_as_long_as_it_is() {
        let budget = Arc::new(StateBudget::new(10));
        let (mut one, mut other) = (Kept::default(), Kept::default());
        assert!(one.replace(tensor(4), &budget));
        assert!(other.replace(tensor(6), &budget));
        assert!(!one.replace(tensor(5), &budget), "there is no room");
        assert_eq!(one.get(0).unwrap().bytes.len(), 4, "it is as before");
        assert!(other.replace(tensor(1), &budget));
        assert!(one.replace(tensor(5), &budget));
        assert_eq!(budget.taken(), 6);
        drop(one);
        assert_eq!(budget.taken(), 1);
        // What is not given anew stays, and takes what it took.
        assert!(other.replace(SmallVec::from_iter([None]), &budget));
        assert_eq!((budget.taken(), other.get(0).unwrap().bytes.len()), (1, 1));
        drop(other);
        assert_eq!(budget.taken(), 0);
    }

    #[test]
    fn what_does_not_suit_the_input_is_told() {
        let spec = |dtype| TensorSpec {
            name: "x".to_owned(),
            dtype,
            dims: Some(vec![Dim::Unknown, Dim::Fixed(2)]),
            optional: false,
        };
        let check = |input, shape: &[usize], (dtype, bytes): (DType, usize), expected: &str| {
            let shape = Shape::new(shape.iter().copied());
            let found = misfit(&spec(input), &shape, (dtype, &vec![0; bytes].into()));
            assert_eq!(found.unwrap_or_default(), expected);
        };
        let (int, text) = (DType::Int32, DType::Bytes);
        check(int, &[3, 2], (int, 24), "");
        check(
            int,
            &[3, 2],
            (text, 24),
            "it is BYTES, and the input is INT32",
        );
        check(int, &[3, 1], (int, 12), "its shape is [3,1], and not [?,2]");
        check(int, &[3, 2], (int, 20), "it has 20 bytes, and not 24");
        check(text, &[1, 2], (text, 8), "");
        assert!(misfit(&spec(text), &[1, 2].into(), (text, &vec![0; 7].into())).is_some());
    }
}
