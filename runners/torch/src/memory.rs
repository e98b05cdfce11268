//! Memory of the host that tensors lie in: what `stage` lends, and what outputs leave in.

use bytes::Bytes;
use nav_package_format::Shape;
use tch::{Device, Kind, TchError, Tensor};

use crate::native;

/// Memory of libtorch's, aligned as it likes it; pinned where a GPU reads from it.
#[derive(Debug)]
pub(crate) struct HostMemory {
    tensor: Tensor,
    capacity: usize,
    is_pinned: bool,
}

impl HostMemory {
    /// None yet.
    pub(crate) fn new(is_pinned: bool) -> Result<Self, TchError> {
        Ok(Self {
            tensor: allocate(0, is_pinned)?,
            capacity: 0,
            is_pinned,
        })
    }

    /// Makes sure of so many bytes. What was in them is lost.
    pub(crate) fn reserve(&mut self, bytes: usize) -> Result<(), TchError> {
        if bytes > self.capacity {
            self.tensor = allocate(bytes, self.is_pinned)?;
            self.capacity = bytes;
        }
        Ok(())
    }

    /// The first of its bytes, to be written.
    pub(crate) fn lend(&mut self, bytes: usize) -> &mut [u8] {
        let all = native::bytes_of_mut(&mut self.tensor);
        let bytes = bytes.min(all.len());
        all.split_at_mut(bytes).0
    }

    /// The first of its bytes as a tensor, which shares them.
    pub(crate) fn tensor(
        &self,
        bytes: usize,
        kind: Kind,
        shape: &Shape,
    ) -> Result<Tensor, TchError> {
        let bytes = i64::try_from(bytes.min(self.capacity)).unwrap_or(i64::MAX);
        let extents: Vec<i64> = extents(shape);
        let taken = self.tensor.f_narrow(0, 0, bytes)?;
        // Any byte but 0 is true, and only 0 and 1 are what operators expect.
        let typed = if kind == Kind::Bool {
            taken.f_ne(0)?
        } else {
            taken.f_view_dtype(kind)?
        };
        typed.f_reshape(extents)
    }
}

fn allocate(bytes: usize, is_pinned: bool) -> Result<Tensor, TchError> {
    let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
    let tensor = Tensor::f_empty([bytes], (Kind::Uint8, Device::Cpu))?;
    if is_pinned && bytes > 0 {
        return tensor.f_pin_memory(Device::Cuda(0));
    }
    Ok(tensor)
}

fn extents(shape: &Shape) -> Vec<i64> {
    let extents = shape.iter();
    extents
        .map(|&extent| i64::try_from(extent).unwrap_or(i64::MAX))
        .collect()
}

/// The shape of a tensor.
pub(crate) fn shape_of(tensor: &Tensor) -> Shape {
    let size = tensor.size();
    Shape::new(
        size.into_iter()
            .map(|extent| usize::try_from(extent).unwrap_or(0)),
    )
}

/// A tensor whose memory is handed on as it is, and given back when the last slice of it is dropped.
struct OwnedTensor(Tensor);

impl AsRef<[u8]> for OwnedTensor {
    fn as_ref(&self) -> &[u8] {
        native::bytes_of(&self.0)
    }
}

/// The bytes of a dense tensor of the host that nobody else holds. Copies nothing.
pub(crate) fn own_bytes(tensor: Tensor) -> Bytes {
    Bytes::from_owner(OwnedTensor(tensor))
}
