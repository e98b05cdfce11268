//! libtorch as its C++ interface has it: modules, sessions and outputs, with errors as texts. The only file with unsafe code.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::fmt;
use std::path::Path;
use std::ptr::NonNull;
use std::sync::Arc;

use tch::{Device, Tensor};

use crate::settings::{Autocast, Rewriting};

#[repr(C)]
struct RawModule {
    _private: [u8; 0],
}

#[repr(C)]
struct RawSession {
    _private: [u8; 0],
}

#[repr(C)]
struct RawOutputs {
    _private: [u8; 0],
}

// What `native/torch.h` declares.
unsafe extern "C" {
    fn nav_text_free(text: *mut c_char);
    fn nav_library_open(path: *const c_char, reason: *mut *mut c_char) -> c_int;
    safe fn nav_torch_version() -> u64;
    fn nav_allow_tf32(is_allowed: c_int, reason: *mut *mut c_char) -> c_int;
    fn nav_module_load(
        path: *const c_char,
        cuda: c_int,
        reason: *mut *mut c_char,
    ) -> *mut RawModule;
    fn nav_module_free(module: *mut RawModule);
    fn nav_module_rewrite(module: *mut RawModule, level: c_int, reason: *mut *mut c_char) -> c_int;
    fn nav_module_channels_last(module: *mut RawModule, reason: *mut *mut c_char) -> c_int;
    fn nav_module_arguments(module: *const RawModule, reason: *mut *mut c_char) -> *mut c_char;
    fn nav_session_open(
        module: *mut RawModule,
        autocast: c_int,
        reason: *mut *mut c_char,
    ) -> *mut RawSession;
    fn nav_session_free(session: *mut RawSession);
    fn nav_session_run(
        session: *mut RawSession,
        names: *const *const c_char,
        tensors: *const *mut c_void,
        count: usize,
        reason: *mut *mut c_char,
    ) -> *mut RawOutputs;
    fn nav_outputs_free(outputs: *mut RawOutputs);
    fn nav_outputs_count(outputs: *const RawOutputs) -> usize;
    fn nav_outputs_name(outputs: *const RawOutputs, index: usize) -> *const c_char;
    fn nav_outputs_take(outputs: *mut RawOutputs, index: usize) -> *mut c_void;
}

/// What libtorch says of a failure.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct TorchError(pub(crate) String);

/// Takes a reason out of the place where a call left it.
fn reason(place: *mut c_char) -> TorchError {
    if place.is_null() {
        return TorchError("libtorch gave no reason".to_owned());
    }
    // SAFETY: a reason is a text with its end, which nobody else holds.
    let text = unsafe { CStr::from_ptr(place) };
    let text = text.to_string_lossy().trim().to_owned();
    // SAFETY: the text came from the same side, and is not used any more.
    unsafe { nav_text_free(place) };
    TorchError(text)
}

fn path_text(path: &Path) -> Result<CString, TorchError> {
    use std::os::unix::ffi::OsStrExt;
    CString::new(path.as_os_str().as_bytes())
        .map_err(|_| TorchError("its path holds a NUL".to_owned()))
}

/// The version of the libtorch that is in use.
pub(crate) fn version() -> String {
    let [major, minor, patch, ..] = nav_torch_version().to_be_bytes();
    format!("{major}.{minor}.{patch}")
}

/// Opens a library for everything that is opened later. It stays open.
pub(crate) fn open_library(path: &Path) -> Result<(), TorchError> {
    let path = path_text(path)?;
    let mut place = std::ptr::null_mut();
    // SAFETY: the path has its end, and `place` outlives the call. What the library does when it is opened is the
    // vendor's, which the user chose.
    let opened = unsafe { nav_library_open(path.as_ptr(), &raw mut place) };
    if opened == 0 {
        Ok(())
    } else {
        Err(reason(place))
    }
}

/// Says whether GPUs may compute products of FP32 with ten bits of mantissa, in all of this process, which holds one model.
pub(crate) fn allow_tf32(is_allowed: bool) -> Result<(), TorchError> {
    let mut place = std::ptr::null_mut();
    // SAFETY: `place` outlives the call.
    let done = unsafe { nav_allow_tf32(c_int::from(is_allowed), &raw mut place) };
    if done == 0 {
        Ok(())
    } else {
        Err(reason(place))
    }
}

/// A loaded module.
pub(crate) struct Module {
    raw: NonNull<RawModule>,
}

// SAFETY: the module is rewritten before it is shared, and libtorch runs one module on several threads.
unsafe impl Send for Module {}
// SAFETY: as above.
unsafe impl Sync for Module {}

/// An argument of a module's `forward`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Argument {
    /// Its name.
    pub(crate) name: String,
    /// Its type, as TorchScript writes it.
    pub(crate) kind: String,
    /// Whether it may be left out.
    pub(crate) has_default: bool,
}

impl Module {
    /// Loads a module for the processor, or for the GPU of this number. This runs code of the file.
    pub(crate) fn load(path: &Path, gpu: Option<i8>) -> Result<Self, TorchError> {
        let path = path_text(path)?;
        let mut place = std::ptr::null_mut();
        let gpu = gpu.map_or(-1, c_int::from);
        // SAFETY: the path has its end, and `place` outlives the call.
        let raw = unsafe { nav_module_load(path.as_ptr(), gpu, &raw mut place) };
        let raw = NonNull::new(raw).ok_or_else(|| reason(place))?;
        Ok(Self { raw })
    }

    /// Rewrites it.
    pub(crate) fn rewrite(&mut self, rewriting: Rewriting) -> Result<(), TorchError> {
        let mut place = std::ptr::null_mut();
        // SAFETY: the module lives, and `&mut self` keeps everybody else from it.
        let done =
            unsafe { nav_module_rewrite(self.raw.as_ptr(), rewriting as c_int, &raw mut place) };
        if done == 0 {
            Ok(())
        } else {
            Err(reason(place))
        }
    }

    /// Lays its weights out with the channels last, and the inputs of every run.
    pub(crate) fn channels_last(&mut self) -> Result<(), TorchError> {
        let mut place = std::ptr::null_mut();
        // SAFETY: the module lives, and `&mut self` keeps everybody else from it.
        let done = unsafe { nav_module_channels_last(self.raw.as_ptr(), &raw mut place) };
        if done == 0 {
            Ok(())
        } else {
            Err(reason(place))
        }
    }

    /// What its `forward` takes.
    pub(crate) fn arguments(&self) -> Result<Vec<Argument>, TorchError> {
        let mut place = std::ptr::null_mut();
        // SAFETY: the module lives and is not changed by being asked.
        let text = unsafe { nav_module_arguments(self.raw.as_ptr(), &raw mut place) };
        if text.is_null() {
            return Err(reason(place));
        }
        // A text like that of a reason, and freed like it.
        let TorchError(text) = reason(text);
        let arguments = text.lines().filter_map(|line| {
            let mut parts = line.split('\t');
            Some(Argument {
                name: parts.next()?.to_owned(),
                kind: parts.next()?.to_owned(),
                has_default: parts.next() == Some("="),
            })
        });
        Ok(arguments.collect())
    }
}

impl Drop for Module {
    fn drop(&mut self) {
        // SAFETY: it came from `nav_module_load`, and no session of it is left: each holds it.
        unsafe { nav_module_free(self.raw.as_ptr()) };
    }
}

impl fmt::Debug for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Module").finish_non_exhaustive()
    }
}

/// One thread's use of a module. Not `Send`: its stream belongs to the thread.
pub(crate) struct ModuleSession {
    raw: NonNull<RawSession>,
    _module: Arc<Module>,
}

impl ModuleSession {
    /// A session for the calling thread.
    pub(crate) fn open(module: Arc<Module>, autocast: Autocast) -> Result<Self, TorchError> {
        let mut place = std::ptr::null_mut();
        // SAFETY: the module lives as long as the session, which holds it.
        let raw =
            unsafe { nav_session_open(module.raw.as_ptr(), autocast as c_int, &raw mut place) };
        let raw = NonNull::new(raw).ok_or_else(|| reason(place))?;
        Ok(Self {
            raw,
            _module: module,
        })
    }

    /// Calls `forward` with tensors of the host. Outputs are dense, of the host, and nobody else's.
    pub(crate) fn run(
        &mut self,
        inputs: &[(&CStr, Tensor)],
    ) -> Result<Vec<(String, Tensor)>, TorchError> {
        let names: Vec<*const c_char> = inputs.iter().map(|(name, _)| name.as_ptr()).collect();
        let tensors: Vec<*mut c_void> = inputs
            .iter()
            .map(|(_, tensor)| tensor.as_ptr().cast_mut().cast())
            .collect();
        let mut place = std::ptr::null_mut();
        // SAFETY: names and tensors live through the call, which only reads them, and there are as many as it is told.
        let raw = unsafe {
            nav_session_run(
                self.raw.as_ptr(),
                names.as_ptr(),
                tensors.as_ptr(),
                inputs.len(),
                &raw mut place,
            )
        };
        let raw = NonNull::new(raw).ok_or_else(|| reason(place))?;
        Ok(RawResults(raw).into_tensors())
    }
}

impl Drop for ModuleSession {
    fn drop(&mut self) {
        // SAFETY: it came from `nav_session_open`, and its module still lives.
        unsafe { nav_session_free(self.raw.as_ptr()) };
    }
}

impl fmt::Debug for ModuleSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModuleSession").finish_non_exhaustive()
    }
}

/// Outputs on the other side.
struct RawResults(NonNull<RawOutputs>);

impl RawResults {
    fn into_tensors(self) -> Vec<(String, Tensor)> {
        // SAFETY: the outputs live as long as `self`.
        let count = unsafe { nav_outputs_count(self.0.as_ptr()) };
        (0..count).map(|index| self.take(index)).collect()
    }

    /// Each may be taken once.
    fn take(&self, index: usize) -> (String, Tensor) {
        // SAFETY: the outputs live, and have more than `index` members.
        let name = unsafe { nav_outputs_name(self.0.as_ptr(), index) };
        // SAFETY: a name is a text with its end, which lives as long as the outputs.
        let name = unsafe { CStr::from_ptr(name) };
        // SAFETY: the outputs live, and have more than `index` members.
        let tensor = unsafe { nav_outputs_take(self.0.as_ptr(), index) };
        // SAFETY: what is handed out is a tensor as tch has them, which nobody else frees.
        let tensor = unsafe { Tensor::from_ptr(tensor.cast()) };
        (name.to_string_lossy().into_owned(), tensor)
    }
}

impl Drop for RawResults {
    fn drop(&mut self) {
        // SAFETY: they came from `nav_session_run`, and what was taken of them is not theirs any more.
        unsafe { nav_outputs_free(self.0.as_ptr()) };
    }
}

/// The bytes of a dense tensor of the host; none of any other.
pub(crate) fn bytes_of(tensor: &Tensor) -> &[u8] {
    let length = dense_bytes(tensor);
    if length == 0 {
        return &[];
    }
    // SAFETY: the tensor is dense, of the host and of so many bytes. It is borrowed as long as the slice, and whoever else
    // holds its memory only reads from it.
    unsafe { std::slice::from_raw_parts(tensor.data_ptr().cast::<u8>(), length) }
}

/// The same, to be written.
pub(crate) fn bytes_of_mut(tensor: &mut Tensor) -> &mut [u8] {
    let length = dense_bytes(tensor);
    if length == 0 {
        return &mut [];
    }
    // SAFETY: the tensor is dense, of the host and of so many bytes. Tensors that share them are made for a run, during
    // which nothing is lent, and are gone after it.
    unsafe { std::slice::from_raw_parts_mut(tensor.data_ptr().cast::<u8>(), length) }
}

fn dense_bytes(tensor: &Tensor) -> usize {
    let is_dense = tensor.device() == Device::Cpu && !tensor.is_sparse() && tensor.is_contiguous();
    let bytes = tensor.numel() * tensor.kind().elt_size_in_bytes();
    if is_dense { bytes } else { 0 }
}
