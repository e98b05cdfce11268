use std::cell::RefCell;
use std::rc::Rc;

use super::*;

/// What happened, in order, and what time it is.
#[derive(Default)]
struct World {
    now: Duration,
    turns: String,
}

/// A subject whose latencies are scripted.
struct Scripted {
    name: char,
    world: Rc<RefCell<World>>,
    /// The latency of each run of a slice, by the slice's number.
    latency: Box<dyn Fn(usize) -> Option<f64>>,
    slices: usize,
}

impl Subject for Scripted {
    type Loss = &'static str;

    fn slice(&mut self, length: Duration) -> Result<Vec<f64>, &'static str> {
        let mut world = self.world.borrow_mut();
        world.turns.push(self.name);
        world.now += length;
        self.slices += 1;
        let latency = (self.latency)(self.slices).ok_or("out of memory")?;
        Ok(vec![latency; 10])
    }

    fn instances(&self) -> usize {
        1
    }

    fn run(&self) -> Duration {
        Duration::ZERO
    }
}

const PACE: Pace = Pace {
    slice: Duration::from_millis(5),
    least_slices: 3,
    patience: Duration::from_millis(50),
    patience_runs: 0,
    goal: 0.02,
    together: false,
};

type Script = fn(usize) -> Option<f64>;

fn run(scripts: &[(char, Script)], deadline_ms: u64) -> (String, Vec<Series<&'static str>>) {
    run_at(PACE, scripts, deadline_ms)
}

fn run_at(
    pace: Pace,
    scripts: &[(char, Script)],
    deadline_ms: u64,
) -> (String, Vec<Series<&'static str>>) {
    let world = Rc::new(RefCell::new(World::default()));
    let mut subjects: Vec<Scripted> = scripts
        .iter()
        .map(|&(name, latency)| Scripted {
            name,
            world: Rc::clone(&world),
            latency: Box::new(latency),
            slices: 0,
        })
        .collect();
    let clock = Rc::clone(&world);
    let mut now = move || clock.borrow().now;
    let deadline = Duration::from_millis(deadline_ms);
    let series = measure_together(&mut subjects, Some(1), pace, deadline, &mut now);
    let turns = world.borrow().turns.clone();
    (turns, series)
}

#[test]
fn candidates_take_turns_and_the_settled_ones_stop() {
    let noisy: Script = |slice| Some(if slice % 2 == 0 { 1.0 } else { 1.5 });
    let (turns, series) = run(&[('a', |_| Some(1.0)), ('b', noisy)], 1000);
    assert_eq!(turns, "ababab".to_owned() + &"b".repeat(7));
    let is_noisy: Vec<bool> = series
        .iter()
        .map(|one| one.measurement.unwrap().noisy)
        .collect();
    assert_eq!(is_noisy, [false, true]);
}

#[test]
fn what_fails_keeps_what_was_measured_and_the_others_go_on() {
    let fails: Script = |slice| (slice < 2).then_some(2.0);
    let (turns, series) = run(&[('a', fails), ('b', |_| Some(1.0))], 1000);
    assert_eq!(turns, "ababb");
    assert_eq!(series[0].loss, Some("out of memory"));
    assert_eq!(series[0].measurement.unwrap().requests, 10);
    assert_eq!(series[1].loss, None);
}

#[test]
fn who_is_far_worse_than_the_best_gets_no_more_slices() {
    let (turns, series) = run(
        &[
            ('a', |slice| Some(if slice % 2 == 0 { 1.0 } else { 1.1 })),
            ('b', |_| Some(2.0)),
        ],
        1000,
    );
    assert!(turns.starts_with("ababaa"), "{turns}");
    assert_eq!(series[1].measurement.unwrap().requests, 20);
}

#[test]
fn when_the_time_is_up_everyone_has_had_a_slice() {
    let (turns, series) = run(&[('a', |_| Some(1.0)), ('b', |_| Some(1.0))], 3);
    assert_eq!(turns, "ab");
    assert!(series.iter().all(|one| one.measurement.is_some()));
    let lost: Script = |_| None;
    let (_, series) = run(&[('a', lost)], 1000);
    assert_eq!(series[0].measurement, None);
}

/// The machine gets slower and slower; both candidates get slower alike.
#[test]
fn drift_leaves_the_ratio_as_it_is() {
    let together = Pace {
        together: true,
        ..PACE
    };
    let (_, series) = run_at(
        together,
        &[
            ('a', |slice| {
                Some(1.0 + 0.02 * f64::from(u32::try_from(slice).unwrap()))
            }),
            ('b', |slice| {
                Some(1.2 + 0.024 * f64::from(u32::try_from(slice).unwrap()))
            }),
        ],
        1000,
    );
    let p50 = |index: usize| series[index].measurement.unwrap().latency.p50_ms;
    assert!((p50(1) / p50(0) - 1.2).abs() < 0.02);
}
