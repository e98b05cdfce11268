//! One child process: started, greeted, told what to load, asked for sessions, and ended.
//!
//! Knows one life only. What happens after a loss is for [`super::model`] to say.

use std::os::fd::{AsFd, OwnedFd};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nav_package_format::Signature;
use nav_runners::{LoadError, Probe};
use rustix::io::Errno;

use super::life::Life;
use super::options::{WorkerCommand, WorkerOptions, for_people};
use crate::control::{self, LoadRequest, ProbeRequest};
use crate::frame::{Frame, FrameError, FrameWriter, Kind};
use crate::socket::{ReceiveBuffer, Socket, SocketError};

/// How long the kernel may take to end a process that was killed.
const KILL_GRACE: Duration = Duration::from_secs(2);

/// A child process that lives as long as this value.
#[derive(Debug)]
pub(super) struct Worker {
    life: Arc<Life>,
    watcher: Option<JoinHandle<()>>,
    /// The child's life line. None only while this value is dropped.
    control: Mutex<Option<Socket>>,
    options: WorkerOptions,
    has_answered: AtomicBool,
}

/// Why a child did not do what it was asked to.
#[derive(Debug)]
pub(super) enum Failure {
    /// It said why, and is as well as before.
    Refused(LoadError),
    /// It is gone, for this cause.
    Lost(String),
    /// It went before, for this cause, and no other is started for so long.
    Down(String, Duration),
}

impl Failure {
    /// The error for somebody who wanted this runner to load something.
    pub(super) fn into_load_error(self, runner: &str) -> LoadError {
        match self {
            Self::Refused(error) => error,
            Self::Lost(cause) => LoadError::WorkerLost {
                runner: runner.to_owned(),
                cause,
            },
            Self::Down(cause, wait) => LoadError::WorkerLost {
                runner: runner.to_owned(),
                cause: format!(
                    "{cause}; it is not started again for another {}",
                    for_people(wait)
                ),
            },
        }
    }
}

impl Worker {
    /// Starts a child and greets it.
    pub(super) fn start(
        command: &WorkerCommand,
        options: WorkerOptions,
        deadline: Instant,
    ) -> Result<Self, Failure> {
        let program = command.program.display();
        let not_started = |error: &dyn std::fmt::Display| {
            Failure::Lost(format!("{program} could not be started: {error}"))
        };
        let (ours, theirs) = Socket::pair().map_err(|errno| not_started(&errno))?;
        let child = child_command(command, theirs)
            .spawn()
            .map_err(|error| not_started(&error))?;
        let (life, watcher) = Life::watch(child).map_err(|error| not_started(&error))?;
        let worker = Self {
            life,
            watcher: Some(watcher),
            control: Mutex::new(Some(ours)),
            options,
            has_answered: AtomicBool::new(false),
        };
        let mut hello = FrameWriter::default();
        hello.begin(Kind::Hello);
        let greeted = worker.ask(&mut hello, deadline, |frame| match frame.kind {
            Kind::Hello => frame.end().map(|()| Ok(())),
            other => Err(FrameError::unexpected("`hello`", other)),
        });
        greeted.map(|()| worker)
    }

    /// Has the child load a model. Once in its life.
    pub(super) fn load(
        &self,
        request: &LoadRequest,
        deadline: Instant,
    ) -> Result<Signature, Failure> {
        let mut frame = FrameWriter::default();
        control::encode(&mut frame, Kind::Load, request).map_err(|error| {
            Failure::Refused(LoadError::Unreadable {
                path: request.model.path.clone(),
                reason: error.to_string(),
            })
        })?;
        self.ask(&mut frame, deadline, |frame| match frame.kind {
            Kind::Loaded => control::decode(frame).map(Ok),
            Kind::LoadFailed => control::decode(frame).map(|error| Err(Failure::Refused(error))),
            other => Err(FrameError::unexpected("`loaded` or `load failed`", other)),
        })
    }

    /// Has the child try whether a runner works.
    pub(super) fn probe(
        &self,
        request: &ProbeRequest,
        deadline: Instant,
    ) -> Result<Probe, Failure> {
        let mut frame = FrameWriter::default();
        control::encode(&mut frame, Kind::Probe, request)
            .map_err(|error| Failure::Lost(format!("it could not be asked: {error}")))?;
        self.ask(&mut frame, deadline, |frame| match frame.kind {
            Kind::Probed => control::decode(frame).map(Ok),
            other => Err(FrameError::unexpected("`probed`", other)),
        })
    }

    /// A connection to a session of its own in the child.
    pub(super) fn open_session(
        &self,
        runner: &str,
        buffer: &mut ReceiveBuffer,
    ) -> Result<Socket, Failure> {
        let deadline = Instant::now().checked_add(self.options.load_deadline);
        let lost = |problem| Failure::Lost(self.lost(&problem, self.options.load_deadline));
        // Trouble of our own, for which the child and its other sessions shall not suffer.
        let (ours, theirs) = Socket::pair().map_err(|errno| {
            Failure::Refused(LoadError::Unavailable {
                runner: runner.to_owned(),
                reason: format!("no connection to its worker process can be made: {errno}"),
                how_to_get_it: "raise the limit on open files".to_owned(),
            })
        })?;
        let mut frame = FrameWriter::default();
        let frame = frame.begin(Kind::OpenSession).finish();
        frame
            .map_err(SocketError::from)
            .and_then(|frame| {
                self.on_control(|control| control.send(frame, Some(theirs.as_fd()), deadline))
            })
            .map_err(lost)?;
        // With our copy of the child's end open, we would never see that the child closed its own.
        drop(theirs);
        let received = ours.receive(buffer, deadline).map_err(lost)?;
        let frame = received.frame;
        let answer = match frame.kind {
            Kind::SessionOpened => frame.end().map(|()| Ok(())),
            Kind::LoadFailed => control::decode(frame).map(|error| Err(Failure::Refused(error))),
            other => Err(FrameError::unexpected(
                "`session opened` or `load failed`",
                other,
            )),
        };
        match answer {
            Ok(opened) => opened.map(|()| ours),
            Err(fault) => Err(lost(fault.into())),
        }
    }

    /// Whether the process is gone.
    pub(super) fn has_ended(&self) -> bool {
        self.life.has_ended()
    }

    /// When it went; now, if it has not.
    pub(super) fn ended_at(&self) -> Instant {
        self.life.ended_at()
    }

    /// Why it is gone.
    pub(super) fn cause(&self) -> String {
        self.life.cause()
    }

    /// Notes that a request was answered: this child works.
    pub(super) fn note_answer(&self) {
        self.has_answered.store(true, Ordering::Relaxed);
    }

    /// Whether a request was ever answered.
    pub(super) fn has_answered(&self) -> bool {
        self.has_answered.load(Ordering::Relaxed)
    }

    /// Ends a child that a connection showed to be lost, unless it ended by itself, and says why it is
    /// gone. Everybody who asks gets the same answer.
    pub(super) fn lost(&self, problem: &SocketError, patience: Duration) -> String {
        match problem {
            // The end of the process, which says more, is a moment away at most.
            SocketError::Closed => {
                if !self.life.wait(self.options.shutdown_grace) {
                    self.life.condemn("it closed a connection and went on");
                }
            }
            SocketError::TimedOut => {
                let patience = for_people(patience);
                self.life.condemn(&format!("no answer within {patience}"));
            }
            SocketError::Frame(fault) => self.life.blame(&fault.to_string()),
            SocketError::Kernel(errno) => {
                self.life
                    .condemn(&format!("the connection to it failed ({errno})"));
            }
        }
        self.life.wait(KILL_GRACE);
        self.life.cause()
    }

    /// Sends a frame on the control socket and reads the answer to it.
    fn ask<T>(
        &self,
        frame: &mut FrameWriter,
        deadline: Instant,
        read: impl FnOnce(Frame<'_>) -> Result<Result<T, Failure>, FrameError>,
    ) -> Result<T, Failure> {
        let mut buffer = ReceiveBuffer::default();
        let answer = self.on_control(|control| {
            control.send(frame.finish()?, None, Some(deadline))?;
            let received = control.receive(&mut buffer, Some(deadline))?;
            Ok(read(received.frame)?)
        });
        match answer {
            Ok(answer) => answer,
            Err(problem) => Err(Failure::Lost(
                self.lost(&problem, self.options.load_deadline),
            )),
        }
    }

    fn on_control<T>(
        &self,
        talk: impl FnOnce(&Socket) -> Result<T, SocketError>,
    ) -> Result<T, SocketError> {
        let control = self.control.lock().unwrap_or_else(PoisonError::into_inner);
        control
            .as_ref()
            .map_or(Err(SocketError::Kernel(Errno::NOTCONN)), talk)
    }
}

impl Drop for Worker {
    /// Closes the life line and waits until the child is gone and reaped.
    fn drop(&mut self) {
        let control = self.control.get_mut();
        drop(control.unwrap_or_else(PoisonError::into_inner).take());
        if !self.life.wait(self.options.shutdown_grace) {
            self.life.condemn("it did not end when it was told to");
        }
        // A process that even a signal cannot end is left to its watcher.
        if self.life.wait(KILL_GRACE)
            && let Some(watcher) = self.watcher.take()
        {
            let _ended = watcher.join();
        }
    }
}

fn child_command(command: &WorkerCommand, control: OwnedFd) -> Command {
    let mut child = command.to_process();
    child
        .stdin(Stdio::from(control))
        // Ours may be a pipe to a program that reads results from it.
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    child
}
