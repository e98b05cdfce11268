//! What `native/double.h` declares.

use std::ffi::{CString, c_char, c_void};

/// A shape; rank -1 where it is not known.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct RawShape {
    pub(crate) rank: i32,
    pub(crate) extents: [i64; 8],
}

#[repr(C)]
pub(crate) struct RawTensor {
    pub(crate) name: *const c_char,
    pub(crate) dtype: *const c_char,
    pub(crate) element_size: u64,
    pub(crate) shape: RawShape,
    pub(crate) is_input: u8,
    pub(crate) is_shape: u8,
}

#[repr(C)]
pub(crate) struct RawRange {
    pub(crate) name: *const c_char,
    pub(crate) of: [RawShape; 3],
}

#[repr(C)]
pub(crate) struct RawFacts {
    pub(crate) version: [i32; 4],
    pub(crate) capability: [i32; 2],
    pub(crate) tf32: u8,
    pub(crate) level: i32,
    pub(crate) workspace: u64,
}

#[repr(C)]
pub(crate) struct RawValue {
    pub(crate) bytes: *const c_void,
    pub(crate) size: u64,
    pub(crate) shape: RawShape,
}

unsafe extern "C" {
    pub(crate) fn double_create_runtime(logger: *mut c_void, version: i32) -> *mut c_void;
    pub(crate) fn double_create_builder(logger: *mut c_void, version: i32) -> *mut c_void;
    pub(crate) fn double_create_parser(
        network: *mut c_void,
        logger: *mut c_void,
        version: i32,
    ) -> *mut c_void;
}

impl RawShape {
    /// Not known.
    pub(crate) const NONE: Self = Self {
        rank: -1,
        extents: [0; 8],
    };

    pub(crate) fn of(extents: &[i64]) -> Self {
        let mut shape = Self {
            rank: i32::try_from(extents.len()).unwrap_or(-1),
            ..Self::NONE
        };
        for (to, from) in shape.extents.iter_mut().zip(extents) {
            *to = *from;
        }
        shape
    }

    pub(crate) fn as_slice(&self) -> &[i64] {
        let rank = usize::try_from(self.rank).unwrap_or(0);
        self.extents.get(..rank).unwrap_or_default()
    }
}

/// A text for the other side, which gives it back.
pub(crate) fn text(text: &str) -> *mut c_char {
    CString::new(text.replace('\0', " ")).map_or(std::ptr::null_mut(), CString::into_raw)
}
