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
    /// How far the true median may be from the one found.
    pub goal: f64,
}

/// What became of a subject.
#[derive(Clone, Debug, PartialEq)]
pub struct Series<L> {
    /// What was measured, if anything.
    pub measurement: Option<Measurement>,
    /// What ended it early.
    pub loss: Option<L>,
}

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
            turn.is_settled |= is_settled(turn, batch, subject.instances(), pace);
        }
    }
    let series = subjects.iter().zip(turns).zip(losses);
    series
        .map(|((subject, turn), loss)| Series {
            measurement: summarize(&turn.slices, batch, subject.instances(), pace.goal),
            loss,
        })
        .collect()
}

fn is_settled(turn: &Turn, batch: Option<usize>, instances: usize, pace: Pace) -> bool {
    if turn.spent >= pace.patience {
        return true;
    }
    turn.slices.len() >= pace.least_slices
        && summarize(&turn.slices, batch, instances, pace.goal)
            .is_some_and(|measurement| !measurement.noisy)
}

#[cfg(test)]
mod tests;
