//! One thread's use of a model: pinned memory that inputs are staged in, a stream of its own, and runs.

use std::sync::Arc;

use bytes::Bytes;
use nav_package_format::{DType, Shape};
use nav_runners::cuda::{CudaError, DeviceBuffer, PinnedBuffer, Stream};
use nav_runners::input::check_inputs;
use nav_runners::{Outputs, RunError, Staged, Tensor, TensorDesc};

use crate::memory::{InputMemory, OutputMemory};
use crate::model::TensorRtModel;
use crate::native::{Context, EngineTensor, Extents, RunFailure};
use crate::ports::{bytes_of, check_range, shape_of};

/// Memory, a stream and an execution context of a thread's own.
#[derive(Debug)]
pub(crate) struct TensorRtSession {
    // First, and so gone before the memory that it works with.
    context: Context,
    stream: Stream,
    /// One for each input of the signature.
    inputs: Vec<InputMemory>,
    /// Memory of the device, one for each output.
    outputs: Vec<Arc<DeviceBuffer>>,
    pinned: OutputMemory,
}

/// An output of a run that is about to be made.
#[derive(Debug)]
struct Expected<'a> {
    port: &'a EngineTensor,
    dtype: DType,
    extents: Extents,
    /// How many bytes it is, or can be at most.
    bytes: usize,
    /// What it is copied into; none where TensorRT writes to the host.
    pinned: Option<PinnedBuffer>,
}

impl TensorRtSession {
    /// A session for the calling thread.
    pub(crate) fn open(model: &TensorRtModel) -> Result<Self, RunFailure> {
        let stream = Stream::new(&model.device)?;
        let context = Context::open(Arc::clone(&model.engine))?;
        let inputs = model.ports.inputs.iter();
        let inputs: Result<Vec<InputMemory>, CudaError> =
            inputs.map(|_| InputMemory::new(&model.device, 1)).collect();
        let outputs = model.ports.outputs.iter();
        let outputs: Result<Vec<Arc<DeviceBuffer>>, CudaError> = outputs
            .map(|_| Ok(Arc::new(DeviceBuffer::new(&model.device, 1)?)))
            .collect();
        Ok(Self {
            context,
            stream,
            inputs: inputs?,
            outputs: outputs?,
            pinned: OutputMemory::new(&model.device),
        })
    }

    /// Lends memory for these inputs.
    pub(crate) fn stage(
        &mut self,
        model: &TensorRtModel,
        inputs: &[TensorDesc],
    ) -> Result<Staged<'_>, RunError> {
        check_inputs(&model.ports.signature, inputs)?;
        let mut staged = Staged::with_capacity(inputs.len());
        let mut described = inputs.iter().peekable();
        for (index, memory) in self.inputs.iter_mut().enumerate() {
            let Some(desc) = described.next_if(|desc| desc.index == index) else {
                continue;
            };
            let name = || {
                let spec = model.ports.signature.inputs.get(index);
                spec.map(|spec| spec.name.clone()).unwrap_or_default()
            };
            if let Some(Some(range)) = model.ranges.get(index) {
                check_range(&name(), &desc.shape, range)?;
            }
            let reserved = memory.reserve(&model.device, desc.byte_size);
            reserved.map_err(|_| RunError::OutOfMemory {
                tensor: name(),
                shape: desc.shape.clone(),
                bytes: desc.byte_size,
            })?;
            let all = memory.host.as_mut_slice();
            let length = desc.byte_size.min(all.len());
            staged.push(all.split_at_mut(length).0);
        }
        Ok(staged)
    }

    /// Runs on what was staged as these inputs.
    pub(crate) fn run(
        &mut self,
        model: &TensorRtModel,
        staged: &[TensorDesc],
    ) -> Result<Outputs, RunError> {
        let failed = |failure: RunFailure| RunError::Runtime {
            runner: model.runner.to_owned(),
            reason: failure.to_string(),
        };
        // A session of another device may have run on this thread since.
        let current = model.device.make_current();
        current.map_err(|error| failed(error.into()))?;
        self.place_inputs(model, staged).map_err(failed)?;
        let mut expected = self.place_outputs(model)?;
        if model.uses_graphs && self.context.can_record() {
            self.context.record(&self.stream).map_err(failed)?;
        }
        self.compute(model, staged, &mut expected).map_err(failed)?;
        let outputs = expected.into_iter().enumerate();
        outputs
            .map(|(index, expected)| self.output(model, index, expected))
            .collect()
    }

    /// Tells TensorRT of the inputs, which makes the shapes of outputs known.
    fn place_inputs(
        &mut self,
        model: &TensorRtModel,
        staged: &[TensorDesc],
    ) -> Result<(), RunFailure> {
        for desc in staged {
            let place = self.inputs.get_mut(desc.index);
            let port = model.ports.inputs.get(desc.index).and_then(Option::as_ref);
            // An input that the engine does not use is taken and left.
            let (Some(memory), Some(port)) = (place, port) else {
                continue;
            };
            let values = memory.host.as_mut_slice();
            let values = values.get_mut(..desc.byte_size).unwrap_or_default();
            if desc.dtype == DType::Bool {
                // Any byte but 0 is true, and only 0 and 1 are what operators expect.
                for byte in values.iter_mut() {
                    *byte = u8::from(*byte != 0);
                }
            }
            let extents = Extents::of(&desc.shape).unwrap_or_default();
            if port.is_on_host {
                self.context
                    .place_host_input(&port.c_name, extents, values)?;
            } else {
                self.context
                    .place_input(&port.c_name, extents, &memory.device)?;
            }
        }
        Ok(())
    }

    /// Makes room for the outputs, and tells TensorRT where.
    fn place_outputs<'a>(
        &mut self,
        model: &'a TensorRtModel,
    ) -> Result<Vec<Expected<'a>>, RunError> {
        let failed = |failure: RunFailure| RunError::Runtime {
            runner: model.runner.to_owned(),
            reason: failure.to_string(),
        };
        let mut all = Vec::with_capacity(model.ports.outputs.len());
        let specs = model.ports.signature.outputs.iter();
        let ports = model.ports.outputs.iter().zip(specs);
        for ((port, spec), device) in ports.zip(&mut self.outputs) {
            let found = self.context.output_extents(&port.c_name);
            let (extents, most) = found.map_err(|error| failed(error.into()))?;
            let shape = shape_of(&extents);
            let exact = shape.as_ref().and_then(|shape| bytes_of(spec.dtype, shape));
            let bytes = exact.or_else(|| usize::try_from(most).ok());
            let bytes = bytes.unwrap_or(usize::MAX);
            let too_much = |_: CudaError| RunError::OutOfMemory {
                tensor: spec.name.clone(),
                shape: shape.clone().unwrap_or_else(|| Shape::new([bytes])),
                bytes,
            };
            let pinned = if port.is_on_host {
                let placed = self.context.place_host_output(&port.c_name, extents, bytes);
                placed.map_err(|error| failed(error.into()))?;
                None
            } else {
                if bytes > device.capacity() {
                    *device = Arc::new(DeviceBuffer::new(&model.device, bytes).map_err(too_much)?);
                }
                let placed = self.context.place_output(&port.c_name, extents, device);
                placed.map_err(|error| failed(error.into()))?;
                Some(self.pinned.take(bytes).map_err(too_much)?)
            };
            all.push(Expected {
                port,
                dtype: spec.dtype,
                extents,
                bytes,
                pinned,
            });
        }
        Ok(all)
    }

    /// Copies in, runs and copies out, and waits for the end of it.
    fn compute(
        &mut self,
        model: &TensorRtModel,
        staged: &[TensorDesc],
        expected: &mut [Expected<'_>],
    ) -> Result<(), RunFailure> {
        let Self {
            context,
            stream,
            inputs,
            outputs,
            ..
        } = self;
        stream.finish(|queue| {
            for desc in staged {
                let port = model.ports.inputs.get(desc.index).and_then(Option::as_ref);
                let is_on_device = port.is_some_and(|port| !port.is_on_host);
                let is_copied = is_on_device && desc.byte_size > 0;
                if let Some(memory) = inputs.get(desc.index).filter(|_| is_copied) {
                    queue.copy_in(&memory.host, &memory.device, desc.byte_size)?;
                }
            }
            context.enqueue(queue)?;
            for (expected, device) in expected.iter_mut().zip(&*outputs) {
                if let Some(pinned) = expected.pinned.as_mut().filter(|_| expected.bytes > 0) {
                    queue.copy_out(device, pinned, expected.bytes)?;
                }
            }
            Ok(())
        })
    }

    /// An output of the run that was made.
    fn output(
        &self,
        model: &TensorRtModel,
        index: usize,
        expected: Expected<'_>,
    ) -> Result<Tensor, RunError> {
        let failed = |reason: String| RunError::Runtime {
            runner: model.runner.to_owned(),
            reason,
        };
        let Expected { port, dtype, .. } = expected;
        let shape = if let Some(shape) = shape_of(&expected.extents) {
            shape
        } else {
            let found = self.context.found_extents(&port.c_name);
            let found = found.map_err(|error| failed(error.to_string()))?;
            let text = || format!("TensorRT does not tell the shape of output `{}`", port.name);
            shape_of(&found).ok_or_else(|| failed(text()))?
        };
        let text = || format!("output `{}` is larger than TensorRT said", port.name);
        let byte_size = bytes_of(dtype, &shape).filter(|&bytes| bytes <= expected.bytes);
        let byte_size = byte_size.ok_or_else(|| failed(text()))?;
        let bytes = if let Some(pinned) = expected.pinned {
            self.pinned.lend(pinned, byte_size)
        } else {
            let all = self.context.host_output(&port.c_name).unwrap_or_default();
            Bytes::copy_from_slice(all.get(..byte_size).ok_or_else(|| failed(text()))?)
        };
        Ok(Tensor {
            desc: TensorDesc {
                index,
                dtype,
                shape,
                byte_size,
            },
            bytes,
        })
    }
}
