//! Owned values of ONNX Runtime: created over memory of ours, or made by a run and read where they are.

use std::ffi::{c_char, c_void};
use std::fmt;
use std::ptr::{self, NonNull};
use std::sync::Arc;

use bytes::Bytes;
use ort::session::Session;
use ort::sys;
use ort::value::TensorElementType;

use super::binding::check;
use crate::aligned::AlignedBuffer;

/// An `OrtValue`, released on drop.
pub(super) struct OwnedValue(NonNull<sys::OrtValue>);

// SAFETY: ONNX Runtime's values are reference counted with atomics and bound to no thread.
unsafe impl Send for OwnedValue {}
// SAFETY: all methods that take `&self` only read.
unsafe impl Sync for OwnedValue {}

impl OwnedValue {
    /// Takes over a value that the caller owns.
    pub(super) fn from_raw(value: *mut sys::OrtValue) -> Option<Self> {
        NonNull::new(value).map(Self)
    }

    pub(super) fn as_ptr(&self) -> *mut sys::OrtValue {
        self.0.as_ptr()
    }

    /// An empty string tensor of this shape.
    pub(super) fn new_strings(
        allocator: *mut sys::OrtAllocator,
        shape: &[i64],
    ) -> ort::Result<Self> {
        let mut value = ptr::null_mut();
        let kind = sys::ONNXTensorElementDataType::ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING;
        let create = ort::api().CreateTensorAsOrtValue;
        // SAFETY: the allocator lives as long as its session; shape pointer and length belong together.
        let status =
            unsafe { create(allocator, shape.as_ptr(), shape.len(), kind, &raw mut value) };
        check(status)?;
        Self::from_raw(value).ok_or_else(|| ort::Error::new("no string tensor was made"))
    }

    /// Copies `bytes` into element `index` of a string tensor.
    pub(super) fn set_string(&mut self, index: usize, bytes: &[u8]) -> ort::Result<()> {
        let mut buffer: *mut c_char = ptr::null_mut();
        let resize = ort::api().GetResizedStringTensorElementBuffer;
        // SAFETY: the value is a live string tensor; an index outside of it is answered as an error.
        let status = unsafe { resize(self.as_ptr(), index, bytes.len(), &raw mut buffer) };
        check(status)?;
        if !bytes.is_empty() {
            // SAFETY: the call above made the element exactly `bytes.len()` bytes long.
            unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), buffer.cast(), bytes.len()) };
        }
        Ok(())
    }

    /// Whether it is a tensor that is there; an optional output may be absent.
    fn is_present_tensor(&self) -> ort::Result<bool> {
        let mut present = 0;
        // SAFETY: the value is live and the out-pointer valid.
        check(unsafe { (ort::api().HasValue)(self.as_ptr(), &raw mut present) })?;
        let mut tensor = 0;
        // SAFETY: as above.
        check(unsafe { (ort::api().IsTensor)(self.as_ptr(), &raw mut tensor) })?;
        Ok(present != 0 && tensor != 0)
    }

    fn element_type_and_shape(&self) -> ort::Result<(TensorElementType, Vec<i64>)> {
        let mut info = ptr::null_mut();
        let get = ort::api().GetTensorTypeAndShape;
        // SAFETY: the value is a live tensor and the out-pointer valid.
        check(unsafe { get(self.as_ptr(), &raw mut info) })?;
        let described = describe(info);
        // SAFETY: `info` came from the call above and is released once.
        unsafe { (ort::api().ReleaseTensorTypeAndShapeInfo)(info) };
        described
    }

    fn data(&self) -> ort::Result<*const u8> {
        let mut data: *mut c_void = ptr::null_mut();
        // SAFETY: the value is a live tensor of a fixed-size element type.
        check(unsafe { (ort::api().GetTensorMutableData)(self.as_ptr(), &raw mut data) })?;
        Ok(data.cast_const().cast())
    }

    fn strings(&self, count: usize) -> ort::Result<Vec<Vec<u8>>> {
        let mut length = 0;
        let get_length = ort::api().GetStringTensorDataLength;
        // SAFETY: the value is a live string tensor and the out-pointer valid.
        check(unsafe { get_length(self.as_ptr(), &raw mut length) })?;
        let mut content = vec![0_u8; length];
        let mut offsets = vec![0_usize; count];
        let get_content = ort::api().GetStringTensorContent;
        // SAFETY: both buffers are as long as said, and the counts come from the tensor itself.
        check(unsafe {
            get_content(
                self.as_ptr(),
                content.as_mut_ptr().cast(),
                content.len(),
                offsets.as_mut_ptr(),
                offsets.len(),
            )
        })?;
        let ends = offsets.iter().skip(1).copied().chain([length]);
        Ok(offsets
            .iter()
            .zip(ends)
            .map(|(&start, end)| content.get(start..end).unwrap_or_default().to_vec())
            .collect())
    }
}

impl Drop for OwnedValue {
    fn drop(&mut self) {
        // SAFETY: the value is owned and released once.
        unsafe { (ort::api().ReleaseValue)(self.as_ptr()) }
    }
}

fn describe(
    info: *const sys::OrtTensorTypeAndShapeInfo,
) -> ort::Result<(TensorElementType, Vec<i64>)> {
    let mut kind = sys::ONNXTensorElementDataType::ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
    // SAFETY: the caller holds `info`, and the out-pointer is valid.
    check(unsafe { (ort::api().GetTensorElementType)(info, &raw mut kind) })?;
    let mut rank = 0;
    // SAFETY: as above.
    check(unsafe { (ort::api().GetDimensionsCount)(info, &raw mut rank) })?;
    let mut shape = vec![0_i64; rank];
    // SAFETY: the buffer has room for the `rank` dimensions the runtime just named.
    check(unsafe { (ort::api().GetDimensions)(info, shape.as_mut_ptr(), rank) })?;
    Ok((kind.into(), shape))
}

/// One output of a run.
#[derive(Debug)]
pub enum Output {
    /// Numbers, still in the memory that the runtime wrote them to.
    Numbers {
        /// The type of the elements.
        dtype: TensorElementType,
        /// The extents.
        shape: Vec<usize>,
        /// The elements.
        bytes: Bytes,
    },
    /// Byte strings.
    Strings {
        /// The extents.
        shape: Vec<usize>,
        /// The elements.
        elements: Vec<Vec<u8>>,
    },
    /// Not a tensor, or an optional output that this run left out.
    NotATensor,
}

impl Output {
    /// Reads a value that a run of `session` made, in `place` if it was given one. `is_lent` tells whether memory may
    /// be written to later: an output that is an input of the graph lies there, and is copied.
    pub(super) fn new(
        value: OwnedValue,
        (place, session): (Option<AlignedBuffer>, &Arc<Session>),
        is_lent: impl Fn(*const u8) -> bool,
    ) -> ort::Result<Self> {
        if !value.is_present_tensor()? {
            return Ok(Self::NotATensor);
        }
        let (dtype, shape) = value.element_type_and_shape()?;
        let shape: Result<Vec<usize>, _> = shape.into_iter().map(usize::try_from).collect();
        let shape = shape.map_err(|_| ort::Error::new("an output has a negative extent"))?;
        let count: usize = shape.iter().product();
        if dtype == TensorElementType::String {
            return Ok(Self::Strings {
                shape,
                elements: value.strings(count)?,
            });
        }
        let length = dtype.byte_size(count).unwrap_or_default();
        let start = value.data()?;
        let memory = OutputMemory {
            start,
            length,
            _value: value,
            _place: place,
            _session: Arc::clone(session),
        };
        let bytes = if is_lent(start) {
            Bytes::copy_from_slice(memory.as_ref())
        } else {
            Bytes::from_owner(memory)
        };
        Ok(Self::Numbers {
            dtype,
            shape,
            bytes,
        })
    }
}

/// The memory of one output. Holds what keeps it alive: the value, memory of ours if it lies there, and the session
/// whose allocator takes the memory back if it does not.
struct OutputMemory {
    start: *const u8,
    length: usize,
    // Dropped in this order.
    _value: OwnedValue,
    _place: Option<AlignedBuffer>,
    _session: Arc<Session>,
}

// SAFETY: nothing writes to the output of a finished run, and its release is bound to no thread.
unsafe impl Send for OutputMemory {}

impl AsRef<[u8]> for OutputMemory {
    fn as_ref(&self) -> &[u8] {
        if self.length == 0 {
            // The runtime may give no address for an empty tensor.
            return &[];
        }
        // SAFETY: the runtime wrote `length` bytes at `start`, which the held value keeps alive.
        unsafe { std::slice::from_raw_parts(self.start, self.length) }
    }
}

impl fmt::Debug for OwnedValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OwnedValue").field(&self.0).finish()
    }
}
