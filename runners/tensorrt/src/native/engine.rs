//! A loaded engine, and what it takes and gives.

use std::ffi::{CStr, CString, c_void};
use std::fmt;
use std::ptr::NonNull;

use nav_runners::cuda::{Context as CudaContext, CudaError};

use super::context::RunFailure;
use super::library::Library;
use super::raw::{self, RawEngine, RawTensor};
use super::{TensorRtError, check, reason};

/// The most dimensions that a tensor of TensorRT has.
const MAX_RANK: usize = 8;

/// The extents of a tensor, as TensorRT has them; -1 is one that is not fixed.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extents {
    rank: i32,
    extents: [i64; MAX_RANK],
}

/// What an engine takes or gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EngineTensor {
    /// Its name.
    pub(crate) name: String,
    /// The same, as TensorRT wants it.
    pub(crate) c_name: CString,
    /// The number of its element type, as TensorRT has it.
    pub(crate) dtype: i32,
    /// Its extents.
    pub(crate) extents: Extents,
    /// Whether it is taken.
    pub(crate) is_input: bool,
    /// Whether its values are read and written in the memory of the host.
    pub(crate) is_on_host: bool,
    /// Whether it lies row by row.
    pub(crate) is_linear: bool,
}

/// A loaded engine: its weights are on the device.
pub(crate) struct Engine {
    raw: NonNull<RawEngine>,
    device: CudaContext,
}

// SAFETY: an engine is not changed once it is read, but for contexts that are made, which is done one at a time.
unsafe impl Send for Engine {}
// SAFETY: as above.
unsafe impl Sync for Engine {}

impl Extents {
    /// These extents, if there are not too many.
    pub(crate) fn new(given: &[i64]) -> Option<Self> {
        let mut extents = [0; MAX_RANK];
        extents.get_mut(..given.len())?.copy_from_slice(given);
        Some(Self {
            rank: i32::try_from(given.len()).ok()?,
            extents,
        })
    }

    /// The extents of a tensor of this shape.
    pub(crate) fn of(shape: &nav_package_format::Shape) -> Option<Self> {
        let extents = shape.iter().map(|&extent| i64::try_from(extent).ok());
        Self::new(&extents.collect::<Option<Vec<i64>>>()?)
    }

    /// Each of them.
    pub(crate) fn as_slice(&self) -> &[i64] {
        let rank = usize::try_from(self.rank).unwrap_or(0);
        self.extents.get(..rank).unwrap_or(&self.extents)
    }
}

impl Engine {
    /// Reads a serialized engine. This loads code of the file onto the device.
    pub(crate) fn open(
        library: Library,
        plan: &[u8],
        device: &CudaContext,
    ) -> Result<Self, RunFailure> {
        device.make_current()?;
        Ok(Self {
            raw: read(library, plan)?,
            device: device.clone(),
        })
    }

    /// Makes its device the one that TensorRT works on for the calling thread, which may be another one than that which opened it. Without,
    /// TensorRT would take the first device of all.
    pub(super) fn use_device(&self) -> Result<(), CudaError> {
        self.device.make_current()
    }

    /// What it takes and gives.
    pub(crate) fn tensors(&self) -> Result<Vec<EngineTensor>, TensorRtError> {
        // SAFETY: the engine lives.
        let count = unsafe { raw::nav_engine_count(self.raw.as_ptr()) };
        (0..count).map(|index| self.tensor(index)).collect()
    }

    fn tensor(&self, index: i32) -> Result<EngineTensor, TensorRtError> {
        let mut tensor = RawTensor {
            name: std::ptr::null(),
            dtype: -1,
            shape: Extents::default(),
            is_input: 0,
            is_on_host: 0,
            is_linear: 0,
        };
        let mut place = std::ptr::null_mut();
        // SAFETY: the engine lives, and the places outlive the call.
        let code = unsafe {
            raw::nav_engine_tensor(self.raw.as_ptr(), index, &raw mut tensor, &raw mut place)
        };
        check(code, place)?;
        // SAFETY: what went well left a name with its end, which lives as long as the engine.
        let c_name = unsafe { CStr::from_ptr(tensor.name) }.to_owned();
        Ok(EngineTensor {
            name: c_name.to_string_lossy().into_owned(),
            c_name,
            dtype: tensor.dtype,
            extents: tensor.shape,
            is_input: tensor.is_input != 0,
            is_on_host: tensor.is_on_host != 0,
            is_linear: tensor.is_linear != 0,
        })
    }

    /// The least and the most extents that an input may have.
    pub(crate) fn range(&self, input: &CStr) -> Result<(Extents, Extents), TensorRtError> {
        let (mut least, mut most) = (Extents::default(), Extents::default());
        let mut place = std::ptr::null_mut();
        // SAFETY: the engine lives, the name has its end, and the places outlive the call.
        let code = unsafe {
            raw::nav_engine_range(
                self.raw.as_ptr(),
                input.as_ptr(),
                &raw mut least,
                &raw mut most,
                &raw mut place,
            )
        };
        check(code, place)?;
        Ok((least, most))
    }

    pub(super) fn as_ptr(&self) -> *mut RawEngine {
        self.raw.as_ptr()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // Where the device is broken there is nothing to give back to, and TensorRT finds out itself.
        let _is_broken = self.use_device();
        // SAFETY: it came from `nav_engine_open`, and no context of it is left: each holds it.
        unsafe { raw::nav_engine_free(self.raw.as_ptr()) };
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").finish_non_exhaustive()
    }
}

/// Has TensorRT read a serialized engine.
pub(super) fn read(library: Library, plan: &[u8]) -> Result<NonNull<RawEngine>, TensorRtError> {
    let mut place = std::ptr::null_mut();
    // SAFETY: the library is open, the plan has so many bytes, which the call only reads, and `place` outlives it.
    let raw = unsafe {
        raw::nav_engine_open(
            library.as_ptr(),
            plan.as_ptr().cast::<c_void>(),
            plan.len(),
            &raw mut place,
        )
    };
    NonNull::new(raw).ok_or_else(|| reason(place))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extents_are_as_many_as_there_are_up_to_eight() {
        let check = |given: &[i64]| {
            let extents = Extents::new(given);
            let found = extents.as_ref().map(Extents::as_slice);
            assert_eq!(found, (given.len() <= MAX_RANK).then_some(given));
        };
        check(&[]);
        check(&[-1, 3]);
        check(&[1; 8]);
        check(&[1; 9]);
    }
}
