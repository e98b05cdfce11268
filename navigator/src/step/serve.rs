//! The child: reads requests, does them one after the other, ends with the parent.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};

use super::file::{StepFile, StepFileError};
use super::limits;
use super::protocol::{LONGEST_LINE, Request, Said};
use super::work::Work;

/// Why a child stopped.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The step file is unusable.
    #[error(transparent)]
    Step(#[from] StepFileError),
    /// The system refused something.
    #[error("cannot work as a step: {0}")]
    System(#[from] std::io::Error),
    /// The parent said something that makes no sense.
    #[error("the parent sent no request")]
    Request(#[from] serde_json::Error),
}

/// Does what the parent asks for over standard input, and answers over standard output, until the parent closes
/// it. The process should end when this returns: a runtime may still be hanging.
pub fn serve(file: &Path) -> Result<(), ServeError> {
    limits::die_with_parent();
    let (requests, answers) = take_standard_streams()?;
    let step = StepFile::read(file)?;
    limits::apply(&step);
    let (asked, to_do) = channel();
    let thread = std::thread::Builder::new().name("nav-step".to_owned());
    thread.spawn(move || work_off(step, &to_do, answers))?;
    // This thread does nothing that may hang, so that it always sees when the parent is gone.
    let mut requests = BufReader::new(requests);
    loop {
        let mut line = Vec::new();
        let limit = u64::try_from(LONGEST_LINE).unwrap_or(u64::MAX);
        requests.by_ref().take(limit).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Ok(());
        }
        let request: Request = serde_json::from_slice(&line)?;
        if asked.send(request).is_err() {
            return Ok(());
        }
    }
}

fn work_off(step: StepFile, to_do: &Receiver<Request>, mut answers: std::fs::File) {
    let mut work = Work::new(step);
    for request in to_do {
        let said = work.answer(&request);
        // A parent that cannot be reached is gone, as the main thread sees too.
        if say(&mut answers, &said).is_err() {
            return;
        }
    }
}

fn say(answers: &mut std::fs::File, said: &Said) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(said)?;
    line.push(b'\n');
    answers.write_all(&line)
}

/// Both streams, kept from the runtimes: what they print goes to standard error, and they read nothing.
fn take_standard_streams() -> std::io::Result<(std::fs::File, std::fs::File)> {
    let requests = std::io::stdin().as_fd().try_clone_to_owned()?;
    let answers = std::io::stdout().as_fd().try_clone_to_owned()?;
    rustix::stdio::dup2_stdin(std::fs::File::open("/dev/null")?)?;
    rustix::stdio::dup2_stdout(std::io::stderr())?;
    Ok((requests.into(), answers.into()))
}
