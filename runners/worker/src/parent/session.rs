//! A session whose model is in another process. It finds its way to the next child by itself.
//!
//! Knows what a caller is told, and leaves the talking to [`super::line`].

use std::sync::Arc;
use std::time::Instant;

use nav_native::shared_memory::SharedMemoryError;
use nav_runners::input::{InputError, check_inputs};
use nav_runners::{Loaded, Outputs, RunError, Session, Staged, TensorDesc};
use rustix::io::Errno;

use super::line::{Limits, Line, LineError};
use super::model::IsolatedModel;
use super::worker::Failure;
use crate::layout::Layout;

/// One thread's use of a model in another process.
#[derive(Debug)]
pub(super) struct IsolatedSession {
    // Before the model, so that the last session's end is seen before the child's is waited for.
    line: Option<Line>,
    model: Arc<IsolatedModel>,
    /// Whether there is something to run. A lost child takes what was staged with it.
    is_staged: bool,
}

impl IsolatedSession {
    pub(super) const fn new(model: Arc<IsolatedModel>, line: Line) -> Self {
        Self {
            line: Some(line),
            model,
            is_staged: false,
        }
    }

    fn limits(&self) -> Limits {
        let options = &self.model.options;
        let now = Instant::now();
        Limits {
            deadline: now.checked_add(options.run_deadline).unwrap_or(now),
            output_bytes: options.output_limit,
        }
    }

    /// Makes sure that there is a child at the other end, as far as can be known without asking.
    fn ensure_line(&mut self) -> Result<(), RunError> {
        if self
            .line
            .as_ref()
            .is_some_and(|line| !line.worker().has_ended())
        {
            return Ok(());
        }
        // The old line goes first, and its child with it.
        self.line = None;
        let connected = self.model.connect().map_err(|failure| match failure {
            Failure::Lost(cause) => self.worker_lost(cause),
            Failure::Down(cause, retry_after) => RunError::WorkerDown {
                runner: self.model.runner().to_owned(),
                cause,
                retry_after,
            },
            Failure::Refused(error) => {
                self.worker_lost(format!("no session could be opened again: {error}"))
            }
        });
        self.line = Some(connected?);
        Ok(())
    }

    fn worker_lost(&self, cause: String) -> RunError {
        RunError::WorkerLost {
            runner: self.model.runner().to_owned(),
            cause,
        }
    }

    fn failed(&mut self, error: LineError) -> RunError {
        let runtime = |reason| RunError::Runtime {
            runner: self.model.runner().to_owned(),
            reason,
        };
        match error {
            LineError::Run(error) => error,
            LineError::Request(error) => runtime(error.to_string()),
            LineError::Memory(error) => runtime(error.to_string()),
            LineError::OutputLimit { bytes } => {
                let limit = self.model.options.output_limit;
                runtime(format!(
                    "its outputs take {bytes} bytes, more than the limit of {limit}"
                ))
            }
            LineError::Lost(problem) => {
                self.is_staged = false;
                match self.line.take() {
                    Some(line) => {
                        let cause = self.model.lost(line.worker(), &problem);
                        self.worker_lost(cause)
                    }
                    None => self.worker_lost(problem.to_string()),
                }
            }
        }
    }
}

impl Session for IsolatedSession {
    fn stage(&mut self, inputs: &[TensorDesc]) -> Result<Staged<'_>, RunError> {
        self.is_staged = false;
        check_inputs(self.model.signature(), inputs)?;
        let layout = Layout::of(inputs.iter().map(|desc| desc.byte_size))
            .ok_or_else(|| too_large(&self.model, inputs))?;
        self.ensure_line()?;
        let limits = self.limits();
        if let Some(line) = &mut self.line
            && let Err(error) = line.prepare(inputs, &layout, limits)
        {
            return Err(match error {
                LineError::Memory(error) if is_shortage(&error) => {
                    out_of_memory(&self.model, inputs, layout.total)
                }
                error => self.failed(error),
            });
        }
        self.is_staged = true;
        self.line
            .as_mut()
            .and_then(|line| line.lend(inputs, &layout))
            .ok_or(RunError::NotStaged)
    }

    fn run(&mut self) -> Result<Outputs, RunError> {
        let limits = self.limits();
        let Some(line) = self.line.as_mut().filter(|_| self.is_staged) else {
            return Err(RunError::NotStaged);
        };
        match line.run(self.model.signature(), limits) {
            Ok(outputs) => {
                line.worker().note_answer();
                Ok(outputs)
            }
            Err(error) => Err(self.failed(error)),
        }
    }
}

/// Whether there is too little memory, and not something else in the way of having it.
const fn is_shortage(error: &SharedMemoryError) -> bool {
    match error {
        SharedMemoryError::Length { .. } | SharedMemoryError::HostMemory { .. } => true,
        SharedMemoryError::Kernel { errno, .. } => matches!(*errno, Errno::NOMEM | Errno::NOSPC),
        SharedMemoryError::NotSealed | SharedMemoryError::Size { .. } => false,
    }
}

/// The name and shape of the largest input, which is the one to speak of when there is no room.
fn largest<'a>(
    model: &'a IsolatedModel,
    inputs: &'a [TensorDesc],
) -> Option<(&'a str, &'a TensorDesc)> {
    let desc = inputs.iter().max_by_key(|desc| desc.byte_size)?;
    let spec = model.signature().inputs.get(desc.index)?;
    Some((&spec.name, desc))
}

fn too_large(model: &IsolatedModel, inputs: &[TensorDesc]) -> InputError {
    let (name, shape) = largest(model, inputs)
        .map(|(name, desc)| (name.to_owned(), desc.shape.clone()))
        .unwrap_or_default();
    InputError::TooLarge { name, found: shape }
}

fn out_of_memory(model: &IsolatedModel, inputs: &[TensorDesc], bytes: usize) -> RunError {
    let (tensor, shape) = largest(model, inputs)
        .map(|(name, desc)| (name.to_owned(), desc.shape.clone()))
        .unwrap_or_default();
    RunError::OutOfMemory {
        tensor,
        shape,
        bytes,
    }
}
