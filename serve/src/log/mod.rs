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
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
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
    /// How many of the lines that were lost were told of.
    told: u64,
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
        let told = 0;
        let writer = Writer {
            lines,
            thread,
            told,
        };
        let writer = Mutex::new(Some(writer));
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
        if !self.tells(level) {
            return;
        }
        let text = self.inner.line(level, event, fields);
        let mut writer = self.inner.writer();
        let Some(writer) = writer.as_mut() else {
            return;
        };
        if let Some((lost, line)) = self.inner.line_of_lost(writer.told)
            && writer.lines.try_send(line).is_ok()
        {
            writer.told = lost;
        }
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
        self.inner.settings()
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
    fn settings(&self) -> LogSettings {
        *self.settings.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn writer(&self) -> MutexGuard<'_, Option<Writer>> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "a line tells when it was written"
    )]
    fn line(&self, level: Level, event: &str, fields: &[(&str, String)]) -> String {
        let line = Line {
            time: SystemTime::now(),
            level,
            event,
            fields,
        };
        line.text(self.format, self.settings().format)
    }

    /// How many lines were lost, and a line that says so of those that none was told of.
    fn line_of_lost(&self, told: u64) -> Option<(u64, String)> {
        let lost = self.lost.load(Ordering::Relaxed);
        let untold = lost.checked_sub(told).filter(|untold| *untold > 0)?;
        let fields = [("lines", untold.to_string())];
        Some((lost, self.line(Level::Warning, "log lost", &fields)))
    }

    fn finish(&self) {
        let writer = self.writer().take();
        if let Some(writer) = writer {
            let Writer {
                lines,
                thread,
                told,
            } = writer;
            if let Some((_, line)) = self.line_of_lost(told) {
                // Whoever does not read is waited for in any case; one that is gone is not.
                drop(lines.send(line));
            }
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
    use std::sync::mpsc::{Sender, channel};

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

    /// A log whose reader took one line and none after it, until it is released; 9 lines are lost. And what it reads.
    fn stalled(format: LogFormat) -> (Log, Sender<()>, Receiver<String>) {
        let (release, blocked) = channel::<()>();
        let (enter, entered) = channel();
        let (sender, written) = channel();
        let write = move |line: &str| {
            // It is known that it reads when it does so for the first time.
            enter.send(()).ok();
            assert!(blocked.recv().is_err());
            sender.send(line.to_owned()).unwrap();
        };
        let log = Log::new(format, LogSettings::default(), write).unwrap();
        log.event(Level::Info, "event", &[]);
        entered.recv().unwrap();
        for _ in 0..WAITING + 9 {
            log.event(Level::Info, "event", &[]);
        }
        (log, release, written)
    }

    #[test]
    fn a_reader_that_does_not_read_holds_nobody_up() {
        let (log, release, written) = stalled(LogFormat::Text);
        assert_eq!(log.lost(), 9);
        drop(release);
        for _ in 0..=WAITING {
            assert!(written.recv().unwrap().ends_with(" event"));
        }
        log.event(Level::Info, "later", &[]);
        assert!(written.recv().unwrap().ends_with(" log lost lines=9"));
        assert!(written.recv().unwrap().ends_with(" later"));
        drop(log);
        assert!(written.recv().is_err(), "it is told once");
    }

    #[test]
    fn what_was_lost_in_the_end_is_told_too() {
        let (log, release, written) = stalled(LogFormat::Json);
        drop(release);
        log.finish();
        let told = r#""level":"warning","event":"log lost","lines":"9"}"#;
        let end = written.try_iter().nth(WAITING + 1).unwrap();
        assert!(end.ends_with(told), "{end}");
    }
}
