//! One session in the child: a thread that reads requests from its slots and writes answers to them.
//!
//! Inputs are copied from shared memory into the runner's own, as the runner decides where that is, and
//! outputs from the runner's memory into shared memory, as their size is known only after a run.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use nav_native::shared_memory::SharedMemory;
use nav_runners::{LoadError, Outputs, RunError, Session, TensorDesc};
use smallvec::SmallVec;

use super::contain::contain;
use super::loading::Model;
use crate::control;
use crate::frame::{Frame, FrameError, FrameWriter, INPUT_SLOT, Kind, MAX_SLOTS};
use crate::layout::{self, Layout};
use crate::socket::{ReceiveBuffer, Received, Socket, SocketError};
use crate::tensors::{self, Placed};

/// Opens a session and answers its requests until the parent closes the connection. A connection that
/// cannot go on is closed, upon which the parent decides.
pub(super) fn serve(model: Model, socket: &Socket) {
    let mut served = ServedSession {
        model,
        session: None,
        slots: [const { None }; MAX_SLOTS as usize],
        writer: FrameWriter::default(),
    };
    // Either the parent closed the connection, or it cannot be talked to.
    let _closed = served.serve(socket);
}

type Slots = [Option<SharedMemory>; MAX_SLOTS as usize];

struct ServedSession {
    model: Model,
    /// None until it is needed again, after one that panicked.
    session: Option<Box<dyn Session>>,
    slots: Slots,
    writer: FrameWriter,
}

/// A request: where the outputs go, and what the inputs are.
struct Request {
    output_slot: u32,
    inputs: SmallVec<[Placed; 4]>,
}

impl ServedSession {
    fn serve(&mut self, socket: &Socket) -> Result<(), SocketError> {
        match self.open() {
            Ok(session) => self.session = Some(session),
            Err(error) => {
                let error = self.model.brief(error);
                return match control::encode(&mut self.writer, Kind::LoadFailed, &error) {
                    Ok(frame) => socket.send(frame, None, None),
                    Err(_) => Err(SocketError::Closed),
                };
            }
        }
        socket.send(self.writer.begin(Kind::SessionOpened).finish()?, None, None)?;
        let mut buffer = ReceiveBuffer::default();
        loop {
            let received = socket.receive(&mut buffer, None)?;
            match (received.frame.kind, received.file) {
                (Kind::Slot, Some(file)) => self.map_slot(received.frame, file)?,
                (Kind::Run, _) => {
                    let request = read_request(received.frame)?;
                    self.answer(&request, socket, &mut buffer)?;
                }
                (other, _) => return Err(FrameError::unexpected("`slot` or `run`", other).into()),
            }
        }
    }

    fn open(&self) -> Result<Box<dyn Session>, LoadError> {
        contain(|| Arc::clone(&self.model.loaded).session())
            .unwrap_or_else(|reason| Err(self.model.refused(reason)))
    }

    fn map_slot(&mut self, mut frame: Frame<'_>, file: OwnedFd) -> Result<(), SocketError> {
        let number = frame.u32()?;
        let zero = frame.u32()?;
        let size = frame.size("size")?;
        frame.end()?;
        if zero != 0 {
            return Err(frame.invalid("reserved number", zero).into());
        }
        let slot = usize::try_from(number)
            .ok()
            .and_then(|number| self.slots.get_mut(number))
            .ok_or_else(|| frame.invalid("slot", number))?;
        *slot = None;
        let memory = SharedMemory::from_fd(file, size);
        *slot = Some(memory.map_err(|error| frame.invalid("memory", error))?);
        Ok(())
    }

    fn answer(
        &mut self,
        request: &Request,
        socket: &Socket,
        buffer: &mut ReceiveBuffer,
    ) -> Result<(), SocketError> {
        match self.run(request) {
            Ok(outputs) => self.give(request.output_slot, &outputs, socket, buffer),
            Err(error) => self.fail(&error, socket),
        }
    }

    /// Runs the model on the inputs in the slot.
    fn run(&mut self, request: &Request) -> Result<Outputs, RunError> {
        let mut session = match self.session.take() {
            Some(session) => session,
            None => self
                .open()
                .map_err(|error| self.model.failed(error.to_string()))?,
        };
        let memory = slot(&self.slots, INPUT_SLOT).map_or(&[][..], SharedMemory::as_slice);
        // A session that panics goes with its panic: what it was in the middle of, nobody knows.
        let model = &self.model;
        let ran = contain(move || {
            let outputs = run_on(session.as_mut(), memory, &request.inputs, model);
            (session, outputs)
        });
        match ran {
            Ok((session, outputs)) => {
                self.session = Some(session);
                outputs
            }
            Err(reason) => Err(self.model.failed(reason)),
        }
    }

    /// Writes the outputs to their slot, for which the parent may have to find memory first.
    fn give(
        &mut self,
        number: u32,
        outputs: &Outputs,
        socket: &Socket,
        buffer: &mut ReceiveBuffer,
    ) -> Result<(), SocketError> {
        let sizes = outputs.iter().map(|output| output.bytes.len());
        let described = outputs.iter().map(|output| output.desc.byte_size);
        let layout = Layout::of(sizes.clone()).filter(|_| sizes.eq(described));
        let Some(layout) = layout else {
            let reason = "its outputs are not as large as it says they are";
            return self.fail(&self.model.failed(reason.to_owned()), socket);
        };
        if self.size_of(number) < layout.total
            && !self.ask_for_output(layout.total, socket, buffer)?
        {
            return Ok(());
        }
        if layout.total > 0 && !self.write(number, outputs, &layout) {
            let error = FrameError::Invalid {
                kind: Kind::Slot.name(),
                what: "slot",
                found: number.to_string(),
            };
            return Err(error.into());
        }
        let descs: SmallVec<[TensorDesc; 4]> =
            outputs.iter().map(|output| output.desc.clone()).collect();
        self.writer.begin(Kind::Done);
        let frame = tensors::write(&mut self.writer, &descs, &layout.offsets)
            .and_then(|()| self.writer.finish());
        match frame {
            Ok(frame) => socket.send(frame, None, None),
            Err(error) => self.fail(&self.model.failed(error.to_string()), socket),
        }
    }

    /// Asks the parent for memory and says whether it gave any.
    fn ask_for_output(
        &mut self,
        bytes: usize,
        socket: &Socket,
        buffer: &mut ReceiveBuffer,
    ) -> Result<bool, SocketError> {
        let frame = self.writer.begin(Kind::NeedOutput).size(bytes);
        socket.send(frame.finish()?, None, None)?;
        let Received { frame, file } = socket.receive(buffer, None)?;
        match (frame.kind, file) {
            (Kind::Slot, Some(file)) => self.map_slot(frame, file).map(|()| true),
            (Kind::OutputRefused, _) => {
                frame.end()?;
                Ok(false)
            }
            (other, _) => {
                let expected = "`slot` or `output refused`";
                Err(FrameError::unexpected(expected, other).into())
            }
        }
    }

    /// Copies the outputs to their places, and says whether there was room for them.
    fn write(&mut self, number: u32, outputs: &Outputs, layout: &Layout) -> bool {
        let sizes = outputs.iter().map(|output| output.bytes.len());
        let places = layout.offsets.iter().copied().zip(sizes);
        let position = usize::try_from(number).unwrap_or(usize::MAX);
        let Some(Some(memory)) = self.slots.get_mut(position) else {
            return false;
        };
        let Some(slices) = layout::lend(memory.as_mut_slice(), places) else {
            return false;
        };
        for (slice, output) in slices.into_iter().zip(outputs) {
            slice.copy_from_slice(&output.bytes);
        }
        true
    }

    fn size_of(&self, number: u32) -> usize {
        slot(&self.slots, number).map_or(0, SharedMemory::len)
    }

    fn fail(&mut self, error: &RunError, socket: &Socket) -> Result<(), SocketError> {
        if let Ok(frame) = control::encode(&mut self.writer, Kind::RunFailed, error) {
            return socket.send(frame, None, None);
        }
        let error = self
            .model
            .failed("its reason is too long to be told".to_owned());
        match control::encode(&mut self.writer, Kind::RunFailed, &error) {
            Ok(frame) => socket.send(frame, None, None),
            // An error without a long text fits into any frame.
            Err(_) => Err(SocketError::Closed),
        }
    }
}

fn slot(slots: &Slots, number: u32) -> Option<&SharedMemory> {
    slots.get(usize::try_from(number).ok()?)?.as_ref()
}

fn read_request(mut frame: Frame<'_>) -> Result<Request, FrameError> {
    let output_slot = frame.u32()?;
    if output_slot == INPUT_SLOT || output_slot >= MAX_SLOTS {
        return Err(frame.invalid("output slot", output_slot));
    }
    let inputs = tensors::read(&mut frame)?;
    Ok(Request {
        output_slot,
        inputs,
    })
}

/// Copies the inputs to where the session wants them, and runs it.
fn run_on(
    session: &mut dyn Session,
    memory: &[u8],
    inputs: &[Placed],
    model: &Model,
) -> Result<Outputs, RunError> {
    let descs: SmallVec<[TensorDesc; 4]> = inputs.iter().map(|input| input.desc.clone()).collect();
    let staged = session.stage(&descs)?;
    if staged.len() != inputs.len() {
        return Err(model.failed("it wants another number of inputs".to_owned()));
    }
    for (target, input) in staged.into_iter().zip(inputs) {
        let end = input.offset.checked_add(input.desc.byte_size);
        let source = end.and_then(|end| memory.get(input.offset..end));
        match source {
            Some(source) if source.len() == target.len() => target.copy_from_slice(source),
            _ => return Err(model.failed("its inputs are not where they should be".to_owned())),
        }
    }
    session.run()
}
