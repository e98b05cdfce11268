//! A child process seen from its parent: asked, waited for with a deadline, watched for its memory, and told the
//! truth of when it is lost.

use std::io::{self, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nav_worker::{Life, WorkerCommand};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use crate::step::{Answer, Family, LONGEST_LINE, Peak, Request, Said};

/// How often the memory of a child that is at work is looked at.
const WATCH: Duration = Duration::from_millis(20);

/// How long the kernel may take to end a process.
const GRACE: Duration = Duration::from_secs(2);

/// The process of a step.
#[derive(Debug)]
pub(super) struct Child {
    life: Arc<Life>,
    family: Family,
    requests: ChildStdin,
    answers: Answers,
    memory_limit: u64,
    /// The most memory that it is known to have held.
    pub(super) peak: Peak,
}

/// Why a child did not do what it was asked to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Loss {
    /// It said why, and is as well as before.
    Refused(String),
    /// It is gone, for this cause.
    Gone(String),
}

impl Loss {
    /// The reason alone.
    pub(super) fn into_reason(self) -> String {
        match self {
            Self::Refused(reason) | Self::Gone(reason) => reason,
        }
    }
}

impl Child {
    /// Starts the process of a step file.
    pub(super) fn start(
        command: &WorkerCommand,
        step: &Path,
        memory_limit: u64,
    ) -> Result<Self, Loss> {
        let program = command.program.display();
        let not_started = |error: &dyn std::fmt::Display| {
            Loss::Gone(format!("{program} could not be started: {error}"))
        };
        let mut child = child_command(command, step)
            .spawn()
            .map_err(|error| not_started(&error))?;
        let (Some(requests), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(not_started(&"it has no standard streams"));
        };
        let number = child.id();
        let (life, _watcher) = Life::watch(child).map_err(|error| not_started(&error))?;
        Ok(Self {
            life,
            family: Family::of(number),
            requests,
            answers: Answers {
                pipe: answers,
                read: Vec::new(),
            },
            memory_limit,
            peak: Peak::default(),
        })
    }

    /// Asks for something and waits for the answer. `doing` says what is asked for, should it never end.
    ///
    /// It is held in between: threads of runtimes go on spinning for a while after a run, for up to half a second as ONNX
    /// Runtime's do, and so would take the processor from whoever runs next.
    pub(super) fn ask(
        &mut self,
        request: &Request,
        doing: &str,
        limit: Duration,
    ) -> Result<Answer, Loss> {
        self.life.release();
        let answer = self.answer(request, doing, limit);
        self.life.hold();
        answer
    }

    fn answer(&mut self, request: &Request, doing: &str, limit: Duration) -> Result<Answer, Loss> {
        let deadline = Instant::now() + limit;
        let asked = serde_json::to_vec(request)
            .map_err(io::Error::from)
            .and_then(|mut line| {
                line.push(b'\n');
                self.requests.write_all(&line)
            });
        if asked.is_err() {
            return Err(self.lost(doing));
        }
        let line = loop {
            let now = Instant::now();
            match self
                .answers
                .line(WATCH.min(deadline.saturating_duration_since(now)))
            {
                Ok(Some(line)) => break line,
                Ok(None) => {}
                Err(_) => return Err(self.lost(doing)),
            }
            self.watch_memory(doing)?;
            if Instant::now() >= deadline {
                let limit = limit.as_secs_f64();
                self.life
                    .condemn(&format!("it did not {doing} within {limit:.1} s"));
                return Err(self.lost(doing));
            }
        };
        let said: Said = match serde_json::from_slice(&line) {
            Ok(said) => said,
            Err(error) => {
                self.life
                    .blame(&format!("it answered what is no answer: {error}"));
                self.life.condemn("it makes no sense");
                return Err(self.lost(doing));
            }
        };
        self.peak = self.peak.or_more(said.peak);
        match said.answer {
            Answer::Failed(reason) => Err(Loss::Refused(reason)),
            answer => Ok(answer),
        }
    }

    /// Why it is gone, once it is.
    fn lost(&self, doing: &str) -> Loss {
        if !self.life.wait(GRACE) {
            self.life.condemn("it closed its answers and went on");
            self.life.wait(GRACE);
        }
        Loss::Gone(format!(
            "the process was lost while it should {doing}: {}",
            self.life.cause()
        ))
    }

    fn watch_memory(&mut self, doing: &str) -> Result<(), Loss> {
        let Some(memory) = self.family.memory() else {
            return Ok(());
        };
        self.peak.host = self.peak.host.max(Some(memory.peak));
        if memory.held <= self.memory_limit {
            return Ok(());
        }
        let (held, limit) = (mebibytes(memory.held), mebibytes(self.memory_limit));
        self.life.condemn(&format!(
            "it held {held} MiB of memory, and {limit} MiB is the limit"
        ));
        Err(self.lost(doing))
    }
}

const fn mebibytes(bytes: u64) -> u64 {
    bytes >> 20
}

impl Drop for Child {
    /// It holds nothing that anybody needs, so it is not asked to end but ended.
    fn drop(&mut self) {
        self.life.condemn("it was not needed any more");
    }
}

/// The answers of a child, line by line.
#[derive(Debug)]
struct Answers {
    pipe: ChildStdout,
    read: Vec<u8>,
}

impl Answers {
    /// The next line, if it comes within a time.
    fn line(&mut self, limit: Duration) -> io::Result<Option<Vec<u8>>> {
        if let Some(line) = self.take_line() {
            return Ok(Some(line));
        }
        let timeout = Timespec::try_from(limit).ok();
        let mut sources = [PollFd::new(&self.pipe, PollFlags::IN)];
        match poll(&mut sources, timeout.as_ref()) {
            Ok(0) | Err(Errno::INTR) => return Ok(None),
            Ok(_) => {}
            Err(errno) => return Err(errno.into()),
        }
        let mut chunk = [0; 1 << 13];
        let count = rustix::io::read(self.pipe.as_fd(), &mut chunk[..])?;
        if count == 0 || self.read.len() + count > LONGEST_LINE {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.read
            .extend_from_slice(chunk.get(..count).unwrap_or_default());
        Ok(self.take_line())
    }

    fn take_line(&mut self) -> Option<Vec<u8>> {
        let end = self.read.iter().position(|&byte| byte == b'\n')?;
        let rest = self.read.split_off(end + 1);
        Some(std::mem::replace(&mut self.read, rest))
    }
}

fn child_command(command: &WorkerCommand, step: &Path) -> Command {
    let mut child = command.to_process();
    child
        .arg(step)
        .arg("--driven")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    child
}
