//! One thread's use of a model: memory that inputs are staged in, and calls of `forward`.

use std::ffi::{CStr, CString};
use std::sync::Arc;

use nav_package_format::{Device, Signature};
use nav_runners::input::check_inputs;
use nav_runners::{RunError, Staged, TensorDesc};
use tch::Tensor;

use crate::dtype::kind_of;
use crate::memory::HostMemory;
use crate::model::{TorchModel, failed, no_type, set_threads};
use crate::native::ModuleSession;

/// Memory and a stream of a thread's own.
#[derive(Debug)]
pub(crate) struct TorchSession {
    runner: &'static str,
    session: ModuleSession,
    /// One for each input of the signature.
    memory: Vec<HostMemory>,
}

impl TorchSession {
    /// A session for the calling thread.
    pub(crate) fn open(model: &TorchModel) -> Result<Self, RunError> {
        // libtorch counts threads for each thread that calls it.
        set_threads(model.treatment);
        let session = ModuleSession::open(Arc::clone(&model.module), model.treatment.autocast);
        let is_pinned = model.device != Device::Cpu;
        let memory = model
            .signature
            .inputs
            .iter()
            .map(|_| HostMemory::new(is_pinned));
        let memory: Result<Vec<HostMemory>, _> = memory.collect();
        Ok(Self {
            runner: model.runner,
            session: session.map_err(|error| failed(model.runner, &error))?,
            memory: memory.map_err(|error| failed(model.runner, &error))?,
        })
    }

    /// Lends memory for these inputs.
    pub(crate) fn stage(
        &mut self,
        signature: &Signature,
        inputs: &[TensorDesc],
    ) -> Result<Staged<'_>, RunError> {
        check_inputs(signature, inputs)?;
        let mut staged = Staged::with_capacity(inputs.len());
        let mut described = inputs.iter().peekable();
        for (index, memory) in self.memory.iter_mut().enumerate() {
            let Some(desc) = described.next_if(|desc| desc.index == index) else {
                continue;
            };
            memory
                .reserve(desc.byte_size)
                .map_err(|_| RunError::OutOfMemory {
                    tensor: name_of(signature, index),
                    shape: desc.shape.clone(),
                    bytes: desc.byte_size,
                })?;
            staged.push(memory.lend(desc.byte_size));
        }
        Ok(staged)
    }

    /// Runs on what was staged as these inputs: tensors by name, in the order in which the model gives them.
    pub(crate) fn run_raw(
        &mut self,
        names: &[CString],
        inputs: &[TensorDesc],
    ) -> Result<Vec<(String, Tensor)>, RunError> {
        let mut given: Vec<(&CStr, Tensor)> = Vec::with_capacity(inputs.len());
        for desc in inputs {
            let place = self.memory.get(desc.index).zip(names.get(desc.index));
            let Some((memory, name)) = place else {
                return Err(RunError::NotStaged);
            };
            let kind = kind_of(desc.dtype)
                .ok_or_else(|| no_type(self.runner, &name.to_string_lossy(), desc.dtype))?;
            let tensor = memory.tensor(desc.byte_size, kind, &desc.shape);
            given.push((name, tensor.map_err(|error| failed(self.runner, &error))?));
        }
        let ran = self.session.run(&given);
        ran.map_err(|error| failed(self.runner, &error))
    }
}

fn name_of(signature: &Signature, index: usize) -> String {
    let spec = signature.inputs.get(index);
    spec.map(|spec| spec.name.clone()).unwrap_or_default()
}
