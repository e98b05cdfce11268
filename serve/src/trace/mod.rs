//! Traces: which requests are traced, and what becomes of the times of those. Whoever traces waits for nobody: what
//! cannot be written or sent in time is dropped.

mod file;
mod settings;
mod spans;

pub use settings::TraceSettings;

pub(crate) use settings::Wanted;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::{Instant, SystemTime};

use hyper::header::HeaderMap;
use nav_engine::{InferError, Model, Response, Timeline};

use self::file::TraceFile;
use self::settings::AllSettings;
use self::spans::Spans;
use crate::refusal::Refusal;

/// Where traces go, and what is traced from the start.
#[derive(Clone, Debug, Default)]
pub struct TraceOptions {
    /// The file that they are written to, in the form that this protocol's tools read.
    pub file: Option<PathBuf>,
    /// The collector that they are sent to, such as `http://localhost:4317`.
    pub collector: Option<String>,
    /// What is traced.
    pub settings: TraceSettings,
}

/// Why traces cannot go where they should.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// The file cannot be written.
    #[error("cannot write traces to {}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: std::io::Error,
    },
    /// The collector has no address that can be used.
    #[error("cannot send traces to {address}: {reason}")]
    Collector {
        /// The address.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// Decides what is traced, and knows where it goes.
#[derive(Debug)]
pub(crate) struct Tracer {
    /// Whether anything may be traced: almost always not, and then this is all that is looked at.
    is_on: AtomicBool,
    settings: RwLock<AllSettings>,
    seen: AtomicU64,
    numbers: AtomicU64,
    file: Option<TraceFile>,
    spans: Option<Spans>,
    path: Option<PathBuf>,
    clock: Clock,
}

/// Both clocks at one time.
#[derive(Clone, Copy, Debug)]
struct Clock {
    wall: SystemTime,
    steady: Instant,
}

/// A request that is traced.
#[derive(Debug)]
pub(crate) struct Trace {
    number: u64,
    received: Instant,
    /// The trace that the caller is in.
    parent: Option<opentelemetry::Context>,
}

/// What there is to know of a request that was traced.
#[derive(Clone, Copy, Debug)]
struct Traced<'a> {
    protocol: &'static str,
    model: &'a str,
    version: u64,
    id: Option<&'a str>,
    outcome: Result<Option<Timeline>, &'a str>,
}

impl Clock {
    #[expect(clippy::disallowed_methods, reason = "a trace tells when it was")]
    fn now() -> Self {
        Self {
            wall: SystemTime::now(),
            steady: Instant::now(),
        }
    }

    /// A time by the wall clock, which does not jump meanwhile.
    fn at(self, time: Instant) -> SystemTime {
        match time.checked_duration_since(self.steady) {
            Some(since) => self.wall + since,
            None => self.wall - self.steady.saturating_duration_since(time),
        }
    }
}

impl Tracer {
    /// Must be made where the collector's connection can live: within the runtime of the sockets.
    pub(crate) fn new(options: &TraceOptions) -> Result<Self, TraceError> {
        let file = options.file.clone().map(TraceFile::create).transpose()?;
        let spans = options.collector.as_deref().map(Spans::new).transpose()?;
        let tracer = Self {
            is_on: AtomicBool::new(false),
            settings: RwLock::new(AllSettings::new(options.settings)),
            seen: AtomicU64::new(0),
            numbers: AtomicU64::new(0),
            file,
            spans,
            path: options.file.clone(),
            clock: Clock::now(),
        };
        tracer.note(options.settings.timestamps);
        Ok(tracer)
    }

    fn note(&self, timestamps: bool) {
        let is_on = timestamps && self.has_destination();
        self.is_on.fetch_or(is_on, Ordering::Relaxed);
    }

    const fn has_destination(&self) -> bool {
        self.file.is_some() || self.spans.is_some()
    }

    /// Whether to trace a request that was received then: one that its caller traces, or its turn.
    pub(crate) fn begin(
        &self,
        model: &str,
        headers: &HeaderMap,
        received: Instant,
    ) -> Option<Trace> {
        if !self.is_on.load(Ordering::Relaxed) {
            return None;
        }
        let settings = self.of(Some(model));
        if !settings.timestamps || settings.count == Some(0) {
            return None;
        }
        let parent = self
            .spans
            .is_some()
            .then(|| spans::parent(headers))
            .flatten();
        let seen = self.seen.fetch_add(1, Ordering::Relaxed);
        let is_its_turn = settings.rate > 0 && (seen + 1).is_multiple_of(settings.rate.into());
        if parent.is_none() && !is_its_turn {
            return None;
        }
        if settings.count.is_some() {
            let mut settings = self
                .settings
                .write()
                .unwrap_or_else(PoisonError::into_inner);
            settings.traced(model);
        }
        Some(Trace {
            number: self.numbers.fetch_add(1, Ordering::Relaxed) + 1,
            received,
            parent,
        })
    }

    /// Passes on what became of a request to this model, if it is traced.
    pub(crate) fn end(
        &self,
        trace: Option<Trace>,
        (protocol, model, id): (&'static str, &Model, Option<&str>),
        answered: &Result<Response, InferError>,
    ) {
        let Some(trace) = trace else {
            return;
        };
        let why = answered.as_ref().err().map(ToString::to_string);
        let timeline = answered
            .as_ref()
            .ok()
            .and_then(|response| response.timeline);
        let traced = Traced {
            protocol,
            model: model.name(),
            version: model.version(),
            id,
            outcome: why.as_deref().map_or(Ok(timeline), Err),
        };
        self.write(&trace, &traced);
    }

    fn write(&self, trace: &Trace, traced: &Traced<'_>) {
        let ended = Instant::now();
        if let Some(file) = &self.file {
            let frequency = self.of(Some(traced.model)).log_frequency;
            file.write(file::text(trace, traced, (self.clock, ended)), frequency);
        }
        if let Some(spans) = &self.spans {
            spans.record(trace, traced, (self.clock, ended));
        }
    }

    /// What is traced of this model, or of all.
    pub(crate) fn of(&self, model: Option<&str>) -> TraceSettings {
        let settings = self.settings.read().unwrap_or_else(PoisonError::into_inner);
        settings.of(model)
    }

    /// Changes what is traced.
    pub(crate) fn change(&self, model: Option<&str>, wanted: &[Wanted]) -> Result<(), Refusal> {
        let mut settings = self
            .settings
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        settings.change(model, wanted, self.has_destination())?;
        let timestamps = settings.of(model).timestamps;
        drop(settings);
        self.note(timestamps);
        Ok(())
    }

    /// Every setting of this model, or of all, by its name.
    pub(crate) fn told(&self, model: Option<&str>) -> Vec<(&'static str, Vec<String>)> {
        let settings = self.of(model);
        let level = if settings.timestamps {
            "TIMESTAMPS"
        } else {
            "OFF"
        };
        let count = settings
            .count
            .map_or_else(|| "-1".to_owned(), |count| count.to_string());
        let path = self.path.as_ref().and_then(|path| path.file_name());
        let path = path.map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let mode = if self.spans.is_some() {
            "opentelemetry"
        } else {
            "triton"
        };
        vec![
            ("trace_level", vec![level.to_owned()]),
            ("trace_rate", vec![settings.rate.to_string()]),
            ("trace_count", vec![count]),
            ("log_frequency", vec![settings.log_frequency.to_string()]),
            ("trace_file", vec![path]),
            ("trace_mode", vec![mode.to_owned()]),
        ]
    }

    /// How many traces were not written to the file, because they came faster than it takes them.
    pub(crate) fn lost(&self) -> u64 {
        self.file.as_ref().map_or(0, TraceFile::lost)
    }

    /// Writes and sends what there is.
    pub(crate) fn finish(&self) {
        if let Some(spans) = &self.spans {
            spans.finish();
        }
        if let Some(file) = &self.file {
            file.finish();
        }
    }
}
