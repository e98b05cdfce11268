//! Traces in a file, as this protocol's tools read them: one array, in which each trace is told by what it is of and
//! by its times.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Instant, SystemTime};

use super::{Clock, Trace, TraceError, Traced};
use crate::wire::{integer, separated, string};

/// How many traces may wait to be written.
const WAITING: usize = 1024;

/// A file that a thread of its own writes to.
#[derive(Debug)]
pub(super) struct TraceFile {
    writer: Mutex<Option<(SyncSender<Entry>, JoinHandle<()>)>>,
    lost: AtomicU64,
}

/// A trace, and after how many the file is begun anew.
type Entry = (String, u32);

impl TraceFile {
    pub(super) fn create(path: PathBuf) -> Result<Self, TraceError> {
        let begun = Begun::create(&path, None);
        let failed = |source, path| TraceError::File { path, source };
        let begun = match begun {
            Ok(begun) => begun,
            Err(source) => return Err(failed(source, path)),
        };
        let (entries, waiting) = sync_channel(WAITING);
        let for_thread = path.clone();
        let thread = std::thread::Builder::new()
            .name("nav-trace".to_owned())
            .spawn(move || write_all(&waiting, begun, &for_thread))
            .map_err(|source| failed(source, path))?;
        Ok(Self {
            writer: Mutex::new(Some((entries, thread))),
            lost: AtomicU64::new(0),
        })
    }

    pub(super) fn write(&self, text: String, frequency: u32) {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((entries, _)) = writer.as_ref() {
            // What cannot be written in time is counted, not waited for.
            if entries.try_send((text, frequency)).is_err() {
                self.lost.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// How many were not written.
    pub(super) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    pub(super) fn finish(&self) {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((entries, thread)) = writer.take() {
            drop(entries);
            // One that panicked has written what it could.
            drop(thread.join());
        }
    }
}

/// A file that holds the beginning of an array.
struct Begun {
    file: BufWriter<File>,
    entries: u32,
}

impl Begun {
    /// The file itself, or one of several with a number.
    fn create(path: &Path, number: Option<u32>) -> io::Result<Self> {
        let mut name = path.as_os_str().to_owned();
        if let Some(number) = number {
            name.push(format!(".{number}"));
        }
        let mut file = BufWriter::new(File::create(PathBuf::from(name))?);
        file.write_all(b"[")?;
        Ok(Self { file, entries: 0 })
    }

    fn write(&mut self, text: &str) -> io::Result<()> {
        if self.entries > 0 {
            self.file.write_all(b",")?;
        }
        self.entries += 1;
        self.file.write_all(text.as_bytes())?;
        self.file.flush()
    }

    fn end(mut self) -> io::Result<()> {
        self.file.write_all(b"]")?;
        self.file.flush()
    }
}

/// Writes until nothing more can come. A disk that is full costs traces, and nothing else.
fn write_all(waiting: &Receiver<Entry>, mut begun: Begun, path: &Path) {
    let mut number = 0;
    for (text, frequency) in waiting {
        drop(begun.write(&text));
        if frequency > 0 && begun.entries >= frequency {
            let Ok(next) = Begun::create(path, Some(number)) else {
                break;
            };
            number += 1;
            drop(std::mem::replace(&mut begun, next).end());
        }
    }
    drop(begun.end());
}

/// A trace in two objects.
pub(super) fn text(trace: &Trace, traced: &Traced<'_>, (clock, ended): (Clock, Instant)) -> String {
    let mut out = String::with_capacity(512);
    let number = trace.number;
    integer(&mut out, format_args!("{{\"id\":{number},\"model_name\":"));
    string(&mut out, traced.model);
    integer(
        &mut out,
        format_args!(",\"model_version\":{}", traced.version),
    );
    out.push_str(",\"request_id\":");
    string(&mut out, traced.id.unwrap_or_default());
    if let Err(why) = traced.outcome {
        out.push_str(",\"error\":");
        string(&mut out, why);
    }
    integer(
        &mut out,
        format_args!("}},{{\"id\":{number},\"timestamps\":["),
    );
    let protocol = traced.protocol.to_ascii_uppercase();
    let receive = format!("{protocol}_RECV_START");
    let send = format!("{protocol}_SEND_START");
    let mut times = vec![(receive.as_str(), trace.received)];
    if let Ok(Some(line)) = traced.outcome {
        times.push(("REQUEST_START", line.arrived));
        times.push(("QUEUE_START", line.arrived));
        times.push(("COMPUTE_START", line.began));
        times.extend(line.staged.map(|time| ("COMPUTE_INPUT_END", time)));
        times.extend(line.ran.map(|time| ("COMPUTE_OUTPUT_START", time)));
        times.push(("COMPUTE_END", line.ended));
        times.push(("REQUEST_END", line.ended));
    }
    times.push((&send, ended));
    separated(&mut out, times, |out, (name, time)| {
        let since = clock.at(time).duration_since(SystemTime::UNIX_EPOCH);
        let nanoseconds = since.unwrap_or_default().as_nanos();
        integer(
            out,
            format_args!("{{\"name\":\"{name}\",\"ns\":{nanoseconds}}}"),
        );
    });
    out.push_str("]}");
    out
}
