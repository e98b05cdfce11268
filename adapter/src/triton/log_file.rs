//! Where the lines of the log go: to whoever the program says, to a file, or nowhere.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use nav_serve::{Log, LogFormat, LogSettings};

/// What takes the lines of the log.
pub(super) type Sink = Box<dyn FnMut(&str) + Send>;

/// The log that this comes to. A file wins over whatever else takes lines.
pub(super) fn log(file: Option<&Path>, sink: Option<Sink>, verbose: u32) -> io::Result<Log> {
    let settings = LogSettings {
        verbose,
        ..LogSettings::default()
    };
    let sink = match file {
        Some(path) => Some(appended(path)?),
        None => sink,
    };
    match sink {
        Some(sink) => Log::new(LogFormat::Text, settings, sink),
        None => Ok(Log::silent()),
    }
}

fn appended(path: &Path) -> io::Result<Sink> {
    let mut file = File::options().create(true).append(true).open(path)?;
    Ok(Box::new(move |line: &str| {
        // There is nobody to tell that it cannot be told.
        drop(writeln!(file, "{line}"));
    }))
}
