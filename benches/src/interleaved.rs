//! Times of several things that are done in turns, so that a busy moment hits all of them.

use std::time::{Duration, Instant};

use criterion::Criterion;

/// Something to be timed, by its name.
pub type Subject<'a> = (&'a str, Box<dyn FnMut() + 'a>);

/// How long to take.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Turns that each subject gets.
    pub rounds: usize,
    /// Calls in one turn, which are timed together.
    pub calls: u32,
}

/// The median time of one call of each subject, in nanoseconds, in their order.
pub fn medians(subjects: &mut [Subject<'_>], effort: Effort) -> Vec<(String, f64)> {
    let mut times = vec![Vec::with_capacity(effort.rounds); subjects.len()];
    // The first turn warms caches and arenas and does not count.
    for round in 0..=effort.rounds {
        for ((_, subject), times) in subjects.iter_mut().zip(&mut times) {
            let time = turn(subject, effort.calls);
            if round > 0 {
                times.push(time);
            }
        }
    }
    let names = subjects.iter().map(|(name, _)| (*name).to_owned());
    names.zip(times.into_iter().map(median)).collect()
}

/// Has Criterion time them too, one after the other, as a group of this name.
pub fn with_criterion(name: &str, subjects: &mut [Subject<'_>]) {
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group(name);
    for (name, subject) in subjects {
        group.bench_function(*name, |bencher| bencher.iter(&mut *subject));
    }
    group.finish();
    criterion.final_summary();
}

fn turn(subject: &mut dyn FnMut(), calls: u32) -> Duration {
    let start = Instant::now();
    for _ in 0..calls {
        subject();
    }
    start.elapsed() / calls
}

#[expect(
    clippy::cast_precision_loss,
    reason = "nanoseconds of one call are far below 2^52"
)]
fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    let middle = times.get(times.len() / 2).copied();
    middle.unwrap_or_default().as_nanos() as f64
}
