//! One load, from the first request to what came of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{Builder, Scope};
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::level::{Ended, Gathered, Level};
use super::settle::Uncertainty;
use crate::answer::{HttpCheck, OutputCheck};
use crate::call::Call;
use crate::describe::{ServerSide, statistics};
use crate::drive::connections::Connections;
use crate::drive::flow::{Flow, Plan, Report};
use crate::error::PerfError;
use crate::grpc::connection::{Asked, Connection, Kind};
use crate::grpc::messages;
use crate::host::ProcessUse;
use crate::http::exchange::Exchange;
use crate::http::request;
use crate::in_process::{InProcess, Replies, requests, statistics_of};
use crate::load::Load;
use crate::target::{Protocol, Target};

/// How often it is looked whether someone ends it.
const LOOK: Duration = Duration::from_millis(20);
/// How long answers are waited for once someone has ended it.
const PATIENCE: Duration = Duration::from_secs(1);
/// The fewest slices that a measurement has.
const FEWEST: u32 = 10;
/// Files that are open beside connections.
const OTHER_FILES: u64 = 64;
/// The shortest slice.
const SHORTEST: Duration = Duration::from_millis(20);

/// How a load is measured.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long requests are sent before any counts.
    pub warm_up: Duration,
    /// The longest that is measured, without the warm-up and the wait for the last answers.
    pub time: Duration,
    /// How sure throughput and median must be for it to end sooner, as a part of them; 0 for never.
    pub goal: f64,
    /// How long slices are.
    pub window: Duration,
    /// How long a request may take.
    pub timeout: Duration,
    /// Threads that send.
    pub threads: usize,
    /// Whether answers must have the outputs that are expected, or only be successes.
    pub check: bool,
    /// Whether the server is asked what it did.
    pub ask_server: bool,
    /// The server's process, if it runs here.
    pub process: Option<u32>,
    /// Whether models give any number of responses.
    pub decoupled: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            warm_up: Duration::from_secs(1),
            time: Duration::from_secs(10),
            goal: 0.02,
            window: Duration::from_millis(200),
            timeout: Duration::from_secs(30),
            threads: 1,
            check: true,
            ask_server: true,
            process: None,
            decoupled: false,
        }
    }
}

impl Options {
    /// Exactly so long, without a warm-up, and without asking the server anything.
    pub fn exactly(time: Duration) -> Self {
        Self {
            warm_up: Duration::ZERO,
            time,
            goal: 0.0,
            window: (time / FEWEST).clamp(SHORTEST, Duration::from_millis(200)),
            ask_server: false,
            ..Self::default()
        }
    }

    fn windows_of(&self, time: Duration) -> usize {
        let windows = time.as_secs_f64() / self.window.as_secs_f64();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a time in slices of it, neither below nothing nor beyond a year"
        )]
        let count = (windows - 1e-6).ceil().max(0.0) as usize;
        count
    }
}

/// What both sides of a measurement share.
struct Signals {
    stop: AtomicBool,
    abandon: AtomicBool,
}

/// What is known of a server beside the answers.
struct Before {
    server: Option<ServerSide>,
    process: Option<ProcessUse>,
}

/// Asks a server with this load until enough is known of it, time is over, or `interrupted` is set.
pub fn measure(
    target: &Target,
    calls: &[Call],
    load: Load,
    options: &Options,
    interrupted: &AtomicBool,
) -> Result<Level, PerfError> {
    let first = calls.first().ok_or(PerfError::NothingToSend)?;
    let check = if options.check {
        OutputCheck::of(&first.expected)
    } else {
        OutputCheck::none()
    };
    let look = || Before {
        server: options
            .ask_server
            .then(|| statistics(target, &first.model, first.version.as_deref()).ok())
            .flatten(),
        process: options.process.and_then(ProcessUse::read),
    };
    if target.protocol.is_grpc() {
        let asked = asked(target, calls, options, check)?;
        let make = || Connection::new(asked.clone());
        return supervise(load, options, interrupted, &look, |flow, most| {
            Connections::new(target, flow, most, &make)?.run();
            Ok(())
        });
    }
    let make_request = match target.protocol {
        Protocol::HttpJson => request::json_only,
        _ => request::binary,
    };
    let requests: Result<Vec<Vec<u8>>, PerfError> = calls
        .iter()
        .map(|call| make_request(target, call))
        .collect();
    let requests: Arc<[Vec<u8>]> = requests?.into();
    let check = HttpCheck::new(check);
    let make = || Exchange::new(Arc::clone(&requests), check.clone());
    supervise(load, options, interrupted, &look, |flow, most| {
        Connections::new(target, flow, most, &make)?.run();
        Ok(())
    })
}

fn asked(
    target: &Target,
    calls: &[Call],
    options: &Options,
    check: OutputCheck,
) -> Result<Asked, PerfError> {
    let on_stream = target.protocol == Protocol::GrpcStream;
    let requests: Result<Vec<Vec<u8>>, PerfError> = calls
        .iter()
        .map(|call| messages::infer(call, on_stream))
        .collect();
    let decoupled = options.decoupled;
    let (method, kind) = if on_stream {
        ("ModelStreamInfer", Kind::Stream { decoupled })
    } else {
        ("ModelInfer", Kind::Unary)
    };
    Asked::new(target, method, requests?, (kind, check))
}

/// The same for a model in this process.
pub fn measure_in_process(
    model: &InProcess,
    calls: &[Call],
    load: Load,
    options: &Options,
    interrupted: &AtomicBool,
) -> Result<Level, PerfError> {
    if calls.is_empty() {
        return Err(PerfError::NothingToSend);
    }
    let requests = requests(calls);
    let look = || Before {
        server: Some(statistics_of(model)),
        process: ProcessUse::read(std::process::id()),
    };
    supervise(load, options, interrupted, &look, |flow, most| {
        Replies::new(model, &requests, flow, most).run();
        Ok(())
    })
}

/// Has threads send, gathers what they report, and decides when it is enough.
fn supervise(
    load: Load,
    options: &Options,
    interrupted: &AtomicBool,
    look: &dyn Fn() -> Before,
    send: impl Fn(Flow<'_>, usize) -> Result<(), PerfError> + Sync,
) -> Result<Level, PerfError> {
    let threads = options.threads.clamp(1, load.connections().max(1));
    make_room(load.connections());
    let signals = Signals {
        stop: AtomicBool::new(false),
        abandon: AtomicBool::new(false),
    };
    let (sender, reports) = mpsc::channel();
    std::thread::scope(|scope| {
        let began = Instant::now();
        let mut running = Vec::new();
        for thread in 0..threads {
            let plan = Plan {
                began,
                window: options.window,
                timeout: options.timeout,
                stop: &signals.stop,
                abandon: &signals.abandon,
                load: load.share(thread, threads),
                place: (thread, threads),
            };
            let started = start(scope, plan, sender.clone(), &send);
            if started.is_err() {
                signals.stop.store(true, Ordering::Relaxed);
                signals.abandon.store(true, Ordering::Relaxed);
            }
            running.push(started?);
        }
        drop(sender);
        let session = Session {
            options,
            signals: &signals,
            interrupted,
            look,
        };
        let level = session.gather(&reports, Gathered::new(load, threads), threads);
        for one in running {
            match one.join() {
                Ok(done) => done?,
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        Ok(level)
    })
}

/// Lets this process have as many connections as it needs, as far as the system lets it. Where it does not, those
/// that cannot be made fail by themselves.
fn make_room(connections: usize) {
    let needed = u64::try_from(connections).unwrap_or(u64::MAX);
    let needed = needed.saturating_add(OTHER_FILES);
    let limit = getrlimit(Resource::Nofile);
    let is_enough = limit.current.is_none_or(|current| current >= needed);
    if !is_enough {
        let most = limit.maximum.map_or(needed, |most| most.min(needed));
        let current = Some(most);
        setrlimit(Resource::Nofile, Rlimit { current, ..limit }).ok();
    }
}

fn start<'scope>(
    scope: &'scope Scope<'scope, '_>,
    plan: Plan<'scope>,
    report: Sender<Report>,
    send: &'scope (impl Fn(Flow<'_>, usize) -> Result<(), PerfError> + Sync),
) -> Result<std::thread::ScopedJoinHandle<'scope, Result<(), PerfError>>, PerfError> {
    let name = format!("perf-{}", plan.place.0);
    let run = move || {
        let most = plan.load.connections();
        let (stop, abandon) = (plan.stop, plan.abandon);
        let done = send(Flow::new(plan, report), most);
        if done.is_err() {
            // The others would go on without it.
            stop.store(true, Ordering::Relaxed);
            abandon.store(true, Ordering::Relaxed);
        }
        done
    };
    let started = Builder::new().name(name).spawn_scoped(scope, run);
    started.map_err(|error| PerfError::system("start a thread", error))
}

/// The side that decides.
struct Session<'a> {
    options: &'a Options,
    signals: &'a Signals,
    interrupted: &'a AtomicBool,
    look: &'a dyn Fn() -> Before,
}

impl Session<'_> {
    fn gather(&self, reports: &Receiver<Report>, mut gathered: Gathered, threads: usize) -> Level {
        let options = self.options;
        let skipped = options.windows_of(options.warm_up);
        let most = options.windows_of(options.time).max(1);
        let mut before = (skipped == 0).then(self.look);
        let mut partial: BTreeMap<usize, Vec<Report>> = BTreeMap::new();
        let mut ended = None;
        let mut after = None;
        let mut stopped: Option<Instant> = None;
        loop {
            if self.watch(&mut ended, &mut stopped) {
                after = Some((self.look)());
            }
            let report = match reports.recv_timeout(LOOK) {
                Ok(report) => report,
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => break,
            };
            if report.is_tail || ended.is_some() {
                gathered.tail(&report);
                continue;
            }
            let window = report.window;
            let of_window = partial.entry(window).or_default();
            of_window.push(report);
            if of_window.len() < threads {
                continue;
            }
            let whole = partial.remove(&window).unwrap_or_default();
            if window + 1 == skipped {
                before = Some((self.look)());
            }
            if window < skipped {
                continue;
            }
            gathered.slice(&whole, options.window);
            let count = gathered.slices.len();
            let is_sure = options.goal > 0.0
                && count >= usize::try_from(FEWEST).unwrap_or(usize::MAX)
                && Uncertainty::of(&gathered.slices).is_within(options.goal);
            if is_sure || count >= most {
                ended = Some(match is_sure {
                    true => Ended::Sure,
                    false if options.goal > 0.0 => Ended::Unsure,
                    false => Ended::TimeOver,
                });
                self.signals.stop.store(true, Ordering::Relaxed);
                after = Some((self.look)());
                // Slices that some threads have handed in, and not all, are what came after the end.
                for report in std::mem::take(&mut partial).values().flatten() {
                    gathered.tail(report);
                }
            }
        }
        let between = before
            .zip(after)
            .map(|(before, after)| after.since(&before));
        let between = between.unwrap_or((None, None));
        let ended = ended.unwrap_or(Ended::Interrupted);
        gathered.level(options.window, ended, between)
    }

    /// Passes on that someone ends it, and ends the wait for the last answers. Whether this was the end.
    fn watch(&self, ended: &mut Option<Ended>, stopped: &mut Option<Instant>) -> bool {
        let is_interrupted = self.interrupted.load(Ordering::Relaxed);
        let is_end = is_interrupted && ended.is_none();
        if is_end {
            *ended = Some(Ended::Interrupted);
            self.signals.stop.store(true, Ordering::Relaxed);
        }
        if ended.is_none() {
            return false;
        }
        let since = stopped.get_or_insert_with(Instant::now).elapsed();
        let patience = if is_interrupted {
            PATIENCE.min(self.options.timeout)
        } else {
            // Each ends by its own time; this is for a thread that does not look.
            self.options.timeout + PATIENCE
        };
        if since >= patience {
            self.signals.abandon.store(true, Ordering::Relaxed);
        }
        is_end
    }
}

impl Before {
    fn since(self, earlier: &Self) -> (Option<ServerSide>, Option<ProcessUse>) {
        let server = self.server.zip(earlier.server);
        let process = self.process.zip(earlier.process);
        (
            server.map(|(after, before)| after.since(&before)),
            process.map(|(after, before)| after.since(before)),
        )
    }
}
