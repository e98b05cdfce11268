//! Rounds: candidates take turns in small slices of time, A B C A B C, so that what disturbs the machine disturbs
//! all of them alike.

use std::time::Duration;

use nav_package_format::package::Measurement;

use super::summary::summarize;

/// What is measured.
pub trait Subject {
    /// Why a slice gave nothing.
    type Loss;

    /// Runs for about this long, after warming up, and gives the latency of each run in milliseconds.
    fn slice(&mut self, length: Duration) -> Result<Vec<f64>, Self::Loss>;

    /// How many sessions run side by side.
    fn instances(&self) -> usize;

    /// How long one run takes, as far as is known.
    fn run(&self) -> Duration;
}

/// How measuring goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// How long a slice is.
    pub slice: Duration,
    /// The fewest slices of each.
    pub least_slices: usize,
    /// The most time that each may take; what is not settled then is noisy.
    pub patience: Duration,
    /// The same in runs, for those that take long.
    pub patience_runs: u32,
    /// How far the true median may be from the one found.
    pub goal: f64,
    /// Whether everyone goes on until all are settled, so that even a lasting change of the machine hits all
    /// of them alike.
    pub together: bool,
}

/// What became of a subject.
#[derive(Clone, Debug, PartialEq)]
pub struct Series<L> {
    /// What was measured, if anything.
    pub measurement: Option<Measurement>,
    /// What ended it early.
    pub loss: Option<L>,
}

/// How many times worse than the best a subject is at everything when it gets no more slices, and how many slices
/// tell that.
const FAR_WORSE: [(f64, usize); 2] = [(4.0, 1), (1.5, 2)];

struct Turn {
    slices: Vec<Vec<f64>>,
    spent: Duration,
    is_settled: bool,
}

/// Measures subjects together at one batch, until each is settled or out of patience, or `deadline` has come.
/// `now` is the clock. Everyone gets at least one slice, so that there is a number however short the time.
pub fn measure_together<S: Subject>(
    subjects: &mut [S],
    batch: Option<usize>,
    pace: Pace,
    deadline: Duration,
    now: &mut dyn FnMut() -> Duration,
) -> Vec<Series<S::Loss>> {
    let mut losses: Vec<Option<S::Loss>> = subjects.iter().map(|_| None).collect();
    let mut turns: Vec<Turn> = subjects
        .iter()
        .map(|_| Turn {
            slices: Vec::new(),
            spent: Duration::ZERO,
            is_settled: false,
        })
        .collect();
    while turns.iter().any(|turn| !turn.is_settled) {
        for ((subject, turn), loss) in subjects.iter_mut().zip(&mut turns).zip(&mut losses) {
            if turn.is_settled {
                continue;
            }
            let started = now();
            if started >= deadline && !turn.slices.is_empty() {
                turn.is_settled = true;
                continue;
            }
            match subject.slice(pace.slice) {
                Ok(latencies) => turn.slices.push(latencies),
                Err(lost) => {
                    *loss = Some(lost);
                    turn.is_settled = true;
                }
            }
            turn.spent += now().saturating_sub(started);
            turn.is_settled |= !pace.together && is_settled(turn, batch, subject, pace);
        }
        if pace.together {
            let mut pairs = subjects
                .iter()
                .zip(&turns)
                .filter(|(_, turn)| !turn.is_settled);
            if pairs.all(|(subject, turn)| is_settled(turn, batch, subject, pace)) {
                for turn in &mut turns {
                    turn.is_settled = true;
                }
            }
        }
        settle_far_worse(subjects, &mut turns, batch, pace.goal);
    }
    let series = subjects.iter().zip(turns).zip(losses);
    series
        .map(|((subject, turn), loss)| Series {
            measurement: summarize(&turn.slices, batch, subject.instances(), pace.goal),
            loss,
        })
        .collect()
}

fn is_settled<S: Subject>(turn: &Turn, batch: Option<usize>, subject: &S, pace: Pace) -> bool {
    if turn.spent >= pace.patience.max(subject.run() * pace.patience_runs) {
        return true;
    }
    turn.slices.len() >= pace.least_slices
        && summarize(&turn.slices, batch, subject.instances(), pace.goal)
            .is_some_and(|measurement| !measurement.noisy)
}

/// Nobody needs to know exactly how bad the worst are.
fn settle_far_worse<S: Subject>(
    subjects: &[S],
    turns: &mut [Turn],
    batch: Option<usize>,
    goal: f64,
) {
    let found: Vec<Option<Measurement>> = subjects
        .iter()
        .zip(&*turns)
        .map(|(subject, turn)| summarize(&turn.slices, batch, subject.instances(), goal))
        .collect();
    let measured = || found.iter().flatten();
    let most = measured().map(|one| one.throughput).fold(0.0, f64::max);
    let least = measured()
        .map(|one| one.latency.p50_ms)
        .fold(f64::INFINITY, f64::min);
    for (turn, found) in turns.iter_mut().zip(&found) {
        turn.is_settled |= FAR_WORSE.iter().any(|&(times, slices)| {
            turn.slices.len() >= slices
                && found.is_some_and(|one| {
                    one.throughput * times < most && one.latency.p50_ms > least * times
                })
        });
    }
}

#[cfg(test)]
mod tests;
