//! A script of ours in the user's Python: told on a line what is wanted, kept within bounds, ended with this process, its last words
//! kept. What it made is taken over once it has ended.

mod bounds;
mod interpreter;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use nav_worker::{Life, WorkerCommand};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use super::ConvertError;
use interpreter::{APART, Interpreter};

/// The user's Python, and what it may do with a model in its hands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Python {
    /// Its program, by absolute path.
    pub program: PathBuf,
    /// Files and folders that it may read besides its own and those of the job.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reads: Vec<PathBuf>,
    /// Whether it may do whatever the user may.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unconfined: bool,
}

impl Python {
    /// This program, within bounds.
    pub const fn new(program: PathBuf) -> Self {
        Self {
            program,
            reads: Vec::new(),
            unconfined: false,
        }
    }
}

/// What a Python is to do.
#[derive(Debug)]
pub(super) struct Task<'a> {
    /// The script.
    pub(super) script: &'static str,
    /// The files that it is about.
    pub(super) reads: &'a [&'a Path],
    /// Where what it makes goes, in the end.
    pub(super) to: &'a Path,
}

/// The most that a Python is waited for at once; it is waited for again.
const A_WHILE: Duration = Duration::from_hours(1);

impl Python {
    /// Runs a script to its end, and puts what it made where it belongs. What is wanted of it says where it writes to.
    pub(super) fn run<W: Serialize>(
        &self,
        task: &Task<'_>,
        wanted: impl FnOnce(&Path) -> W,
    ) -> Result<(), ConvertError> {
        let failed = |reason: String| ConvertError::Python {
            python: self.program.clone(),
            reason,
        };
        if !self.unconfined {
            bounds::are_possible()?;
        }
        let scratch = Scratch::beside(task.to).map_err(|error| failed(error.to_string()))?;
        let mut line = serde_json::to_vec(&wanted(&scratch.model))
            .map_err(|error| failed(error.to_string()))?;
        line.push(b'\n');
        let interpreter = Interpreter::ask(&self.program).map_err(failed)?;
        let mut command = started(&interpreter, task.script);
        if !self.unconfined {
            let named = self.reads.iter().map(PathBuf::as_path);
            let given = task.reads.iter().copied().chain(named);
            scratch.is_home_of(&mut command);
            bounds::bounds(&interpreter, given, scratch.folder.path()).surround(&mut command)?;
        }
        talk(&mut command, &line).map_err(failed)?;
        scratch.hand_over(task.to).map_err(failed)
    }
}

/// Python with a script, not started yet.
fn started(python: &Interpreter, script: &str) -> Command {
    let mut command = WorkerCommand::new(python.program.clone());
    for argument in APART {
        command = command.with_argument(argument);
    }
    let mut process = command.with_argument(script).to_process();
    process
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    process
}

/// Tells the child what is wanted and waits for its end. Its input stays open until then, so that it ends with this process.
fn talk(command: &mut Command, line: &[u8]) -> Result<(), String> {
    let mut child = command.spawn().map_err(|error| error.to_string())?;
    let input = child.stdin.take();
    let (watched, _watcher) = Life::watch(child).map_err(|error| error.to_string())?;
    let mut input = input.ok_or("it has no standard input")?;
    // One that reads nothing is at its end, and says why.
    let _told = input.write_all(line);
    while !watched.wait(A_WHILE) {}
    drop(input);
    if watched.ended_well() {
        Ok(())
    } else {
        Err(watched.cause())
    }
}

/// The folder in which a Python works, beside where what it makes goes.
#[derive(Debug)]
struct Scratch {
    folder: TempDir,
    home: PathBuf,
    made: PathBuf,
    model: PathBuf,
}

impl Scratch {
    fn beside(to: &Path) -> io::Result<Self> {
        let (parent, name) = to
            .parent()
            .zip(to.file_name())
            .ok_or(io::ErrorKind::InvalidInput)?;
        let folder = tempfile::Builder::new()
            .prefix(".python-")
            .tempdir_in(parent)?;
        let (home, made) = (folder.path().join("home"), folder.path().join("made"));
        fs::create_dir(&home)?;
        fs::create_dir(&made)?;
        let model = made.join(name);
        Ok(Self {
            folder,
            home,
            made,
            model,
        })
    }

    /// Whatever a process keeps for its user, it keeps here.
    fn is_home_of(&self, command: &mut Command) {
        command.current_dir(&self.home);
        for name in ["HOME", "TMPDIR", "XDG_CACHE_HOME", "CUDA_CACHE_PATH"] {
            command.env(name, &self.home);
        }
    }

    /// Puts the model where it belongs, after the files that a large one keeps its weights in. Only plain files that have no other
    /// name are taken: a link would have whoever reads the model read something else.
    fn hand_over(self, to: &Path) -> Result<(), String> {
        use std::os::unix::fs::MetadataExt;
        let parent = to.parent().unwrap_or(Path::new("/"));
        let unread = |error: io::Error| format!("what it made cannot be taken over: {error}");
        let mut others = Vec::new();
        let mut has_model = false;
        for entry in fs::read_dir(&self.made).map_err(unread)? {
            let entry = entry.map_err(unread)?;
            let found = entry.path().symlink_metadata().map_err(unread)?;
            if !found.is_file() || found.nlink() != 1 {
                let name = entry.file_name();
                return Err(format!("what it made is no plain file: {}", name.display()));
            }
            if entry.path() == self.model {
                has_model = true;
            } else {
                others.push(entry);
            }
        }
        if !has_model {
            return Err("it ended without having made anything".to_owned());
        }
        for other in others {
            fs::rename(other.path(), parent.join(other.file_name())).map_err(unread)?;
        }
        fs::rename(&self.model, to).map_err(unread)
    }
}

#[cfg(test)]
mod fake;
#[cfg(test)]
pub(crate) use fake::{fake, fake_that};
#[cfg(test)]
mod tests;
