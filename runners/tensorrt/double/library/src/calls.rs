//! The functions that others find by name, and those that the classes call.

use std::ffi::{CStr, CString, OsStr, c_char, c_int, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nav_package_format::Shape;
use nav_runners::Outputs;

use crate::model::{MODEL, Model, shape_of};
use crate::plan::{self, Head};
use crate::raw::{self, RawFacts, RawRange, RawShape, RawTensor, RawValue, text};
use crate::setting::setting;

/// The version that the double says it is.
const VERSION: [i32; 4] = [11, 4, 0, 106];

fn version(part: usize) -> i32 {
    let set = setting("tensorrt_version");
    let set = set.and_then(|set| set.split('.').nth(part)?.parse().ok());
    let own = VERSION.get(part).copied().unwrap_or(0);
    set.unwrap_or(own)
}

#[unsafe(no_mangle)]
extern "C" fn getInferLibMajorVersion() -> i32 {
    version(0)
}

#[unsafe(no_mangle)]
extern "C" fn getInferLibMinorVersion() -> i32 {
    version(1)
}

#[unsafe(no_mangle)]
extern "C" fn getInferLibPatchVersion() -> i32 {
    version(2)
}

#[unsafe(no_mangle)]
extern "C" fn getInferLibBuildVersion() -> i32 {
    version(3)
}

#[unsafe(no_mangle)]
extern "C" fn double_version(to: &mut [i32; 4]) {
    *to = [version(0), version(1), version(2), version(3)];
}

#[unsafe(no_mangle)]
unsafe extern "C" fn createInferRuntime_INTERNAL(logger: *mut c_void, version: i32) -> *mut c_void {
    // SAFETY: handed on as it is.
    unsafe { raw::double_create_runtime(logger, version) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn createInferBuilder_INTERNAL(logger: *mut c_void, version: i32) -> *mut c_void {
    // SAFETY: handed on as it is.
    unsafe { raw::double_create_builder(logger, version) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn createNvOnnxParser_INTERNAL(
    network: *mut c_void,
    logger: *mut c_void,
    version: c_int,
) -> *mut c_void {
    // SAFETY: handed on as it is.
    unsafe { raw::double_create_parser(network, logger, version) }
}

/// Leaves a reason.
fn tell(reason: *mut *mut c_char, why: &str) {
    if !reason.is_null() {
        // SAFETY: the classes give a place.
        unsafe { reason.write(text(why)) };
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn double_text_free(given: *mut c_char) {
    if !given.is_null() {
        // SAFETY: it came from `text`.
        drop(unsafe { CString::from_raw(given) });
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn double_setting(key: *const c_char) -> *mut c_char {
    // SAFETY: the classes give a text with its end.
    let key = unsafe { CStr::from_ptr(key) }.to_string_lossy();
    setting(&key).map_or(std::ptr::null_mut(), |found| text(&found))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn double_model_read(
    path: *const c_char,
    reason: *mut *mut c_char,
) -> *mut Model {
    // SAFETY: the classes give a text with its end.
    let path = unsafe { CStr::from_ptr(path) };
    match Model::read(Path::new(OsStr::from_bytes(path.to_bytes()))) {
        Ok(model) => Box::into_raw(Box::new(model)),
        Err(why) => {
            tell(reason, &why);
            std::ptr::null_mut()
        }
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn double_model_free(model: *mut Model) {
    // SAFETY: it came from `double_model_read` or `double_plan_read`, and is freed once.
    drop(unsafe { Box::from_raw(model) });
}

#[unsafe(no_mangle)]
extern "C" fn double_model_count(model: &Model) -> usize {
    model.ports.len()
}

#[unsafe(no_mangle)]
extern "C" fn double_model_tensor(model: &Model, index: usize, tensor: &mut RawTensor) {
    if let Some(port) = model.ports.get(index) {
        *tensor = RawTensor {
            name: port.name.as_ptr(),
            dtype: port.dtype.as_ptr(),
            element_size: port.element_size as u64,
            shape: RawShape::of(&port.extents),
            is_input: u8::from(port.is_input),
            is_shape: u8::from(port.is_shape),
        };
    }
}

#[unsafe(no_mangle)]
extern "C" fn double_model_bytes(model: &Model) -> u64 {
    model.bytes()
}

#[unsafe(no_mangle)]
extern "C" fn double_model_digest(model: &Model) -> u64 {
    let bytes = std::fs::read(model.path(MODEL)).unwrap_or_default();
    plan::sum(&bytes)
}

/// Shapes and bytes, of values that are known.
///
/// # Safety
/// There are so many, and their bytes are there as long as `'a`.
unsafe fn values<'a>(values: *const RawValue, count: usize) -> Vec<(RawShape, Option<&'a [u8]>)> {
    if count == 0 {
        return Vec::new();
    }
    // SAFETY: as promised.
    let values = unsafe { std::slice::from_raw_parts(values, count) };
    let each = values.iter().map(|value| {
        let size = usize::try_from(value.size).unwrap_or(0);
        let bytes = (!value.bytes.is_null()).then(|| {
            // SAFETY: as promised.
            unsafe { std::slice::from_raw_parts(value.bytes.cast::<u8>(), size) }
        });
        (value.shape, bytes)
    });
    each.collect()
}

#[unsafe(no_mangle)]
unsafe extern "C" fn double_model_infer(
    model: &Model,
    inputs: *const RawValue,
    count: usize,
    outputs: *mut RawShape,
    reason: *mut *mut c_char,
) -> c_int {
    // SAFETY: the classes give so many, which live as long as the call.
    let inputs = unsafe { values(inputs, count) };
    let extents: Vec<Vec<i64>> = inputs
        .iter()
        .map(|(shape, _)| shape.as_slice().to_vec())
        .collect();
    let known: Vec<Option<&[u8]>> = inputs.iter().map(|(_, bytes)| *bytes).collect();
    match model.infer(&extents, &known) {
        Ok(found) => {
            // SAFETY: the classes give room for all outputs.
            let places = unsafe { std::slice::from_raw_parts_mut(outputs, found.len()) };
            for (to, from) in places.iter_mut().zip(&found) {
                *to = RawShape::of(from);
            }
            0
        }
        Err(why) => {
            tell(reason, &why);
            -1
        }
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn double_model_run(
    model: &Model,
    inputs: *const RawValue,
    count: usize,
    reason: *mut *mut c_char,
) -> *mut Outputs {
    // SAFETY: the classes give so many, which live as long as the call.
    let inputs = unsafe { values(inputs, count) };
    let inputs: Vec<(Shape, &[u8])> = inputs
        .iter()
        .map(|(shape, bytes)| (shape_of(shape.as_slice()), bytes.unwrap_or_default()))
        .collect();
    let given: Vec<(&Shape, &[u8])> = inputs.iter().map(|(shape, it)| (shape, *it)).collect();
    match model.run(&given) {
        Ok(outputs) => Box::into_raw(Box::new(outputs)),
        Err(why) => {
            tell(reason, &why);
            std::ptr::null_mut()
        }
    }
}

#[unsafe(no_mangle)]
extern "C" fn double_results_get(results: &Outputs, index: usize, value: &mut RawValue) {
    if let Some(output) = results.get(index) {
        let extents = output.desc.shape.iter();
        let extents: Vec<i64> = extents
            .map(|&extent| i64::try_from(extent).unwrap_or(-1))
            .collect();
        *value = RawValue {
            bytes: output.bytes.as_ptr().cast(),
            size: output.bytes.len() as u64,
            shape: RawShape::of(&extents),
        };
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn double_results_free(results: *mut Outputs) {
    // SAFETY: it came from `double_model_run`, and is freed once.
    drop(unsafe { Box::from_raw(results) });
}

fn head(model: Option<&Model>, facts: &RawFacts) -> Head {
    let none = Head::none();
    Head {
        version: facts.version,
        capability: facts.capability,
        tf32: facts.tf32 != 0,
        level: facts.level,
        workspace: facts.workspace,
        ..model.map_or(none, Head::of)
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn double_plan_write(
    model: &Model,
    facts: &RawFacts,
    ranges: *const RawRange,
    count: usize,
    size: &mut usize,
) -> *mut u8 {
    let ranges = if count == 0 {
        &[]
    } else {
        // SAFETY: the classes give so many.
        unsafe { std::slice::from_raw_parts(ranges, count) }
    };
    let mut head = head(Some(model), facts);
    for range in ranges.iter().filter(|range| range.of[0].rank >= 0) {
        // SAFETY: the classes give texts with their ends.
        let name = unsafe { CStr::from_ptr(range.name) };
        let extents = range.of.map(|shape| shape.as_slice().to_vec());
        head.ranges
            .insert(name.to_string_lossy().into_owned(), extents);
    }
    let Ok(plan) = plan::write(model, &head) else {
        return std::ptr::null_mut();
    };
    *size = plan.len();
    Box::into_raw(plan.into_boxed_slice()).cast()
}

#[unsafe(no_mangle)]
unsafe extern "C" fn double_plan_free(start: *mut u8, size: usize) {
    let plan = std::ptr::slice_from_raw_parts_mut(start, size);
    // SAFETY: it came from `double_plan_write`, with this size.
    drop(unsafe { Box::from_raw(plan) });
}

#[unsafe(no_mangle)]
unsafe extern "C" fn double_plan_read(
    start: *const u8,
    size: usize,
    here: &RawFacts,
    ranges: *mut RawRange,
    reason: *mut *mut c_char,
) -> *mut Model {
    // SAFETY: whoever reads an engine gives so many bytes.
    let bytes = unsafe { std::slice::from_raw_parts(start, size) };
    let (model, head) = match plan::read(bytes, &head(None, here)) {
        Ok(read) => read,
        Err(why) => {
            tell(reason, &why);
            return std::ptr::null_mut();
        }
    };
    let inputs = model.ports.iter().filter(|port| port.is_input);
    for (at, port) in inputs.enumerate() {
        let known = head.ranges.get(&*port.name.to_string_lossy());
        let of = known.map_or([RawShape::NONE; 3], |extents| {
            extents.each_ref().map(|it| RawShape::of(it))
        });
        let range = RawRange {
            name: port.name.as_ptr(),
            of,
        };
        // SAFETY: the classes give room for as many as a model may have.
        let place = unsafe { ranges.add(at) };
        // SAFETY: as above.
        unsafe { place.write(range) };
    }
    Box::into_raw(Box::new(model))
}
