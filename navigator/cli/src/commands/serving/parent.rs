//! Whoever has variants measured as they will be served: each in a process of its own, all loaded side by side and then
//! measured one after the other, with the others held.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{ChildStdin, ChildStdout, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use nav_navigator::serving::{Served, ServingMeasurer, ServingTrial};
use nav_worker::{Life, WorkerCommand};

use super::{GO, MOST, READY};

/// How long a process may take beyond the time that it measures.
const PATIENCE: Duration = Duration::from_mins(1);

/// Measures in processes of their own: this program, told to.
#[derive(Debug)]
pub(crate) struct InOtherProcesses {
    /// This program.
    pub(crate) command: WorkerCommand,
}

impl ServingMeasurer for InOtherProcesses {
    fn measure(&self, trials: &[ServingTrial]) -> Vec<Result<Served, String>> {
        let started = trials
            .iter()
            .map(|trial| Server::start(&self.command, trial));
        let mut started: Vec<_> = started.collect();
        for server in &mut started {
            let is_ready = match server {
                Ok(server) => server.wait_until_ready(),
                Err(_) => continue,
            };
            if let Err(error) = is_ready {
                *server = Err(error);
            }
        }
        let measured = started.into_iter().zip(trials).map(|(server, trial)| {
            let measured = server.and_then(|server| server.measure(trial.budget));
            measured.map_err(|error| format!("{error:#}"))
        });
        measured.collect()
    }
}

/// A process that measures.
struct Server {
    life: Arc<Life>,
    input: ChildStdin,
    lines: Receiver<String>,
}

impl Server {
    /// Starts it. It ends with this thread.
    fn start(command: &WorkerCommand, trial: &ServingTrial) -> anyhow::Result<Self> {
        let mut child = command
            .to_process()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let input = child.stdin.take().context("it has no standard input")?;
        let output = child.stdout.take().context("it has no standard output")?;
        let (life, _watcher) = Life::watch(child)?;
        let mut server = Self {
            life,
            input,
            lines: lines(output)?,
        };
        let trial = serde_json::to_string(trial)?;
        server.tell(&trial)?;
        Ok(server)
    }

    fn wait_until_ready(&mut self) -> anyhow::Result<()> {
        let said = self.line(PATIENCE)?;
        if said != READY {
            bail!("it said `{said}` where it should be ready");
        }
        self.life.hold();
        Ok(())
    }

    fn measure(mut self, budget: Duration) -> anyhow::Result<Served> {
        self.life.release();
        let started = Instant::now();
        self.tell(GO)?;
        let said = self.line(budget + PATIENCE)?;
        Ok(Served {
            measurement: serde_json::from_str(&said)?,
            took: started.elapsed(),
        })
    }

    fn tell(&mut self, line: &str) -> anyhow::Result<()> {
        let told = self.input.write_all(format!("{line}\n").as_bytes());
        told.map_err(|_| self.lost())
    }

    fn line(&self, limit: Duration) -> anyhow::Result<String> {
        self.lines.recv_timeout(limit).map_err(|error| {
            if error == RecvTimeoutError::Timeout {
                let limit = limit.as_secs();
                self.life.condemn(&format!("it took longer than {limit} s"));
            }
            self.lost()
        })
    }

    /// Its own end says more than what it failed to say.
    fn lost(&self) -> anyhow::Error {
        self.life.wait(PATIENCE);
        anyhow!("{}", self.life.cause())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.life.condemn("it was not needed any more");
    }
}

/// What a process says, line by line, until it says no more.
fn lines(output: ChildStdout) -> std::io::Result<Receiver<String>> {
    let (said, heard) = channel();
    let thread = std::thread::Builder::new().name("nav-serving".to_owned());
    thread.spawn(move || {
        for line in BufReader::new(output.take(MOST)).lines() {
            let Ok(line) = line else { return };
            if said.send(line).is_err() {
                return;
            }
        }
    })?;
    Ok(heard)
}
