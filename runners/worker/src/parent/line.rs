//! A connection to one session in the child: requests go out, answers come in, slots are handed over.
//!
//! Knows one child's session and nothing of another child that may come after it.
//!
//! A request costs the parent three calls of the kernel (send, wait, receive) and one allocation, the
//! guard of the outputs; the child two calls. New memory costs more, once.

use std::ops::ControlFlow;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::Instant;

use nav_native::shared_memory::{SharedMemory, SharedMemoryError};
use nav_package_format::Signature;
use nav_runners::{Outputs, RunError, Staged, Tensor, TensorDesc};
use smallvec::SmallVec;

use super::answer;
use super::slots::{Chosen, OutputSlots, grown};
use super::worker::Worker;
use crate::control;
use crate::frame::{FrameError, FrameWriter, INPUT_SLOT, Kind};
use crate::layout::{self, Layout};
use crate::socket::{ReceiveBuffer, Socket, SocketError};
use crate::tensors::{self, Placed};

/// A connection to one session. Dropping it ends the session, and the child with the last one.
#[derive(Debug)]
pub(super) struct Line {
    socket: Socket,
    buffer: ReceiveBuffer,
    /// The `run` frame of what is staged, made once and sent for each run.
    request: FrameWriter,
    scratch: FrameWriter,
    inputs: Option<SharedMemory>,
    outputs: OutputSlots,
    // The last field: the child shall see the session's end before it is waited for.
    worker: Arc<Worker>,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum LineError {
    /// The request failed, and the session is as well as before.
    Run(RunError),
    /// The request cannot be said in one frame.
    Request(FrameError),
    /// There is not so much memory.
    Memory(SharedMemoryError),
    /// The outputs take more than they may.
    OutputLimit {
        /// What the child asked for.
        bytes: usize,
    },
    /// The child cannot be talked to any more.
    Lost(SocketError),
}

impl From<SocketError> for LineError {
    fn from(error: SocketError) -> Self {
        Self::Lost(error)
    }
}

impl From<FrameError> for LineError {
    fn from(error: FrameError) -> Self {
        Self::Lost(error.into())
    }
}

/// What a run may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) deadline: Instant,
    pub(super) output_bytes: usize,
}

/// The child's answer to a run: where its outputs are, or how much memory it needs to go on.
type Answer = ControlFlow<SmallVec<[Placed; 4]>, usize>;

impl Line {
    pub(super) fn new(socket: Socket, buffer: ReceiveBuffer, worker: Arc<Worker>) -> Self {
        Self {
            socket,
            buffer,
            request: FrameWriter::default(),
            scratch: FrameWriter::default(),
            inputs: None,
            outputs: OutputSlots::default(),
            worker,
        }
    }

    pub(super) const fn worker(&self) -> &Arc<Worker> {
        &self.worker
    }

    /// Makes the request for these inputs, and room for them.
    pub(super) fn prepare(
        &mut self,
        inputs: &[TensorDesc],
        layout: &Layout,
        limits: Limits,
    ) -> Result<(), LineError> {
        let had = self.inputs.as_ref().map_or(0, SharedMemory::len);
        if had < layout.total || self.inputs.is_none() {
            // The old memory goes first: there is no need for both at a time.
            self.inputs = None;
            let (memory, file) =
                SharedMemory::create(grown(had, layout.total)).map_err(LineError::Memory)?;
            let size = memory.len();
            self.inputs = Some(memory);
            self.hand_over(INPUT_SLOT, (size, file), limits)?;
        }
        self.request.begin(Kind::Run).u32(0);
        tensors::write(&mut self.request, inputs, &layout.offsets)
            .and_then(|()| self.request.finish().map(|_| ()))
            .map_err(LineError::Request)
    }

    /// The memory of the inputs that were prepared last.
    pub(super) fn lend(&mut self, inputs: &[TensorDesc], layout: &Layout) -> Option<Staged<'_>> {
        let sizes = inputs.iter().map(|desc| desc.byte_size);
        let places = layout.offsets.iter().copied().zip(sizes);
        layout::lend(self.inputs.as_mut()?.as_mut_slice(), places)
    }

    /// Has the child run what was prepared last.
    pub(super) fn run(
        &mut self,
        signature: &Signature,
        limits: Limits,
    ) -> Result<Outputs, LineError> {
        let chosen = self.outputs.choose();
        self.request.patch_u32(0, chosen.number());
        let frame = self.request.finish()?;
        self.socket.send(frame, None, Some(limits.deadline))?;
        let mut answer = self.answer(limits)?;
        if let Answer::Continue(bytes) = answer {
            self.grow(chosen, bytes, limits)?;
            answer = self.answer(limits)?;
        }
        match answer {
            Answer::Break(placed) => self.collect(signature, chosen, placed),
            Answer::Continue(_) => {
                Err(FrameError::unexpected("`done` or `run failed`", Kind::NeedOutput).into())
            }
        }
    }

    fn answer(&mut self, limits: Limits) -> Result<Answer, LineError> {
        let received = self
            .socket
            .receive(&mut self.buffer, Some(limits.deadline))?;
        let mut frame = received.frame;
        match frame.kind {
            Kind::Done => Ok(Answer::Break(tensors::read(&mut frame)?)),
            Kind::NeedOutput => {
                let bytes = frame.size("size")?;
                frame.end()?;
                Ok(Answer::Continue(bytes))
            }
            Kind::RunFailed => Err(LineError::Run(control::decode(frame)?)),
            other => {
                let expected = "`done`, `need output` or `run failed`";
                Err(FrameError::unexpected(expected, other).into())
            }
        }
    }

    /// Gives the child the memory it asked for, or tells it that there is none.
    fn grow(&mut self, chosen: Chosen, bytes: usize, limits: Limits) -> Result<(), LineError> {
        let grown = if bytes > limits.output_bytes {
            Err(LineError::OutputLimit { bytes })
        } else {
            self.outputs
                .replace(chosen, bytes)
                .map_err(LineError::Memory)
        };
        match grown {
            Ok(memory) => self.hand_over(chosen.number(), memory, limits),
            Err(refusal) => {
                let frame = self.scratch.begin(Kind::OutputRefused).finish()?;
                self.socket.send(frame, None, Some(limits.deadline))?;
                Err(refusal)
            }
        }
    }

    fn hand_over(
        &mut self,
        slot: u32,
        (size, file): (usize, OwnedFd),
        limits: Limits,
    ) -> Result<(), LineError> {
        let frame = self.scratch.begin(Kind::Slot).u32(slot).u32(0).size(size);
        let frame = frame.finish()?;
        self.socket
            .send(frame, Some(file.as_fd()), Some(limits.deadline))
            .map_err(LineError::from)
    }

    /// The outputs in a slot, once what the child says of them is seen to be possible.
    fn collect(
        &self,
        signature: &Signature,
        chosen: Chosen,
        placed: SmallVec<[Placed; 4]>,
    ) -> Result<Outputs, LineError> {
        let memory = self.outputs.memory(chosen);
        let taken = answer::check(signature, &placed, memory).map_err(|error| {
            LineError::from(FrameError::Invalid {
                kind: Kind::Done.name(),
                what: "output",
                found: error.to_string(),
            })
        })?;
        let bytes = self.outputs.take(chosen, taken);
        let slice = |placed: Placed| {
            let (start, size) = (placed.offset, placed.desc.byte_size);
            Tensor {
                // Checked above, so neither the sum nor the slice can be out of range; an output
                // without bytes may lie anywhere.
                bytes: if size == 0 {
                    bytes::Bytes::new()
                } else {
                    bytes.slice(start..start.saturating_add(size))
                },
                desc: placed.desc,
            }
        };
        Ok(placed.into_iter().map(slice).collect())
    }
}
