//! Model Navigator on the same model, as its user would run it.

use std::error::Error;
use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde::Deserialize;

/// Within how many percent of each other measurements have to be for it: what it takes by itself, and what it is allowed
/// where it gives up on a machine that does other things too.
const STABLE: &[u32] = &[10, 100];

/// With what its script ends where measurements are too far from each other.
const GAVE_UP: i32 = 3;

/// What it chose.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Choice {
    /// Rows of a batch.
    pub(crate) batch: usize,
    /// Rows in a second, as it measured them.
    pub(crate) throughput: f64,
    /// How long it took, from the start of Python.
    #[serde(skip)]
    pub(crate) took: Duration,
    /// Within how many percent measurements had to be.
    #[serde(skip)]
    pub(crate) stable: u32,
}

/// What it chooses for a model with batches and dimensions of these extents at most; nothing where no Python has it.
#[expect(
    clippy::disallowed_methods,
    reason = "a bench has no settings of its own to be told by"
)]
pub(crate) fn choose(
    model: &Path,
    max_batch: usize,
    dims: &[(&str, usize)],
) -> Result<Option<Choice>, Box<dyn Error>> {
    let Some(python) = std::env::var_os("NAV_NAVIGATOR_PYTHON") else {
        return Ok(None);
    };
    for stable in STABLE {
        let arguments = [max_batch.to_string(), json(dims), stable.to_string()];
        if let Some(choice) = attempt(&python, model, &arguments)? {
            let stable = *stable;
            return Ok(Some(Choice { stable, ..choice }));
        }
    }
    Err("Model Navigator finds no stable measurement".into())
}

fn attempt(
    python: &OsString,
    model: &Path,
    arguments: &[String],
) -> Result<Option<Choice>, Box<dyn Error>> {
    let started = Instant::now();
    let output = Command::new(python)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/optimize/optimize.py"))
        .arg(model)
        .args(arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()?;
    let took = started.elapsed();
    if output.status.code() == Some(GAVE_UP) {
        return Ok(None);
    }
    if !output.status.success() {
        return Err(format!("Model Navigator ended with {}", output.status).into());
    }
    let said = String::from_utf8_lossy(&output.stdout);
    let last = said.lines().last().unwrap_or_default();
    let choice: Choice = serde_json::from_str(last)?;
    Ok(Some(Choice { took, ..choice }))
}

fn json(dims: &[(&str, usize)]) -> String {
    let dims: serde_json::Map<String, serde_json::Value> = dims
        .iter()
        .map(|(name, extent)| ((*name).to_owned(), (*extent).into()))
        .collect();
    serde_json::Value::Object(dims).to_string()
}
