//! A script of ours in the user's Python: told on a line what is wanted, ended with this process, its last words kept.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Stdio};

use nav_worker::WorkerCommand;
use serde::Serialize;

use super::ConvertError;

/// The most that is kept of what Python says when it fails: its last words.
const LAST_WORDS: usize = 600;

/// Runs a script to its end, apart from the folder that this runs in and from what the environment says of modules.
pub(super) fn run(
    python: &Path,
    script: &str,
    wanted: &impl Serialize,
) -> Result<(), ConvertError> {
    let failed = |reason: String| ConvertError::Python {
        python: python.to_owned(),
        reason,
    };
    let mut line = serde_json::to_vec(wanted).map_err(|error| failed(error.to_string()))?;
    line.push(b'\n');
    let command = WorkerCommand::new(python.to_owned())
        .with_argument("-I")
        .with_argument("-c")
        .with_argument(script);
    let child = command
        .to_process()
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| failed(error.to_string()))?;
    talk(child, &line).map_err(failed)
}

/// Tells the child what is wanted and waits for its end. Its input stays open until then, so that it ends with this process.
fn talk(mut child: Child, line: &[u8]) -> Result<(), String> {
    let mut input = child.stdin.take().ok_or("it has no standard input")?;
    // One that reads nothing is at its end, and says why.
    let _told = input.write_all(line);
    let mut said = Vec::new();
    if let Some(mut errors) = child.stderr.take() {
        let _read = errors.read_to_end(&mut said);
    }
    let status = child.wait().map_err(|error| error.to_string())?;
    drop(input);
    if status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&said);
    let words: Vec<char> = said.trim().chars().collect();
    let last: String = words
        .iter()
        .skip(words.len().saturating_sub(LAST_WORDS))
        .collect();
    Err(format!("{status}: {last}"))
}
