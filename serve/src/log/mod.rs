//! What the server says while it runs: a line for each event, written by a thread of its own, so that whoever reads
//! them slowly holds up nothing. Does not know where the lines go.

mod calendar;
mod line;
mod pace;
mod settings;

pub use line::LogFormat;
pub(crate) use pace::Pace;
pub use settings::{LogSettings, SettingValue, TimeFormat};

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::SystemTime;

use self::line::Line;
use crate::refusal::Refusal;

/// How many lines may wait to be written.
const WAITING: usize = 4096;

/// How much an event matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Something is broken.
    Error,
    /// Something is not as it should be.
    Warning,
    /// Something happened that people want to know of.
    Info,
    /// Something happened that people want to know of when they look for a fault.
    Verbose,
}

/// Where events are told. Clones tell the same.
#[derive(Clone, Debug)]
pub struct Log {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    format: LogFormat,
    settings: RwLock<LogSettings>,
    writer: Mutex<Option<Writer>>,
    lost: AtomicU64,
}

#[derive(Debug)]
struct Writer {
    lines: SyncSender<String>,
    thread: JoinHandle<()>,
}

impl Log {
    /// A log whose lines `write` takes, on a thread of its own.
    pub fn new(
        format: LogFormat,
        settings: LogSettings,
        write: impl FnMut(&str) + Send + 'static,
    ) -> std::io::Result<Self> {
        let (lines, waiting) = sync_channel(WAITING);
        let thread = std::thread::Builder::new()
            .name("nav-log".to_owned())
            .spawn(move || write_all(&waiting, write))?;
        let writer = Mutex::new(Some(Writer { lines, thread }));
        Ok(Self::of(format, settings, writer))
    }

    /// A log that nobody reads.
    pub fn silent() -> Self {
        Self::of(LogFormat::Text, LogSettings::silent(), Mutex::new(None))
    }

    fn of(format: LogFormat, settings: LogSettings, writer: Mutex<Option<Writer>>) -> Self {
        let inner = Inner {
            format,
            settings: RwLock::new(settings),
            writer,
            lost: AtomicU64::new(0),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Whether events of this level are told.
    pub fn tells(&self, level: Level) -> bool {
        self.settings().tells(level)
    }

    /// Says that something happened, and what there is to know of it.
    pub fn event(&self, level: Level, event: &str, fields: &[(&str, String)]) {
        let settings = self.settings();
        if !settings.tells(level) {
            return;
        }
        let line = Line {
            time: SystemTime::now(),
            level,
            event,
            fields,
        };
        let text = line.text(self.inner.format, settings.format);
        let writer = self
            .inner
            .writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let Some(writer) = writer.as_ref() else {
            return;
        };
        // What cannot be written in time is counted, not waited for.
        if let Err(TrySendError::Full(_)) = writer.lines.try_send(text) {
            self.inner.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Writes what there is, and nothing more after that.
    pub fn finish(&self) {
        self.inner.finish();
    }

    /// How many lines were not written, because they came faster than they were taken.
    pub fn lost(&self) -> u64 {
        self.inner.lost.load(Ordering::Relaxed)
    }

    /// What is told now.
    pub fn settings(&self) -> LogSettings {
        *self
            .inner
            .settings
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what is told; all of it or, when something is wrong, nothing.
    pub(crate) fn change<'a>(
        &self,
        wanted: impl IntoIterator<Item = (&'a str, SettingValue)>,
    ) -> Result<(), Refusal> {
        let mut settings = self
            .inner
            .settings
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let mut changed = *settings;
        for (name, value) in wanted {
            changed.set(name, value)?;
        }
        *settings = changed;
        Ok(())
    }
}

impl Inner {
    fn finish(&self) {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Writer { lines, thread }) = writer.take() {
            drop(lines);
            // One that panicked has written what it could.
            drop(thread.join());
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.finish();
    }
}

fn write_all(waiting: &Receiver<String>, mut write: impl FnMut(&str)) {
    for line in waiting {
        write(&line);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn what_is_not_told_is_not_written() {
        let (sender, written) = channel();
        let write = move |line: &str| sender.send(line.to_owned()).unwrap();
        let log = Log::new(LogFormat::Json, LogSettings::default(), write).unwrap();
        log.event(Level::Verbose, "request", &[]);
        log.event(Level::Info, "ready", &[]);
        log.change([("log_info", SettingValue::Bool(false))])
            .unwrap();
        log.event(Level::Info, "later", &[]);
        log.change([("log_verbose_level", SettingValue::Uint(1))])
            .unwrap();
        log.event(Level::Verbose, "request", &[]);
        drop(log);
        let events: Vec<String> = written
            .iter()
            .map(|line: String| {
                let line: serde_json::Value = serde_json::from_str(&line).unwrap();
                line["event"].as_str().unwrap().to_owned()
            })
            .collect();
        assert_eq!(events, ["ready", "request"]);
    }

    #[test]
    fn one_wrong_setting_changes_nothing() {
        let log = Log::silent();
        let before = log.settings();
        let wanted = [
            ("log_info", SettingValue::Bool(true)),
            ("log_format", SettingValue::Text("sideways".to_owned())),
        ];
        assert!(log.change(wanted).is_err());
        assert_eq!(log.settings(), before);
    }

    #[test]
    fn a_reader_that_does_not_read_holds_nobody_up() {
        let (release, blocked) = channel::<()>();
        let write = move |_: &str| assert!(blocked.recv().is_err());
        let log = Log::new(LogFormat::Text, LogSettings::default(), write).unwrap();
        for _ in 0..WAITING + 10 {
            log.event(Level::Info, "event", &[]);
        }
        assert!(log.lost() >= 8, "{}", log.lost());
        drop(release);
    }
}
