//! A model in a child process, and another child when that one is lost.
//!
//! Knows when a child may be started again, and not how one talks to it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use nav_package_format::Signature;
use nav_runners::{LoadError, Loaded, Session};

use super::line::Line;
use super::options::{WorkerCommand, WorkerOptions};
use super::session::IsolatedSession;
use super::worker::{Failure, Worker};
use crate::control::LoadRequest;
use crate::socket::{ReceiveBuffer, SocketError};

/// A model that another process holds. Dropping the last user of it waits for that process to end.
pub(super) struct IsolatedModel {
    command: WorkerCommand,
    pub(super) options: WorkerOptions,
    request: LoadRequest,
    signature: Signature,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    worker: Option<Arc<Worker>>,
    /// Losses since a child last answered a request.
    losses: u32,
    outage: Option<Outage>,
}

/// A time in which no child is started.
#[derive(Debug)]
struct Outage {
    cause: String,
    until: Instant,
}

impl IsolatedModel {
    /// Starts a child and has it load the model.
    pub(super) fn load(
        command: WorkerCommand,
        options: WorkerOptions,
        request: LoadRequest,
    ) -> Result<Self, LoadError> {
        let (worker, signature) = start(&command, options, &request)
            .map_err(|failure| failure.into_load_error(&request.runner))?;
        let state = State {
            worker: Some(Arc::new(worker)),
            ..State::default()
        };
        Ok(Self {
            command,
            options,
            request,
            signature,
            state: Mutex::new(state),
        })
    }

    /// The runner that the child loads the model with.
    pub(super) fn runner(&self) -> &str {
        &self.request.runner
    }

    /// A session in the child that lives, or in a new one.
    pub(super) fn connect(&self) -> Result<Line, Failure> {
        let worker = self.worker()?;
        let mut buffer = ReceiveBuffer::default();
        match worker.open_session(self.runner(), &mut buffer) {
            Ok(socket) => Ok(Line::new(socket, buffer, worker)),
            Err(failure) => {
                if matches!(failure, Failure::Lost(_)) {
                    self.note_loss(&worker);
                }
                Err(failure)
            }
        }
    }

    /// Ends a child that a connection showed to be lost, and says why it is gone.
    pub(super) fn lost(&self, worker: &Arc<Worker>, problem: &SocketError) -> String {
        let cause = worker.lost(problem, self.options.run_deadline);
        self.note_loss(worker);
        cause
    }

    fn worker(&self) -> Result<Arc<Worker>, Failure> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(worker) = state.living(self.options) {
            return Ok(Arc::clone(worker));
        }
        if let Some(outage) = &state.outage {
            let wait = outage.wait();
            if !wait.is_zero() {
                return Err(Failure::Down(outage.cause.clone(), wait));
            }
        }
        // Whoever else needs the child waits here for the same one.
        match self.start_again() {
            Ok(worker) => {
                let worker = Arc::new(worker);
                state.worker = Some(Arc::clone(&worker));
                state.outage = None;
                Ok(worker)
            }
            Err(failure) => {
                let cause = match &failure {
                    Failure::Refused(error) => format!("it could not be loaded again: {error}"),
                    Failure::Lost(cause) | Failure::Down(cause, _) => cause.clone(),
                };
                state.begin_outage(self.options, cause, Instant::now());
                Err(failure)
            }
        }
    }

    fn start_again(&self) -> Result<Worker, Failure> {
        let (worker, signature) = start(&self.command, self.options, &self.request)?;
        if signature == self.signature {
            return Ok(worker);
        }
        // What callers know of the model, and what they staged for it, would be wrong.
        Err(Failure::Refused(LoadError::Model {
            runner: self.request.runner.clone(),
            path: self.request.model.path.clone(),
            reason: "its inputs or outputs are not what they were before the restart".to_owned(),
        }))
    }

    fn note_loss(&self, worker: &Arc<Worker>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // Each user of a lost child comes here; only the first tells something new.
        if state
            .worker
            .as_ref()
            .is_some_and(|current| Arc::ptr_eq(current, worker))
        {
            state.note_loss(self.options);
        }
    }
}

impl Outage {
    fn wait(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }
}

impl State {
    /// The child, if it lives. One that ended is noted as lost.
    fn living(&mut self, options: WorkerOptions) -> Option<&Arc<Worker>> {
        if self
            .worker
            .as_ref()
            .is_some_and(|worker| worker.has_ended())
        {
            self.note_loss(options);
        }
        self.worker.as_ref()
    }

    /// Begins an outage for the loss of the current child.
    fn note_loss(&mut self, options: WorkerOptions) {
        if let Some(worker) = self.worker.take() {
            if worker.has_answered() {
                self.losses = 0;
            }
            // From its end, not from now: one that ended long ago may be started at once.
            self.begin_outage(options, worker.cause(), worker.ended_at());
        }
    }

    fn begin_outage(&mut self, options: WorkerOptions, cause: String, from: Instant) {
        self.losses = self.losses.saturating_add(1);
        let until = from
            .checked_add(options.backoff(self.losses))
            .unwrap_or(from);
        self.outage = Some(Outage { cause, until });
    }
}

impl Loaded for IsolatedModel {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn session(self: Arc<Self>) -> Result<Box<dyn Session>, LoadError> {
        let line = self
            .connect()
            .map_err(|failure| failure.into_load_error(self.runner()))?;
        Ok(Box::new(IsolatedSession::new(self, line)))
    }
}

impl fmt::Debug for IsolatedModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IsolatedModel")
            .field("request", &self.request)
            .field("program", &self.command.program)
            .finish_non_exhaustive()
    }
}

fn start(
    command: &WorkerCommand,
    options: WorkerOptions,
    request: &LoadRequest,
) -> Result<(Worker, Signature), Failure> {
    let now = Instant::now();
    let deadline = now.checked_add(options.load_deadline).unwrap_or(now);
    let worker = Worker::start(command, options, deadline)?;
    let signature = worker.load(request, deadline)?;
    Ok((worker, signature))
}
