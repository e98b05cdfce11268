//! Recorded work of a device, which is queued again as a whole and so costs one call.

use super::context::Context;
use super::error::CudaError;
use super::functions::{RawGraph, RawGraphExec, RawStream};

/// Work that was recorded, ready to be launched any number of times.
#[derive(Debug)]
pub struct Graph {
    exec: RawGraphExec,
    context: Context,
}

// SAFETY: a graph is bound to no thread; not being `Sync`, it is launched by one at a time.
unsafe impl Send for Graph {}

impl Graph {
    /// Makes a recording ready, and gives up the recording itself.
    pub(super) fn of_recording(context: &Context, raw: RawGraph) -> Result<Self, CudaError> {
        let mut exec: RawGraphExec = std::ptr::null_mut();
        if raw.is_null() {
            return Err(CudaError::Refused {
                call: "cuStreamEndCapture",
                name: "null".to_owned(),
                reason: "nothing was recorded".to_owned(),
            });
        }
        // SAFETY: the place is valid and the recording live.
        let code = unsafe { (context.functions().instantiate)(&raw mut exec, raw, 0) };
        // SAFETY: the recording is live, destroyed once, and not needed by what was made of it.
        unsafe { (context.functions().destroy_graph)(raw) };
        context.check("cuGraphInstantiate", code)?;
        Ok(Self {
            exec,
            context: context.clone(),
        })
    }

    pub(super) fn launch(&self, stream: RawStream) -> Result<(), CudaError> {
        // SAFETY: graph and stream are live, the stream waits for it before either can go.
        let code = unsafe { (self.context.functions().launch)(self.exec, stream) };
        self.context.check("cuGraphLaunch", code)
    }
}

impl Drop for Graph {
    fn drop(&mut self) {
        if self.context.make_current().is_ok() {
            // SAFETY: it is live and destroyed once; whoever launched it has waited for it.
            unsafe { (self.context.functions().destroy_exec)(self.exec) };
        }
    }
}
