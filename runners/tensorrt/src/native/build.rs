//! An engine built from an ONNX file.

use std::ffi::{CString, c_void};
use std::fmt;
use std::path::Path;
use std::ptr::NonNull;

use super::engine::Extents;
use super::library::Library;
use super::raw::{self, RawBuild, RawBytes, RawRange};
use super::{TensorRtError, path_text, reason};

/// The extents that an input may have, and those that matter most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InputRange {
    /// The input.
    pub(crate) name: String,
    /// The least of each.
    pub(crate) least: Extents,
    /// What the engine is made to be fast for.
    pub(crate) usual: Extents,
    /// The most of each.
    pub(crate) most: Extents,
}

/// What a build is told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Build<'a> {
    /// The graph.
    pub(crate) model: &'a Path,
    /// Inputs with open dimensions.
    pub(crate) ranges: &'a [InputRange],
    /// Whether products of FP32 may be computed with ten bits of mantissa.
    pub(crate) tf32: bool,
    /// How hard it tries.
    pub(crate) level: Option<i32>,
    /// The most scratch memory.
    pub(crate) workspace: Option<u64>,
    /// What earlier builds measured on this device.
    pub(crate) timing: &'a [u8],
}

/// What a build gave.
#[derive(Debug)]
pub(crate) struct BuiltEngine {
    /// The engine, serialized.
    pub(crate) plan: OwnedBytes,
    /// What was measured, for later builds on this device.
    pub(crate) timing: Option<OwnedBytes>,
}

/// Bytes that TensorRT holds until they are dropped.
pub(crate) struct OwnedBytes {
    raw: NonNull<RawBytes>,
}

impl Build<'_> {
    /// Builds an engine, which takes minutes and all of a device.
    pub(crate) fn run(&self, library: Library) -> Result<BuiltEngine, TensorRtError> {
        let model = path_text(self.model)?;
        let names = self
            .ranges
            .iter()
            .map(|range| CString::new(range.name.as_str()));
        let names: Result<Vec<CString>, _> = names.collect();
        let names = names.map_err(|_| TensorRtError("an input's name holds a NUL".to_owned()))?;
        let ranges = names.iter().zip(self.ranges);
        let ranges: Vec<RawRange> = ranges
            .map(|(name, range)| RawRange {
                name: name.as_ptr(),
                least: range.least,
                usual: range.usual,
                most: range.most,
            })
            .collect();
        let build = RawBuild {
            model: model.as_ptr(),
            ranges: ranges.as_ptr(),
            range_count: ranges.len(),
            tf32: u8::from(self.tf32),
            level: self.level.unwrap_or(-1),
            workspace: self.workspace.unwrap_or(0),
            timing: self.timing.as_ptr().cast::<c_void>(),
            timing_size: self.timing.len(),
        };
        let (mut timing, mut place) = (std::ptr::null_mut(), std::ptr::null_mut());
        // SAFETY: the library is open; names, ranges and what was measured live through the call, which only reads them; the places
        // outlive it.
        let plan = unsafe {
            raw::nav_engine_build(
                library.as_ptr(),
                &raw const build,
                &raw mut timing,
                &raw mut place,
            )
        };
        let timing = NonNull::new(timing).map(|raw| OwnedBytes { raw });
        let raw = NonNull::new(plan).ok_or_else(|| reason(place))?;
        Ok(BuiltEngine {
            plan: OwnedBytes { raw },
            timing,
        })
    }
}

impl AsRef<[u8]> for OwnedBytes {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: the bytes live as long as `self`.
        let start = unsafe { raw::nav_bytes_start(self.raw.as_ptr()) };
        // SAFETY: as above.
        let size = unsafe { raw::nav_bytes_size(self.raw.as_ptr()) };
        if start.is_null() || size == 0 {
            return &[];
        }
        // SAFETY: so many bytes lie there, and nobody writes to them as long as `self` lives.
        unsafe { std::slice::from_raw_parts(start.cast::<u8>(), size) }
    }
}

impl Drop for OwnedBytes {
    fn drop(&mut self) {
        // SAFETY: they came from `nav_engine_build`, and are freed once.
        unsafe { raw::nav_bytes_free(self.raw.as_ptr()) };
    }
}

impl fmt::Debug for OwnedBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OwnedBytes")
            .field(&self.as_ref().len())
            .finish()
    }
}
