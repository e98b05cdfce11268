//! The child's main loop: greet, load one model, give each session a thread, end with the parent.
//!
//! Knows nothing of how requests are answered; [`super::session`] does.

use std::io::Stdin;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};
use std::time::Duration;

use nav_runners::{LoadError, Loaded, Probe, Runner};
use serde::Serialize;

use super::contain::contain;
use super::session::{self, Origin};
use crate::control::{self, EncodeError, LoadRequest, ProbeRequest};
use crate::frame::{FrameError, FrameWriter, Kind};
use crate::socket::{ReceiveBuffer, Received, Socket, SocketError};

/// How long sessions may take to end after the parent is gone.
const SESSION_GRACE: Duration = Duration::from_secs(3);

/// Why a child stopped serving.
#[derive(Debug, thiserror::Error)]
pub enum ChildError {
    /// Its standard input is not what a parent gives it.
    #[error("a worker is started by nav itself, with a socket as its standard input")]
    NotAWorker,
    /// The parent cannot be understood, or reached.
    #[error("cannot serve the parent process: {0}")]
    Parent(#[from] SocketError),
    /// Something cannot be said in a frame.
    #[error("cannot answer the parent process: {0}")]
    Answer(String),
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
pub fn run(runners: &[&dyn Runner]) -> Result<(), ChildError> {
    let socket = take_stdin(&std::io::stdin())?;
    let (alive, all_gone) = std::sync::mpsc::channel();
    let mut child = ChildProcess {
        runners,
        socket,
        loaded: None,
        sessions: alive,
        writer: FrameWriter::default(),
    };
    let served = child.serve();
    // The model goes when the last session does, unless one hangs: then the process takes it along.
    drop(child);
    wait_for_sessions(&all_gone);
    served
}

struct ChildProcess<'runners> {
    runners: &'runners [&'runners dyn Runner],
    socket: Socket,
    loaded: Option<(Arc<dyn Loaded>, Origin)>,
    /// Every session's thread holds a copy; when none is left, no thread is.
    sessions: Sender<()>,
    writer: FrameWriter,
}

impl ChildProcess<'_> {
    fn serve(&mut self) -> Result<(), ChildError> {
        let mut buffer = ReceiveBuffer::default();
        // First of all, so that even a parent of another version learns which version this is.
        self.send(Kind::Hello)?;
        match self.socket.receive(&mut buffer, None)?.frame {
            frame if frame.kind == Kind::Hello => frame.end()?,
            frame => return Err(FrameError::unexpected("`hello`", frame.kind).into()),
        }
        loop {
            match self.socket.receive(&mut buffer, None) {
                Ok(received) => self.obey(received)?,
                Err(SocketError::Closed) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn obey(&mut self, received: Received<'_>) -> Result<(), ChildError> {
        let frame = received.frame;
        match (frame.kind, &self.loaded, received.file) {
            (Kind::Probe, _, _) => {
                let probe = self.probe(&control::decode(frame)?);
                self.say(Kind::Probed, &probe)
            }
            (Kind::Load, None, _) => self.answer_load(control::decode(frame)?),
            (Kind::OpenSession, Some((loaded, origin)), Some(file)) => {
                let (loaded, origin) = (Arc::clone(loaded), origin.clone());
                let alive = self.sessions.clone();
                let thread = std::thread::Builder::new().name("nav-session".to_owned());
                thread.spawn(move || {
                    session::serve(loaded, origin, &Socket::from_fd(file));
                    drop(alive);
                })?;
                Ok(())
            }
            (other, _, _) => {
                let expected = "`probe`, one `load`, and then `open session`";
                Err(FrameError::unexpected(expected, other).into())
            }
        }
    }

    fn answer_load(&mut self, request: LoadRequest) -> Result<(), ChildError> {
        let loaded = match self.load(&request) {
            Ok(loaded) => loaded,
            Err(error) => return self.say(Kind::LoadFailed, &error),
        };
        let origin = Origin {
            runner: request.runner,
            path: request.model.path,
        };
        let frame = control::encode(&mut self.writer, Kind::Loaded, loaded.signature());
        let Err(unsaid) = frame.map(|_| ()) else {
            let frame = self.writer.finish()?;
            self.socket.send(frame, None, None)?;
            self.loaded = Some((loaded, origin));
            return Ok(());
        };
        let error = LoadError::Model {
            runner: origin.runner,
            path: origin.path,
            reason: format!("its signature cannot be told: {unsaid}"),
        };
        self.say(Kind::LoadFailed, &error)
    }

    fn probe(&self, request: &ProbeRequest) -> Probe {
        let missing = |reason| Probe::Missing {
            reason,
            how_to_get_it: "install the worker that comes with this version of nav".to_owned(),
        };
        match self.runner(&request.runner) {
            Some(runner) => contain(|| runner.probe(&request.libraries)).unwrap_or_else(missing),
            None => missing(format!("the worker has no runner {}", request.runner)),
        }
    }

    fn load(&self, request: &LoadRequest) -> Result<Arc<dyn Loaded>, LoadError> {
        let Some(runner) = self.runner(&request.runner) else {
            return Err(LoadError::Unavailable {
                runner: request.runner.clone(),
                reason: "the worker does not have it".to_owned(),
                how_to_get_it: "install the worker that comes with this version of nav".to_owned(),
            });
        };
        let loaded = contain(|| runner.load(&request.model, &request.options));
        loaded.unwrap_or_else(|reason| {
            Err(LoadError::Model {
                runner: request.runner.clone(),
                path: request.model.path.clone(),
                reason,
            })
        })
    }

    fn runner(&self, name: &str) -> Option<&dyn Runner> {
        self.runners
            .iter()
            .copied()
            .find(|runner| runner.name() == name)
    }

    fn send(&mut self, kind: Kind) -> Result<(), ChildError> {
        let frame = self.writer.begin(kind).finish()?;
        Ok(self.socket.send(frame, None, None)?)
    }

    fn say(&mut self, kind: Kind, value: &impl Serialize) -> Result<(), ChildError> {
        let frame = control::encode(&mut self.writer, kind, value)
            .map_err(|error: EncodeError| ChildError::Answer(error.to_string()))?;
        Ok(self.socket.send(frame, None, None)?)
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

fn wait_for_sessions(all_gone: &Receiver<()>) {
    // Nothing is ever sent: this ends when the last sender is dropped, or when the time is up.
    let _disconnected_or_late = all_gone.recv_timeout(SESSION_GRACE);
}
