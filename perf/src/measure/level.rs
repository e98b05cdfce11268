//! What came of one load.

use std::time::Duration;

use super::settle::{Slice, Uncertainty};
use crate::describe::ServerSide;
use crate::drive::flow::Report;
use crate::failure::Failure;
use crate::host::ProcessUse;
use crate::load::Load;
use crate::tally::{FailureTally, Latencies, Tally};

/// The part of a thread's time above which it is what limits.
const BUSY: f64 = 0.9;
/// How late nearly all requests of an open load may be sent.
const LATE: Duration = Duration::from_millis(1);
/// The part of an open load that must have been sent in time.
const IN_TIME: f64 = 0.98;

/// What came of a load.
#[derive(Clone, Debug)]
pub struct Level {
    /// The load.
    pub load: Load,
    /// How long it was measured.
    pub elapsed: Duration,
    /// Latencies of requests that were answered: of an open load from when they were due.
    pub latencies: Latencies,
    /// Of requests with several responses, the times to the first.
    pub first: Latencies,
    /// Requests that were sent.
    pub sent: u64,
    /// Requests that were answered while it was measured, a second.
    pub throughput: f64,
    /// Responses a second, of which a request may get several.
    pub responses: f64,
    /// Failures by kind.
    pub failures: Vec<(Failure, FailureTally)>,
    /// Requests that were under way when nobody waited any more.
    pub abandoned: u64,
    /// How sure it is.
    pub uncertainty: Uncertainty,
    /// Why it ended.
    pub ended: Ended,
    /// What the generator took.
    pub generator: Generator,
    /// What the server says of the time between.
    pub server: Option<ServerSide>,
    /// What the server's process took.
    pub process: Option<ProcessUse>,
    /// From the beginning to the last answer.
    pub until_last: Duration,
}

/// Why a measurement ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was sure enough.
    Sure,
    /// Time was over, and it was as sure as it should be or did not have to be.
    TimeOver,
    /// Time was over, and it was less sure than it should be.
    Unsure,
    /// Someone ended it.
    Interrupted,
}

/// What the generator took, and whether it is what limits.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Generator {
    /// Its threads.
    pub threads: usize,
    /// The part of the time that its busiest thread was on a processor.
    pub busy: f64,
    /// The part of the time that this thread waited for a processor.
    pub starved: f64,
    /// How late 99 in 100 requests of an open load were sent at most, though there was a connection.
    pub late: Duration,
    /// Requests of an open load that had no connection when they were due.
    pub held_back: u64,
    /// What of the measurement is the generator's and not the server's.
    pub limit: Option<Limit>,
}

/// How a generator limits what it measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// A thread of it has no time left.
    Busy,
    /// A thread of it gets no processor.
    Starved,
    /// Requests were sent late.
    Late,
    /// Requests waited for a connection.
    Connections,
}

/// What is gathered of a level.
#[derive(Debug)]
pub(super) struct Gathered {
    load: Load,
    threads: usize,
    tally: Tally,
    tail: Tally,
    sent: u64,
    late: Latencies,
    held_back: u64,
    busy: Vec<Duration>,
    starved: Vec<Duration>,
    abandoned: u64,
    until_last: Duration,
    pub(super) slices: Vec<Slice>,
}

impl Gathered {
    pub(super) fn new(load: Load, threads: usize) -> Self {
        Self {
            load,
            threads,
            tally: Tally::default(),
            tail: Tally::default(),
            sent: 0,
            late: Latencies::default(),
            held_back: 0,
            busy: vec![Duration::ZERO; threads],
            starved: vec![Duration::ZERO; threads],
            abandoned: 0,
            until_last: Duration::ZERO,
            slices: Vec::new(),
        }
    }

    /// Adds a slice: the reports of all threads on the same time.
    pub(super) fn slice(&mut self, reports: &[Report], window: Duration) {
        let mut all = Tally::default();
        for report in reports {
            all.add(&report.tally);
            self.note(report);
            let of_thread = self.busy.get_mut(report.thread);
            if let Some((busy, starved)) = of_thread.zip(self.starved.get_mut(report.thread)) {
                *busy += report.used.busy;
                *starved += report.used.starved;
            }
        }
        self.slices.push(Slice {
            rate: as_float(all.answered.count()) / window.as_secs_f64(),
            p50: all.answered.quantile(0.5),
            p99: all.answered.quantile(0.99),
        });
        self.tally.add(&all);
    }

    /// Adds what happened after the end.
    pub(super) fn tail(&mut self, report: &Report) {
        self.tail.add(&report.tally);
        self.note(report);
    }

    fn note(&mut self, report: &Report) {
        self.sent += report.sent;
        self.late.add(&report.late);
        self.held_back += report.held_back;
        self.abandoned += report.abandoned;
        self.until_last = self.until_last.max(report.last_answer);
    }

    pub(super) fn level(
        mut self,
        window: Duration,
        ended: Ended,
        (server, process): (Option<ServerSide>, Option<ProcessUse>),
    ) -> Level {
        let slices = u32::try_from(self.slices.len()).unwrap_or(u32::MAX);
        let elapsed = window.saturating_mul(slices);
        let seconds = elapsed.as_secs_f64().max(f64::MIN_POSITIVE);
        let throughput = as_float(self.tally.answered.count()) / seconds;
        let responses = as_float(self.tally.responses) / seconds;
        let generator = self.generator(elapsed);
        // What was asked before the end and answered after it is no throughput, but what a stall at the end is seen by.
        self.tally.add(&self.tail);
        Level {
            load: self.load,
            elapsed,
            latencies: self.tally.answered,
            first: self.tally.first,
            sent: self.sent,
            throughput,
            responses,
            failures: self.tally.failures.into_iter().collect(),
            abandoned: self.abandoned,
            uncertainty: Uncertainty::of(&self.slices),
            ended,
            generator,
            server,
            process,
            until_last: self.until_last,
        }
    }

    fn generator(&self, elapsed: Duration) -> Generator {
        let seconds = elapsed.as_secs_f64().max(f64::MIN_POSITIVE);
        let both = self.busy.iter().zip(&self.starved);
        let (busy, starved) = both
            .max_by_key(|(busy, starved)| **busy + **starved)
            .map_or((0.0, 0.0), |(busy, starved)| {
                (
                    busy.as_secs_f64() / seconds,
                    starved.as_secs_f64() / seconds,
                )
            });
        let mut generator = Generator {
            threads: self.threads,
            busy,
            starved,
            late: self.late.quantile(0.99),
            held_back: self.held_back,
            limit: None,
        };
        generator.limit = self.limit(&generator);
        generator
    }

    fn limit(&self, generator: &Generator) -> Option<Limit> {
        let sent = as_float(self.sent).max(1.0);
        if generator.busy + generator.starved >= BUSY {
            let starves = generator.starved > generator.busy;
            return Some(if starves { Limit::Starved } else { Limit::Busy });
        }
        let Load::Open { .. } = self.load else {
            return None;
        };
        if as_float(self.held_back) / sent > 1.0 - IN_TIME {
            return Some(Limit::Connections);
        }
        (self.late.quantile(IN_TIME) > LATE).then_some(Limit::Late)
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
const fn as_float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drive::talk::Reply;
    use crate::failure::Failed;
    use crate::load::Arrivals;

    const WINDOW: Duration = Duration::from_millis(100);

    fn open() -> Load {
        Load::Open {
            rate: 100.0,
            arrivals: Arrivals::Constant,
            connections: 4,
        }
    }

    /// A report of requests that were answered after so many milliseconds.
    fn report(milliseconds: &[u64]) -> Report {
        let mut report = Report {
            sent: milliseconds.len() as u64,
            ..Report::default()
        };
        for one in milliseconds {
            report.tally.answered.record(Duration::from_millis(*one));
            report.tally.responses += u64::from(Reply::answered().responses);
        }
        report
    }

    fn level(load: Load, slices: &[Report], tail: &Report) -> Level {
        let mut gathered = Gathered::new(load, 1);
        for slice in slices {
            gathered.slice(std::slice::from_ref(slice), WINDOW);
        }
        gathered.tail(tail);
        gathered.level(WINDOW, Ended::TimeOver, (None, None))
    }

    #[test]
    fn what_an_open_load_waits_for_at_the_end_is_part_of_it() {
        let slices = [report(&[1, 1, 1]), report(&[])];
        let stalled = level(open(), &slices, &report(&[900, 800, 700]));
        assert_eq!(stalled.latencies.count(), 6);
        assert!(stalled.latencies.max() > Duration::from_millis(890));
        // What was answered after the end is no throughput.
        assert!((stalled.throughput - 15.0).abs() < 1e-9);
    }

    #[test]
    fn a_closed_load_tells_of_a_server_that_stalls_before_the_end() {
        let slices = [report(&[1, 1, 1]), report(&[])];
        let stalled = level(
            Load::Closed { concurrency: 2 },
            &slices,
            &report(&[900, 901]),
        );
        assert!(stalled.latencies.max() > Duration::from_millis(890));
        assert_eq!(stalled.latencies.count(), 5);
        assert!((stalled.throughput - 15.0).abs() < 1e-9);
    }

    #[test]
    fn a_model_that_is_slower_than_the_measurement_still_has_a_result() {
        let load = Load::Closed { concurrency: 1 };
        let level = level(load, &[report(&[]), report(&[])], &report(&[5000]));
        assert_eq!(level.latencies.count(), 1);
        assert_eq!(level.uncertainty, Uncertainty::default());
    }

    #[test]
    fn failures_after_the_end_are_counted() {
        let mut tail = report(&[]);
        let failed = Failed::new(Failure::TimedOut, "");
        tail.tally.failed(failed, Duration::from_secs(1));
        let level = level(Load::Closed { concurrency: 1 }, &[report(&[1])], &tail);
        assert_eq!(level.failures.len(), 1);
    }

    #[test]
    fn a_generator_says_when_it_is_what_limits() {
        let check = |load: Load, change: fn(&mut Report), expected: Option<Limit>| {
            let mut slice = report(&[1; 10]);
            change(&mut slice);
            let found = level(load, &[slice], &Report::default());
            assert_eq!(found.generator.limit, expected);
        };
        let closed = Load::Closed { concurrency: 1 };
        check(closed, |_| (), None);
        check(open(), |_| (), None);
        check(
            closed,
            |it| it.used.busy = Duration::from_millis(95),
            Some(Limit::Busy),
        );
        check(
            closed,
            |it| it.used.starved = Duration::from_millis(95),
            Some(Limit::Starved),
        );
        check(
            open(),
            |it| it.late.record(Duration::from_millis(5)),
            Some(Limit::Late),
        );
        check(open(), |it| it.held_back = 9, Some(Limit::Connections));
    }
}
