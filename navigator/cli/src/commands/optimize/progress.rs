//! What goes on, while it goes on: one display where somebody watches, plain lines where nobody does.

use std::time::{Duration, Instant};

use indicatif::ProgressBar;
use nav_navigator::optimize::{Event, Observer, Stage};

use crate::printer::Printer;

/// Tells what goes on.
pub(super) struct Progress {
    printer: Printer,
    started: Instant,
    display: ProgressBar,
    stage: &'static str,
}

impl Progress {
    /// A display that begins now, of what began then.
    pub(super) fn new(printer: Printer, started: Instant, budget: Duration) -> Self {
        Self {
            display: printer.time_bar(budget),
            printer,
            started,
            stage: "looking at the model",
        }
    }

    /// Takes the display away.
    pub(super) fn finish(&self) {
        self.display.finish_and_clear();
    }

    fn show(&self, text: &str) {
        let elapsed = self.started.elapsed();
        let position = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        self.display.set_position(position);
        self.display.set_message(format!("{}: {text}", self.stage));
    }

    /// On the display where somebody watches, in the log where nobody does.
    fn say(&self, text: &str) {
        if self.printer.is_watched() {
            self.show(text);
        } else {
            self.tell(text);
        }
    }

    /// A line for the log, above the display if there is one.
    fn tell(&self, text: &str) {
        let line = format!("{:6.2} s  {text}", self.started.elapsed().as_secs_f64());
        self.display.suspend(|| self.printer.note(&line));
    }
}

/// The stage in words.
pub(super) const fn words(stage: &Stage) -> &'static str {
    match stage {
        Stage::Reference => "running the untouched model",
        Stage::Correctness => "comparing outputs",
        Stage::First => "measuring every variant a little",
        Stage::Wave(_) => "trying settings on those that lead",
        Stage::Growth => "growing batches",
        Stage::Again => {
            "measuring again, as this machine is no longer as fast, or as slow, as before"
        }
        Stage::Largest => "comparing outputs at the largest batch",
        Stage::Settling => "measuring those that may be chosen once more",
        Stage::Serving => "measuring through the server's batching",
    }
}

impl Observer for Progress {
    fn event(&mut self, event: &Event) {
        match event {
            Event::Planned(_) | Event::Recorded(_) => {}
            Event::Stage(stage) => {
                self.stage = words(stage);
                match stage {
                    Stage::Wave(what) => self.tell(&format!("{} ({what})", self.stage)),
                    _ => self.tell(self.stage),
                }
                self.show("");
            }
            Event::Measuring {
                candidates, batch, ..
            } => {
                let batch = batch.map_or_else(String::new, |batch| format!(" at batch {batch}"));
                self.show(&format!("{candidates} variants{batch}"));
            }
            Event::Reference {
                variant,
                runner,
                is_independent,
                ..
            } => {
                let alone = if *is_independent {
                    ""
                } else {
                    "; no other runner's outputs are compared with it"
                };
                self.tell(&format!("{variant} on {runner} says what is right{alone}"));
            }
            Event::Checked {
                variant,
                runner,
                fault,
            } => match fault {
                Some(fault) => self.tell(&format!("{variant} on {runner} is out: {fault}")),
                None => self.say(&format!("{variant} on {runner} is right")),
            },
            Event::Measured {
                variant,
                runner,
                batch,
                measurement,
                failure,
            } => {
                let batch = batch.map_or_else(String::new, |batch| format!(", batch {batch}"));
                let found = measurement.map_or_else(String::new, |one| {
                    let spread = one.uncertainty.unwrap_or(1.0) * 100.0;
                    let median = one.latency.p50_ms;
                    format!(": {median:.3} ms ±{spread:.1}%, {:.0}/s", one.throughput)
                });
                let text = format!("{variant} on {runner}{batch}{found}");
                match failure {
                    Some(failure) => self.tell(&format!("{text}: {failure}")),
                    None => self.say(&text),
                }
            }
            Event::Dropped {
                variant,
                runner,
                reason,
            } => self.tell(&format!("{variant} on {runner} is out: {reason}")),
            Event::OutOfTime { skipped } => {
                self.tell(&format!("the time is up; left out: {skipped}"));
            }
        }
    }
}
