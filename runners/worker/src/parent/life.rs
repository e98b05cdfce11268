//! The life of a child process: one thread watches it, reaps it and keeps its last words.
//!
//! Knows no protocol. Whoever finds fault with the child condemns it here, with the reason, so that
//! everybody who waits for it learns the same true cause.

use std::collections::VecDeque;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStderr, ExitStatus};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags};
use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, WaitId, WaitIdOptions};

/// How much of what a child wrote last is kept.
const LAST_WORDS: usize = 4096;

/// How many of its last lines explain its end.
const LAST_LINES: usize = 3;

/// A child process, as seen by everybody who talks to it.
#[derive(Debug)]
pub struct Life {
    /// A handle that stays this child's even after its number went to another process.
    process: OwnedFd,
    state: Mutex<State>,
    ended: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Why we killed it, if we did.
    verdict: Option<String>,
    end: Option<End>,
}

#[derive(Debug)]
struct End {
    is_good: bool,
    status: String,
    last_lines: String,
    at: Instant,
}

impl Life {
    /// Watches a child until its end. The thread ends with the child.
    pub fn watch(mut child: Child) -> std::io::Result<(Arc<Self>, JoinHandle<()>)> {
        let prepared = rustix::process::pidfd_open(Pid::from_child(&child), PidfdFlags::empty())
            .map_err(std::io::Error::from)
            .and_then(|process| {
                let life = Arc::new(Self {
                    process,
                    state: Mutex::default(),
                    ended: Condvar::new(),
                });
                Ok((life, child.stderr.take().map(quiet_pipe).transpose()?))
            });
        let (life, log) = match prepared {
            Ok(prepared) => prepared,
            Err(error) => {
                end_unwatched(&mut child);
                return Err(error);
            }
        };
        let thread = std::thread::Builder::new().name(format!("nav-watch-{}", child.id()));
        let watching = Arc::clone(&life);
        match thread.spawn(move || watching.follow(child, log)) {
            Ok(watcher) => Ok((life, watcher)),
            Err(error) => {
                // The child's handle went with the thread that never was.
                life.condemn("nobody could watch it");
                let process = WaitId::PidFd(life.process.as_fd());
                let _reaped = rustix::process::waitid(process, WaitIdOptions::EXITED);
                Err(error)
            }
        }
    }

    /// Whether the process is gone.
    pub fn has_ended(&self) -> bool {
        self.state().end.is_some()
    }

    /// Whether the process ended by itself, and says that all is well.
    pub fn ended_well(&self) -> bool {
        let state = self.state();
        let is_good = state.end.as_ref().is_some_and(|end| end.is_good);
        is_good && state.verdict.is_none()
    }

    /// When the process ended; now, if it has not.
    pub fn ended_at(&self) -> Instant {
        let end = self.state().end.as_ref().map(|end| end.at);
        end.unwrap_or_else(Instant::now)
    }

    /// Kills the process for this reason. If it ended by itself, its own end is the reason.
    pub fn condemn(&self, reason: &str) {
        let mut state = self.state();
        if state.end.is_none() {
            self.kill(&mut state, reason);
        }
    }

    /// Kills the process for something it did. That stays the reason even if it ended right after it.
    pub fn blame(&self, fault: &str) {
        let mut state = self.state();
        if state.end.is_none() {
            self.kill(&mut state, fault);
        } else if state.verdict.is_none() {
            state.verdict = Some(fault.to_owned());
        }
    }

    fn kill(&self, state: &mut State, reason: &str) {
        if state.verdict.is_none() {
            state.verdict = Some(format!("{reason}; it was killed"));
            // It may end at this moment, in which case there is nobody left to kill.
            let _gone = rustix::process::pidfd_send_signal(&self.process, Signal::KILL);
        }
    }

    /// Holds the process where it is: none of its threads takes any of the processor until it is released. It can be
    /// condemned all the same.
    pub fn hold(&self) {
        // One that is gone need not be held.
        let _gone = rustix::process::pidfd_send_signal(&self.process, Signal::STOP);
    }

    /// Lets a process that was held go on.
    pub fn release(&self) {
        let _gone = rustix::process::pidfd_send_signal(&self.process, Signal::CONT);
    }

    /// Waits for the process to be gone, and says whether it is.
    pub fn wait(&self, limit: Duration) -> bool {
        let running = |state: &mut State| state.end.is_none();
        let waited = self.ended.wait_timeout_while(self.state(), limit, running);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.end.is_some()
    }

    /// Why the process is lost: our reason if we killed it, else its true end; and what it wrote last.
    pub fn cause(&self) -> String {
        let state = self.state();
        let last_lines = state.end.as_ref().map(|end| end.last_lines.as_str());
        let cause = match (&state.verdict, &state.end) {
            (Some(verdict), _) => verdict.as_str(),
            (None, Some(end)) => end.status.as_str(),
            (None, None) => "it is still running",
        };
        match last_lines {
            Some(lines) if !lines.is_empty() => format!("{cause}; it wrote last: {lines}"),
            _ => cause.to_owned(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn follow(&self, mut child: Child, mut log: Option<ChildStderr>) {
        let mut last_words = LastWords::default();
        loop {
            // With nothing to wait on, the reaping below waits for the end instead.
            let end = self.wait_for_news(log.as_ref()).unwrap_or(true);
            if let Some(pipe) = &mut log
                && last_words.take_from(pipe) == Pipe::Closed
            {
                log = None;
            }
            if end {
                break;
            }
        }
        end_group(Pid::from_child(&child));
        let (is_good, status) = match child.wait() {
            Ok(status) => (status.success(), describe(status)),
            Err(error) => (
                false,
                format!("ended, and how it ended is unknown: {error}"),
            ),
        };
        self.state().end = Some(End {
            is_good,
            status,
            last_lines: last_words.lines(),
            at: Instant::now(),
        });
        self.ended.notify_all();
    }

    /// Waits until the process wrote something or ended, and says whether it ended.
    fn wait_for_news(&self, log: Option<&ChildStderr>) -> Result<bool, Errno> {
        let process = PollFd::new(&self.process, PollFlags::IN);
        let ended = |sources: &[PollFd<'_>]| {
            let process = sources.first();
            process.is_some_and(|process| !process.revents().is_empty())
        };
        let outcome = match log {
            None => {
                let mut sources = [process];
                rustix::event::poll(&mut sources, None).map(|_| ended(&sources))
            }
            Some(log) => {
                let mut sources = [process, PollFd::new(log, PollFlags::IN)];
                rustix::event::poll(&mut sources, None).map(|_| ended(&sources))
            }
        };
        match outcome {
            Err(Errno::INTR) => Ok(false),
            outcome => outcome,
        }
    }
}

/// For a child that cannot be watched: it must not outlive the attempt.
fn end_unwatched(child: &mut Child) {
    let _gone = child.kill();
    let _reaped = child.wait();
}

/// What a child started that leads a group of its own goes with it. It is not reaped yet, so its number is nobody else's.
fn end_group(child: Pid) {
    if rustix::process::getpgid(Some(child)) == Ok(child) {
        let _nobody_left = rustix::process::kill_process_group(child, Signal::KILL);
    }
}

fn quiet_pipe(pipe: ChildStderr) -> std::io::Result<ChildStderr> {
    let flags = rustix::fs::fcntl_getfl(&pipe)?;
    rustix::fs::fcntl_setfl(&pipe, flags | OFlags::NONBLOCK)?;
    Ok(pipe)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pipe {
    Open,
    Closed,
}

/// The end of what a child wrote to its standard error.
#[derive(Debug, Default)]
struct LastWords {
    bytes: VecDeque<u8>,
}

impl LastWords {
    /// Reads what is there now, or a good part of it: somebody who never stops writing is no reason to
    /// miss the end of the process.
    fn take_from(&mut self, pipe: &mut impl Read) -> Pipe {
        let mut chunk = [0; LAST_WORDS];
        for _ in 0..16 {
            match pipe.read(&mut chunk) {
                Ok(0) => return Pipe::Closed,
                Ok(length) => self.keep(chunk.get(..length).unwrap_or_default()),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Pipe::Open,
                Err(_) => return Pipe::Closed,
            }
        }
        Pipe::Open
    }

    fn keep(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
        let surplus = self.bytes.len().saturating_sub(LAST_WORDS);
        self.bytes.drain(..surplus);
    }

    /// The last lines, on one line, without what could confuse a terminal.
    fn lines(&self) -> String {
        let bytes: Vec<u8> = self.bytes.iter().copied().collect();
        let text = String::from_utf8_lossy(&bytes);
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let mut last: Vec<String> = lines
            .rev()
            .take(LAST_LINES)
            .map(|line| line.replace(char::is_control, " "))
            .collect();
        last.reverse();
        last.join(" | ")
    }
}

/// How a process ended, in words.
fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exited with status {code}"),
        (None, Some(signal)) => match signal_name(signal) {
            Some(name) => format!("killed by signal {signal} ({name})"),
            None => format!("killed by signal {signal}"),
        },
        (None, None) => format!("ended: {status}"),
    }
}

fn signal_name(number: i32) -> Option<&'static str> {
    const NAMES: &[(Signal, &str)] = &[
        (Signal::HUP, "SIGHUP"),
        (Signal::INT, "SIGINT"),
        (Signal::QUIT, "SIGQUIT"),
        (Signal::ILL, "SIGILL"),
        (Signal::TRAP, "SIGTRAP"),
        (Signal::ABORT, "SIGABRT"),
        (Signal::BUS, "SIGBUS"),
        (Signal::FPE, "SIGFPE"),
        (Signal::KILL, "SIGKILL"),
        (Signal::SEGV, "SIGSEGV"),
        (Signal::PIPE, "SIGPIPE"),
        (Signal::TERM, "SIGTERM"),
        (Signal::SYS, "SIGSYS"),
    ];
    let named = NAMES.iter().find(|(signal, _)| signal.as_raw() == number);
    named.map(|&(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_described_by_what_really_happened() {
        let check = |raw, expected: &str| {
            assert_eq!(describe(ExitStatus::from_raw(raw)), expected);
        };
        check(3 << 8, "exited with status 3");
        check(11, "killed by signal 11 (SIGSEGV)");
        check(6 | 0x80, "killed by signal 6 (SIGABRT)");
        check(34, "killed by signal 34");
    }

    #[test]
    fn what_is_held_does_nothing_until_it_is_released_and_can_be_ended() {
        use std::io::{BufRead, BufReader, Write};
        use std::process::{Command, Stdio};

        let mut child = Command::new("/bin/cat")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (mut asked, answers) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut answers = BufReader::new(answers);
        let stat = format!("/proc/{}/stat", child.id());
        let is_held = || std::fs::read_to_string(&stat).unwrap().contains(") T ");
        let (life, watcher) = Life::watch(child).unwrap();
        life.hold();
        while !is_held() {
            std::thread::yield_now();
        }
        asked.write_all(b"one\n").unwrap();
        assert!(!life.has_ended());
        assert!(is_held());
        life.release();
        let mut answer = String::new();
        answers.read_line(&mut answer).unwrap();
        assert_eq!(answer, "one\n");
        life.hold();
        life.condemn("it was held long enough");
        watcher.join().unwrap();
        assert_eq!(life.cause(), "it was held long enough; it was killed");
    }

    #[test]
    fn last_words_are_the_last_lines_and_bounded() {
        let mut words = LastWords::default();
        let text = "x".repeat(2 * LAST_WORDS) + "\none\n\n  two\u{1b}[0m\nthree\n";
        assert_eq!(words.take_from(&mut text.as_bytes()), Pipe::Closed);
        assert_eq!(words.bytes.len(), LAST_WORDS);
        assert_eq!(words.lines(), "one | two [0m | three");
    }
}
