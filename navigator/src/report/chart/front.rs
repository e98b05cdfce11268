//! What is worth choosing at all: latency against throughput, with the front of what nothing else beats at both.

use nav_package_format::package::{Choice, Evaluation, Measurement, Percentile};

use super::batches::{about, look, numbers};
use super::labels::Room;
use super::marker::{marker, ring};
use super::path::{steps, straight};
use super::scale::Scale;
use super::series::{Drawn, is_drawable};
use super::shapes::{Chart, Frame, Label, Limit, Line, Mark, Ticks, round};
use crate::report::compare::is_chosen;
use crate::report::words::{batch, shortened};

const WIDTH: f64 = 1120.0;
const HEIGHT: f64 = 430.0;
const FRAME: Frame = Frame {
    left: 66.0,
    top: 30.0,
    right: 1096.0,
    bottom: 384.0,
};
const INSET: f64 = 14.0;
/// The most points that are drawn beside the front.
const MOST_POINTS: usize = 1500;

/// What latency is meant.
#[derive(Clone, Copy, Debug)]
pub(in crate::report) struct Axis {
    /// The percentile.
    pub(in crate::report) percentile: Percentile,
    /// The most that it may be, if there is a budget.
    pub(in crate::report) budget_ms: Option<f64>,
}

/// A variant at a batch.
#[derive(Clone, Copy, Debug)]
struct Point<'a> {
    evaluation: &'a Evaluation,
    measurement: &'a Measurement,
    latency: f64,
    eligible: bool,
    chosen: bool,
    x: f64,
    y: f64,
}

impl Point<'_> {
    /// Whether both are the same measurement.
    fn is(&self, other: &Self) -> bool {
        std::ptr::eq(self.measurement, other.measurement)
    }
}

/// Every variant at every batch, those on the front joined by steps.
pub(in crate::report) fn front(
    evaluations: &[Evaluation],
    drawn: &Drawn<'_>,
    choice: Option<&Choice>,
    axis: Axis,
) -> Option<Chart> {
    let mut points = points(evaluations, choice, axis.percentile);
    let scale = scales(&points, axis.budget_ms)?;
    for point in &mut points {
        point.x = scale.0.at(point.latency);
        point.y = scale.1.at(point.measurement.throughput);
    }
    let eligible: Vec<Point<'_>> = points.iter().copied().filter(|one| one.eligible).collect();
    let both: Vec<(f64, f64)> = eligible
        .iter()
        .map(|one| (one.latency, one.measurement.throughput))
        .collect();
    let on_front: Vec<Point<'_>> = unbeaten(&both).into_iter().map(|at| eligible[at]).collect();
    let path: Vec<(f64, f64)> = on_front.iter().map(|one| (one.x, one.y)).collect();
    // What was chosen may lie within the noise of the front, and beside it.
    let is_on_front = |point: &Point<'_>| on_front.iter().any(|one| one.is(point));
    let beside = points.iter().find(|one| one.chosen && !is_on_front(one));
    let told: Vec<Point<'_>> = beside.into_iter().chain(&on_front).copied().collect();
    let rest = points
        .iter()
        .filter(|point| !told.iter().any(|one| one.is(point)))
        .take(MOST_POINTS);
    let mut lines: Vec<Line> = rest.map(|point| line(point, drawn, "beaten")).collect();
    lines.push(Line {
        look: "front".to_owned(),
        path: steps(&path, FRAME.right),
        ..Line::default()
    });
    lines.extend(told.iter().rev().map(|point| line(point, drawn, "best")));
    let limit = axis.budget_ms.filter(|budget| scale.0.shows(*budget));
    Some(Chart {
        id: "front",
        title: format!("Throughput against {} latency", axis.percentile),
        summary: summary(&on_front),
        caption: caption(points.len(), choice.is_some()),
        width: WIDTH,
        height: HEIGHT,
        frame: FRAME,
        across: Some(Ticks::of(
            &scale.0,
            &format!("{} latency, ms for a batch", axis.percentile),
        )),
        upward: Some(Ticks::of(&scale.1, "samples per second")),
        lines,
        leaders: String::new(),
        labels: labels(&told, drawn),
        limit: limit.map(|budget| limit_at(scale.0.at(budget), budget)),
    })
}

fn points<'a>(
    evaluations: &'a [Evaluation],
    choice: Option<&Choice>,
    percentile: Percentile,
) -> Vec<Point<'a>> {
    let all = evaluations.iter().flat_map(|evaluation| {
        let eligible = evaluation.objection().is_none();
        let drawable = evaluation.measurements.iter();
        let drawable = drawable.filter(|measurement| is_drawable(measurement));
        drawable.map(move |measurement| Point {
            evaluation,
            measurement,
            latency: measurement.latency.at(percentile),
            eligible,
            chosen: is_chosen(choice, evaluation, measurement),
            x: 0.0,
            y: 0.0,
        })
    });
    let mut all: Vec<Point<'_>> = all
        .filter(|point| point.latency.is_finite() && point.latency > 0.0)
        .collect();
    // Where there are too many, those of most throughput are drawn; of equals the chosen one comes first.
    all.sort_by(|one, other| {
        let by_throughput = other
            .measurement
            .throughput
            .total_cmp(&one.measurement.throughput);
        by_throughput.then(other.chosen.cmp(&one.chosen))
    });
    all
}

/// Nothing for fewer than two points, between which there is nothing to weigh.
fn scales(points: &[Point<'_>], budget_ms: Option<f64>) -> Option<(Scale, Scale)> {
    let [first, _, ..] = points else {
        return None;
    };
    let latencies = || points.iter().map(|point| point.latency);
    let lowest = latencies().fold(f64::INFINITY, f64::min);
    let highest = latencies().fold(0.0, f64::max);
    // A budget is shown where it is near, not where it would squeeze all else to the side.
    let near = budget_ms.filter(|budget| *budget < 20.0 * highest && *budget > lowest / 20.0);
    let lowest = near.map_or(lowest, |budget| budget.min(lowest));
    let highest = near.map_or(highest, |budget| budget.max(highest));
    Some((
        Scale::decades(lowest, highest, (FRAME.left + INSET, FRAME.right - INSET)),
        Scale::from_zero(first.measurement.throughput, (FRAME.bottom, FRAME.top)),
    ))
}

/// Which of these pairs of latency and throughput nothing else beats at both, by latency. Of equal ones the
/// first is taken.
fn unbeaten(points: &[(f64, f64)]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..points.len()).collect();
    order.sort_by(|&one, &other| {
        let (one, other) = (points[one], points[other]);
        one.0.total_cmp(&other.0).then(other.1.total_cmp(&one.1))
    });
    let mut most = 0.0;
    order.retain(|&at| {
        let better = points[at].1 > most;
        if better {
            most = points[at].1;
        }
        better
    });
    order
}

fn line(point: &Point<'_>, drawn: &Drawn<'_>, kind: &str) -> Line {
    let own = drawn
        .series
        .iter()
        .find(|series| std::ptr::eq(series.evaluation, point.evaluation));
    let at = (point.x, point.y);
    let size = if kind == "best" { 4.5 } else { 3.2 };
    let (look, path, about) = match own {
        Some(series) => (
            format!("{} {kind}", look(series)),
            marker(series.place, at, size),
            about(series, point.measurement),
        ),
        None => (
            format!("other {kind}"),
            marker(0, at, size - 1.0),
            format!(
                "{} on {}{}",
                shortened(&point.evaluation.variant, 60),
                point.evaluation.runner,
                numbers(point.measurement)
            ),
        ),
    };
    Line {
        look,
        marks: vec![Mark {
            path,
            about,
            ring: point.chosen.then(|| ring(at, 10.0)),
        }],
        ..Line::default()
    }
}

/// Letter and batch beside the points, as far as there is room; the chosen one first.
fn labels(told: &[Point<'_>], drawn: &Drawn<'_>) -> Vec<Label> {
    let mut order: Vec<&Point<'_>> = told.iter().collect();
    order.sort_by_key(|point| !point.chosen);
    let mut taken: Vec<Room> = Vec::new();
    let mut labels = Vec::new();
    for point in order {
        let letter = drawn.letter(point.evaluation).map(String::from);
        let numbered = point.measurement.batch;
        let numbered = numbered.map(|_| format!("batch {}", batch(numbered)));
        let named = [letter, numbered].into_iter().flatten();
        let mut text = named.collect::<Vec<_>>().join(" ");
        if point.chosen {
            text.push_str(", chosen");
        }
        let (room, anchor) = room(point, &text);
        if text.is_empty() || taken.iter().any(|other| other.meets(&room)) {
            continue;
        }
        taken.push(room);
        labels.push(Label {
            x: round(if anchor == "end" {
                room.right
            } else {
                room.left
            }),
            y: round(room.bottom - 4.0),
            anchor,
            look: if point.chosen { "chosen" } else { "" }.to_owned(),
            text,
        });
    }
    labels
}

/// Up and to the left, where nothing that is better can be; down and to the right where there is no room.
#[expect(clippy::cast_precision_loss, reason = "texts are measured roughly")]
fn room(point: &Point<'_>, text: &str) -> (Room, &'static str) {
    let width = text.chars().count() as f64 * 7.0;
    let away = if point.chosen { 13.0 } else { 9.0 };
    let fits = point.x - away - width > FRAME.left && point.y - 20.0 > FRAME.top;
    let (left, bottom, anchor) = if fits {
        (point.x - away - width, point.y - 3.0, "end")
    } else {
        (point.x + away, point.y + 21.0, "start")
    };
    let room = Room {
        left,
        top: bottom - 14.0,
        right: left + width,
        bottom,
    };
    (room, anchor)
}

fn limit_at(x: f64, budget: f64) -> Limit {
    let roomy = x < FRAME.right - 140.0;
    Limit {
        path: straight((x, FRAME.top), (x, FRAME.bottom)),
        label: Label {
            x: round(if roomy { x + 6.0 } else { x - 6.0 }),
            y: FRAME.bottom - 8.0,
            anchor: if roomy { "start" } else { "end" },
            look: String::new(),
            text: format!("budget {budget} ms"),
        },
    }
}

fn summary(on_front: &[Point<'_>]) -> String {
    if on_front.is_empty() {
        return "No variant may be chosen, so there is no front.".to_owned();
    }
    let told = on_front.iter().map(|point| {
        format!(
            "{} on {}{}",
            shortened(&point.evaluation.variant, 60),
            point.evaluation.runner,
            numbers(point.measurement)
        )
    });
    let told: Vec<String> = told.collect();
    format!("On the front, by latency: {}.", told.join("; "))
}

fn caption(points: usize, chosen: bool) -> String {
    let ring = if chosen {
        " The ring is what was chosen."
    } else {
        ""
    };
    let cut = if points > MOST_POINTS {
        format!(" Of {points} points those of most throughput are drawn.")
    } else {
        String::new()
    };
    format!(
        "Up and to the left is better. Steps join what nothing else beats at both; pale points are beaten, \
         or may not be chosen.{ring}{cut}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nothing_beats_at_both_is_on_the_front() {
        let check = |points: &[(f64, f64)], expected: &[usize]| {
            assert_eq!(unbeaten(points), expected, "{points:?}");
        };
        check(&[], &[]);
        check(&[(1.0, 5.0)], &[0]);
        check(&[(2.0, 9.0), (1.0, 5.0), (3.0, 8.0)], &[1, 0]);
        check(&[(1.0, 5.0), (1.0, 6.0), (1.0, 6.0)], &[1]);
        check(&[(1.0, 5.0), (2.0, 5.0)], &[0]);
    }

    #[test]
    fn a_budget_far_away_does_not_squeeze_the_points() {
        let evaluation = Evaluation::default();
        let measurement = Measurement {
            throughput: 10.0,
            ..Measurement::default()
        };
        let points = [1.0, 4.0].map(|latency| Point {
            evaluation: &evaluation,
            measurement: &measurement,
            latency,
            eligible: true,
            chosen: false,
            x: 0.0,
            y: 0.0,
        });
        let check = |budget: Option<f64>, shown: f64, expected: bool| {
            let (across, _) = scales(&points, budget).unwrap();
            assert_eq!(across.shows(shown), expected);
        };
        check(None, 20.0, false);
        check(Some(20.0), 20.0, true);
        check(Some(2000.0), 2000.0, false);
        assert!(scales(&[], Some(1.0)).is_none());
    }
}
