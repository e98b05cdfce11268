//! The child's main loop: greet, give each task a thread, end with the parent.
//!
//! Knows nothing of how models are loaded and requests answered; [`super::loading`] and
//! [`super::session`] do.

use std::io::Stdin;
use std::os::fd::AsFd;
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use nav_runners::Runner;

use super::loading::{LoadingDesk, Model};
use super::session;
use crate::control;
use crate::frame::{FrameError, FrameWriter, Kind};
use crate::socket::{ReceiveBuffer, Received, Socket, SocketError};

/// How long threads may take to end after the parent is gone.
const THREAD_GRACE: Duration = Duration::from_secs(3);

/// Why a child stopped serving.
#[derive(Debug, thiserror::Error)]
pub enum ChildError {
    /// Its standard input is not what a parent gives it.
    #[error("a worker is started by nav itself, with a socket as its standard input")]
    NotAWorker,
    /// The parent cannot be understood, or reached.
    #[error("cannot serve the parent process: {0}")]
    Parent(#[from] SocketError),
    /// The system refused something that a child needs.
    #[error("cannot work as a worker: {0}")]
    System(#[from] std::io::Error),
}

impl From<FrameError> for ChildError {
    fn from(error: FrameError) -> Self {
        Self::Parent(error.into())
    }
}

/// Serves the parent process over the socket that is this process's standard input, until the parent
/// closes it. The process should end when this returns; threads in hanging runners may still be there.
pub fn run(runners: &'static [&'static dyn Runner]) -> Result<(), ChildError> {
    let socket = Arc::new(take_stdin(&std::io::stdin())?);
    let (alive, all_gone) = std::sync::mpsc::channel();
    let child = ChildProcess {
        desk: LoadingDesk { runners, socket },
        model: Arc::default(),
        is_load_asked: false,
        alive,
    };
    let served = child.serve();
    wait_for_threads(&all_gone);
    served
}

/// The whole program of an executable that is nothing but a worker. Why it could not serve is its last word, which its
/// parent hands on.
#[expect(
    clippy::print_stderr,
    reason = "the last words of a process, which its parent hands on"
)]
pub fn program(runners: &'static [&'static dyn Runner]) -> ExitCode {
    match run(runners) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// The main thread: it does nothing that may hang, so that it always sees when the parent is gone.
struct ChildProcess {
    desk: LoadingDesk,
    model: Arc<OnceLock<Model>>,
    is_load_asked: bool,
    /// Every thread holds a copy; when none is left, no thread is.
    alive: Sender<()>,
}

impl ChildProcess {
    fn serve(mut self) -> Result<(), ChildError> {
        let socket = Arc::clone(&self.desk.socket);
        let mut buffer = ReceiveBuffer::default();
        // First of all, so that even a parent of another version learns which version this is.
        socket.send(
            FrameWriter::default().begin(Kind::Hello).finish()?,
            None,
            None,
        )?;
        match socket.receive(&mut buffer, None)?.frame {
            frame if frame.kind == Kind::Hello => frame.end()?,
            frame => return Err(FrameError::unexpected("`hello`", frame.kind).into()),
        }
        loop {
            match socket.receive(&mut buffer, None) {
                Ok(received) => self.obey(received)?,
                Err(SocketError::Closed) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn obey(&mut self, received: Received<'_>) -> Result<(), ChildError> {
        let frame = received.frame;
        match (frame.kind, self.model.get(), received.file) {
            (Kind::Probe, _, _) => {
                let (desk, request) = (self.desk.clone(), control::decode(frame)?);
                self.start("nav-probe", move || desk.answer_probe(&request))
            }
            (Kind::Load, _, _) if !self.is_load_asked => {
                self.is_load_asked = true;
                let (desk, request) = (self.desk.clone(), control::decode(frame)?);
                let model = Arc::clone(&self.model);
                self.start("nav-load", move || desk.answer_load(&request, &model))
            }
            (Kind::OpenSession, Some(model), Some(file)) => {
                let model = model.clone();
                self.start("nav-session", move || {
                    session::serve(model, &Socket::from_fd(file));
                })
            }
            (other, _, _) => {
                let expected = "`probe`, one `load`, and then `open session`";
                Err(FrameError::unexpected(expected, other).into())
            }
        }
    }

    fn start(&self, name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), ChildError> {
        let alive = self.alive.clone();
        let thread = std::thread::Builder::new().name(name.to_owned());
        thread.spawn(move || {
            work();
            drop(alive);
        })?;
        Ok(())
    }
}

/// The socket that is standard input, which is left empty so that no library reads from the socket.
fn take_stdin(stdin: &Stdin) -> Result<Socket, ChildError> {
    let socket = stdin.as_fd().try_clone_to_owned()?;
    if rustix::net::sockopt::socket_type(&socket).is_err() {
        return Err(ChildError::NotAWorker);
    }
    let nothing = std::fs::File::open("/dev/null")?;
    rustix::stdio::dup2_stdin(&nothing).map_err(std::io::Error::from)?;
    Ok(Socket::from_fd(socket))
}

fn wait_for_threads(all_gone: &Receiver<()>) {
    // Nothing is ever sent: this ends when the last sender is dropped, or when the time is up.
    let _disconnected_or_late = all_gone.recv_timeout(THREAD_GRACE);
}
