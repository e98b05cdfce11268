//! What `native/tensorrt.h` declares.

use std::ffi::{c_char, c_int, c_void};

use super::engine::Extents;

/// An opened TensorRT.
#[repr(C)]
pub(super) struct RawLibrary {
    _private: [u8; 0],
}

/// An engine and the runtime that read it.
#[repr(C)]
pub(super) struct RawEngine {
    _private: [u8; 0],
}

/// One thread's use of an engine.
#[repr(C)]
pub(super) struct RawContext {
    _private: [u8; 0],
}

/// Bytes that TensorRT holds.
#[repr(C)]
pub(super) struct RawBytes {
    _private: [u8; 0],
}

/// What an engine takes or gives.
#[repr(C)]
pub(super) struct RawTensor {
    pub(super) name: *const c_char,
    pub(super) dtype: i32,
    pub(super) shape: Extents,
    pub(super) is_input: u8,
    pub(super) is_on_host: u8,
    pub(super) is_linear: u8,
}

/// The extents of an input that a build is told of.
#[repr(C)]
pub(super) struct RawRange {
    pub(super) name: *const c_char,
    pub(super) least: Extents,
    pub(super) usual: Extents,
    pub(super) most: Extents,
}

/// What a build is told.
#[repr(C)]
pub(super) struct RawBuild {
    pub(super) model: *const c_char,
    pub(super) ranges: *const RawRange,
    pub(super) range_count: usize,
    pub(super) tf32: u8,
    pub(super) level: i32,
    pub(super) workspace: u64,
    pub(super) timing: *const c_void,
    pub(super) timing_size: usize,
}

unsafe extern "C" {
    pub(super) fn nav_text_free(text: *mut c_char);
    pub(super) fn nav_library_open(
        path: *const c_char,
        parser: *const c_char,
        reason: *mut *mut c_char,
    ) -> *mut RawLibrary;
    pub(super) fn nav_library_version(library: *const RawLibrary, version: *mut [i32; 4]);
    pub(super) fn nav_library_try(library: *mut RawLibrary, reason: *mut *mut c_char) -> c_int;
    pub(super) fn nav_engine_open(
        library: *mut RawLibrary,
        plan: *const c_void,
        size: usize,
        reason: *mut *mut c_char,
    ) -> *mut RawEngine;
    pub(super) fn nav_engine_free(engine: *mut RawEngine);
    pub(super) fn nav_engine_count(engine: *const RawEngine) -> i32;
    pub(super) fn nav_engine_tensor(
        engine: *const RawEngine,
        index: i32,
        tensor: *mut RawTensor,
        reason: *mut *mut c_char,
    ) -> c_int;
    pub(super) fn nav_engine_range(
        engine: *const RawEngine,
        name: *const c_char,
        least: *mut Extents,
        most: *mut Extents,
        reason: *mut *mut c_char,
    ) -> c_int;
    pub(super) fn nav_context_open(
        engine: *mut RawEngine,
        reason: *mut *mut c_char,
    ) -> *mut RawContext;
    pub(super) fn nav_context_free(context: *mut RawContext);
    pub(super) fn nav_context_input(
        context: *mut RawContext,
        name: *const c_char,
        shape: *const Extents,
        place: *const c_void,
        reason: *mut *mut c_char,
    ) -> c_int;
    pub(super) fn nav_context_output_shape(
        context: *mut RawContext,
        name: *const c_char,
        shape: *mut Extents,
        most: *mut u64,
        reason: *mut *mut c_char,
    ) -> c_int;
    pub(super) fn nav_context_output(
        context: *mut RawContext,
        name: *const c_char,
        place: *mut c_void,
        capacity: u64,
        is_open: c_int,
        reason: *mut *mut c_char,
    ) -> c_int;
    pub(super) fn nav_context_found_shape(
        context: *const RawContext,
        name: *const c_char,
        shape: *mut Extents,
        reason: *mut *mut c_char,
    ) -> c_int;
    pub(super) fn nav_context_enqueue(
        context: *mut RawContext,
        stream: *mut c_void,
        reason: *mut *mut c_char,
    ) -> c_int;
    pub(super) fn nav_engine_build(
        library: *mut RawLibrary,
        build: *const RawBuild,
        timing: *mut *mut RawBytes,
        reason: *mut *mut c_char,
    ) -> *mut RawBytes;
    pub(super) fn nav_bytes_start(bytes: *const RawBytes) -> *const c_void;
    pub(super) fn nav_bytes_size(bytes: *const RawBytes) -> usize;
    pub(super) fn nav_bytes_free(bytes: *mut RawBytes);
}
