//! Measures candidates together at one batch, and remembers what an earlier run measured.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nav_package_format::package::Measurement;
use serde::{Deserialize, Serialize};

use super::child::Loss;
use super::entry::{End, Entry};
use super::proof::side_by_side;
use super::site::Site;
use crate::optimize::OptimizeError;
use crate::plan::CaseData;
use crate::profile::{Pace, Subject, measure_together};
use crate::step::{Answer, Peak, Request};

/// The shortest slice: long against the time that it takes to change from one process to another.
const SLICE: Duration = Duration::from_millis(4);

/// How long a process warms up after it had to wait for its turn.
const WARM_UP: Duration = Duration::from_millis(1);

/// How many runs a slice has at least.
const RUNS: u32 = 2;

/// What takes so long needs no warming up: what the others left in the caches is nothing to it.
const LONG: Duration = Duration::from_millis(20);

/// The least patience with a candidate at a batch.
const PATIENCE: Duration = Duration::from_millis(60);

/// How many runs it may take besides.
const PATIENCE_RUNS: u32 = 10;

/// What was measured, as the journal keeps it.
#[derive(Debug, Serialize, Deserialize)]
struct Noted {
    measurement: Option<Measurement>,
    failure: Option<String>,
    #[serde(flatten)]
    peak: Peak,
}

/// A candidate whose turn it is to be measured.
struct Turn<'run> {
    entry: &'run mut Entry,
    inputs: &'run Path,
    /// The longest that a slice's answer may take.
    limit: Duration,
    /// How long one run takes, as far as is known.
    run: Duration,
}

impl Turn<'_> {
    fn ask(&mut self, warm_up: Duration, length: Duration) -> Result<Vec<u64>, Loss> {
        let request = Request::Measure {
            inputs: self.inputs.to_owned(),
            warm_up_us: microseconds(warm_up),
            length_us: microseconds(length),
        };
        let gone = || Loss::Gone("there is no process to run it".to_owned());
        let child = self.entry.child.as_mut().ok_or_else(gone)?;
        match child.ask(&request, "measure", self.limit)? {
            Answer::Measured(latencies) => Ok(latencies),
            _ => Err(Loss::Refused("it answered something else".to_owned())),
        }
    }

    /// One run, so that what is set up for this batch is set up, and to know how long it takes.
    fn pilot(&mut self) -> Result<(), Loss> {
        let latencies = self.ask(Duration::ZERO, Duration::ZERO)?;
        let slowest = latencies.into_iter().max().unwrap_or_default();
        self.run = Duration::from_nanos(slowest);
        Ok(())
    }
}

impl Subject for Turn<'_> {
    type Loss = Loss;

    fn slice(&mut self, length: Duration) -> Result<Vec<f64>, Loss> {
        let length = length.max(self.run * RUNS);
        let warm_up = if self.run < LONG {
            WARM_UP
        } else {
            Duration::ZERO
        };
        let latencies = self.ask(warm_up, length)?;
        // The first run of all sets things up, and takes longer than any after it.
        let fastest = latencies.iter().copied().min().unwrap_or_default();
        self.run = self.run.min(Duration::from_nanos(fastest));
        Ok(latencies
            .into_iter()
            .map(|nanoseconds| Duration::from_nanos(nanoseconds).as_secs_f64() * 1e3)
            .collect())
    }

    fn instances(&self) -> usize {
        self.entry.candidate.instances
    }

    fn run(&self) -> Duration {
        self.run
    }
}

/// A batch to measure at.
#[derive(Clone, Debug)]
pub(super) struct AtBatch {
    pub(super) batch: Option<usize>,
    pub(super) data: CaseData,
    pub(super) inputs: PathBuf,
    /// How often the usual patience.
    pub(super) patience: u32,
    /// How often something was measured anew.
    pub(super) round: u32,
    /// When measuring must end.
    pub(super) deadline: Duration,
}

/// Measures these entries together at a batch; those that an earlier run measured are left as they were.
pub(super) fn measure(
    site: &Site<'_>,
    entries: Vec<&mut Entry>,
    at: &AtBatch,
) -> Result<(), OptimizeError> {
    let mut unknown = Vec::new();
    for entry in entries {
        match recall(site, entry, at) {
            Some(noted) => keep(entry, at, noted),
            None => unknown.push(entry),
        }
    }
    let room = site.room();
    let is_tight = unknown.len() > room;
    for some in unknown.chunks_mut(room) {
        let mut entries: Vec<&mut Entry> = some.iter_mut().map(|entry| &mut **entry).collect();
        start(site, &mut entries)?;
        entries.retain(|entry| entry.is_in() && entry.child.is_some());
        if !entries.is_empty() {
            measure_now(site, entries, at);
        }
        if is_tight {
            for entry in some {
                entry.child = None;
            }
        }
    }
    Ok(())
}

/// Starts those that have no process, side by side.
fn start(site: &Site<'_>, entries: &mut [&mut Entry]) -> Result<(), OptimizeError> {
    let mut starting = Vec::new();
    for entry in entries {
        if entry.child.is_none() {
            entry.start(site)?;
            starting.push(&mut **entry);
        }
    }
    let beside = starting.len();
    side_by_side(starting, |entry| entry.load(site, beside));
    Ok(())
}

fn measure_now(site: &Site<'_>, entries: Vec<&mut Entry>, at: &AtBatch) {
    let mut turns = Vec::new();
    for entry in entries {
        let started = Instant::now();
        let mut turn = Turn {
            entry,
            inputs: &at.inputs,
            limit: site.step_limit(),
            run: Duration::ZERO,
        };
        let piloted = turn.pilot();
        site.measured.add(started.elapsed());
        turn.entry.measuring += started.elapsed();
        match piloted {
            Ok(()) => turns.push(turn),
            Err(loss) => finish(site, turn.entry, at, None, Some(loss)),
        }
    }
    let pace = Pace {
        slice: SLICE,
        least_slices: 3,
        patience: PATIENCE * at.patience,
        patience_runs: PATIENCE_RUNS * at.patience,
        goal: site.plan.uncertainty,
        together: at.patience > 1,
    };
    let started = Instant::now();
    let mut now = || site.elapsed();
    let series = measure_together(&mut turns, at.batch, pace, at.deadline, &mut now);
    site.measured.add(started.elapsed());
    let took = started.elapsed() / u32::try_from(turns.len().max(1)).unwrap_or(u32::MAX);
    for (turn, series) in turns.into_iter().zip(series) {
        turn.entry.measuring += took;
        finish(site, turn.entry, at, series.measurement, series.loss);
    }
}

/// Notes what came of a candidate at a batch, in the journal too.
fn finish(
    site: &Site<'_>,
    entry: &mut Entry,
    at: &AtBatch,
    measurement: Option<Measurement>,
    loss: Option<Loss>,
) {
    entry.note_memory();
    if matches!(loss, Some(Loss::Gone(_))) {
        entry.child = None;
    }
    let noted = Noted {
        measurement,
        failure: loss.map(Loss::into_reason),
        peak: entry.peak,
    };
    if let Some(key) = site.key(&kind(at), &entry.candidate, Some(&at.data)) {
        // What cannot be noted is done again after a kill; the run itself goes on.
        let _unnoted = site.journal.note(key, &noted);
    }
    keep(entry, at, noted);
}

fn keep(entry: &mut Entry, at: &AtBatch, noted: Noted) {
    entry.peak = entry.peak.or_more(noted.peak);
    if let Some(measurement) = noted.measurement {
        entry.note(measurement);
    }
    if let Some(failure) = noted.failure {
        let batch = at
            .batch
            .map_or_else(String::new, |batch| format!("batch {batch}: "));
        entry.end = Some(End::Failed(format!("{batch}{failure}")));
    }
}

fn recall(site: &Site<'_>, entry: &Entry, at: &AtBatch) -> Option<Noted> {
    site.journal
        .recall(site.key(&kind(at), &entry.candidate, Some(&at.data))?)
}

/// More patience gives another measurement, and so does another time.
fn kind(at: &AtBatch) -> String {
    format!("measure-{}-{}", at.patience, at.round)
}

fn microseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
