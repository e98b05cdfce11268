//! What the user's Python says of itself: where its program is, and where its modules and libraries are. It is asked before it sees a
//! model, and is trusted as the user trusts it.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use nav_worker::WorkerCommand;
use serde::Deserialize;

/// What Python runs.
const SCRIPT: &str = include_str!("interpreter.py");

/// How Python is started: apart from the folder that this runs in and from what the environment says of modules, writing nothing
/// beside its own.
pub(super) const APART: &[&str] = &["-I", "-B", "-c"];

/// Where a Python is.
#[derive(Debug, Deserialize)]
pub(super) struct Interpreter {
    /// The program itself, which what the user named may only lead to.
    pub(super) program: PathBuf,
    /// The files and folders that it reads of itself.
    pub(super) places: Vec<PathBuf>,
}

impl Interpreter {
    /// Asks a Python, or says why it does not tell.
    pub(super) fn ask(python: &Path) -> Result<Self, String> {
        let mut command = WorkerCommand::new(python.to_owned());
        for argument in APART {
            command = command.with_argument(argument);
        }
        let asked = command
            .with_argument(SCRIPT)
            .to_process()
            .stdin(Stdio::null())
            .output()
            .map_err(|error| error.to_string())?;
        if !asked.status.success() {
            let said = String::from_utf8_lossy(&asked.stderr);
            let last = said.trim().lines().next_back().unwrap_or_default();
            return Err(format!("{}: {last}", asked.status));
        }
        let told: Self = serde_json::from_slice(&asked.stdout)
            .map_err(|error| format!("it does not say where it is: {error}"))?;
        if !told.program.is_absolute() {
            return Err("it does not say where it is".to_owned());
        }
        Ok(told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_python_says_where_it_is() {
        let told = Interpreter::ask(Path::new("python3")).unwrap();
        assert!(told.program.is_file());
        let has_modules = |place: &PathBuf| place.join("json/__init__.py").is_file();
        assert!(told.places.iter().any(has_modules), "{told:?}");
    }

    #[test]
    fn what_is_no_python_is_told_with_its_last_words() {
        let ask = |program: &str| Interpreter::ask(Path::new(program)).unwrap_err();
        assert!(ask("/bin/false").starts_with("exit status: 1"));
        assert!(ask("/bin/echo").starts_with("it does not say where it is"));
        assert!(ask("/nowhere/python").contains("No such file"));
    }
}
