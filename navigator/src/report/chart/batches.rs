//! Throughput and latency against the batch.

use nav_package_format::package::{Choice, Measurement};

use super::labels::spread;
use super::marker::{marker, ring};
use super::path::{straight, through, upright};
use super::scale::Scale;
use super::series::{Drawn, Series, interval};
use super::shapes::{Chart, Frame, Label, Line, Mark, Ticks, round};
use crate::report::compare::{busiest, is_chosen, milliseconds};
use crate::report::words::{batch, per_second, shortened, spread as spread_of};

const WIDTH: f64 = 560.0;
const HEIGHT: f64 = 360.0;
const FRAME: Frame = Frame {
    left: 58.0,
    top: 30.0,
    right: 424.0,
    bottom: 314.0,
};
/// How far points stay from the edges of the frame.
const INSET: f64 = 14.0;
/// How much room a line of text takes.
const TEXT: f64 = 14.0;
/// How far out markers go.
const MARKER: f64 = 4.0;
/// How far apart the points of different series are at the same batch, so that their bars can be told apart.
const ASIDE: f64 = 3.0;

/// A point of a series on paper.
type Placed<'a> = (f64, f64, &'a Measurement);

/// Samples in a second against the batch, with what they may truly be.
pub(in crate::report) fn throughput_by_batch(drawn: &Drawn<'_>, choice: Option<&Choice>) -> Chart {
    let across = across(drawn);
    let upward = Scale::from_zero(drawn.highest_throughput(), (FRAME.bottom, FRAME.top));
    let lines = drawn.series.iter().map(|series| {
        let placed = placed(series, |point| {
            let at = across.at(batch_of(point)?);
            Some((at, upward.at(point.throughput)))
        });
        let intervals = placed
            .iter()
            .filter(|(_, _, point)| point.uncertainty.is_some());
        let intervals = intervals.map(|(x, _, point)| {
            let (low, high) = interval(point, point.throughput);
            upright(*x, (upward.at(low), upward.at(high)), 4.0)
        });
        Line {
            intervals: intervals.collect(),
            ..line(series, &placed, choice)
        }
    });
    let lines: Vec<Line> = lines.collect();
    let (leaders, labels) = labels(drawn, |point| {
        Some((across.at(batch_of(point)?), upward.at(point.throughput)))
    });
    Chart {
        id: "throughput",
        title: "Throughput against batch".to_owned(),
        summary: summary(drawn),
        caption: format!("Higher is better. {}", drawn.about_intervals("Bars")),
        width: WIDTH,
        height: HEIGHT,
        frame: FRAME,
        across: Some(Ticks::of(&across, "batch")),
        upward: Some(Ticks::of(&upward, "samples per second")),
        lines,
        leaders,
        labels,
        limit: None,
    }
}

/// The median latency against the batch, with the 99th percentile above it.
pub(in crate::report) fn latency_by_batch(drawn: &Drawn<'_>, choice: Option<&Choice>) -> Chart {
    let across = across(drawn);
    let lowest = drawn
        .points()
        .map(|point| interval(point, point.latency.p50_ms).0);
    let lowest = lowest
        .filter(|low| *low > 0.0)
        .fold(f64::INFINITY, f64::min);
    let highest = drawn.points().map(top).fold(0.0, f64::max);
    let upward = Scale::decades(lowest, highest, (FRAME.bottom, FRAME.top));
    let aside = |series: &Series<'_>| aside(series.place, drawn.series.len());
    let lines = drawn.series.iter().map(|series| {
        let placed = placed(series, |point| {
            let at = across.at(batch_of(point)?) + aside(series);
            Some((at, upward.at(point.latency.p50_ms)))
        });
        let stems = placed.iter().map(|(x, y, point)| {
            let end = upward.at(top(point));
            let cap = straight((x - 3.0, end), (x + 3.0, end));
            format!("{}{cap}", straight((*x, *y), (*x, end)))
        });
        Line {
            stems: stems.collect(),
            ..line(series, &placed, choice)
        }
    });
    let lines: Vec<Line> = lines.collect();
    let (leaders, labels) = labels(drawn, |point| {
        Some((across.at(batch_of(point)?), upward.at(point.latency.p50_ms)))
    });
    Chart {
        id: "latency",
        title: "Latency against batch".to_owned(),
        summary: summary(drawn),
        caption:
            "Lower is better. Markers are medians (p50); thin bars reach up to p99. The scale is \
                  logarithmic."
                .to_owned(),
        width: WIDTH,
        height: HEIGHT,
        frame: FRAME,
        across: Some(Ticks::of(&across, "batch")),
        upward: Some(Ticks::of(&upward, "ms for a batch")),
        lines,
        leaders,
        labels,
        limit: None,
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a batch is drawn to a tenth of a unit"
)]
fn batch_of(point: &Measurement) -> Option<f64> {
    point.batch.map(|batch| batch as f64)
}

/// The 99th percentile, or the median where it makes no sense.
fn top(point: &Measurement) -> f64 {
    let latency = &point.latency;
    if latency.p99_ms.is_finite() {
        latency.p99_ms.max(latency.p50_ms)
    } else {
        latency.p50_ms
    }
}

fn across(drawn: &Drawn<'_>) -> Scale {
    let batches = || drawn.points().filter_map(batch_of);
    let lowest = batches().fold(f64::INFINITY, f64::min);
    let highest = batches().fold(1.0, f64::max);
    Scale::doublings(
        lowest.min(highest),
        highest,
        (FRAME.left + INSET, FRAME.right - INSET),
    )
}

#[expect(
    clippy::cast_precision_loss,
    reason = "there are fewer series than shapes"
)]
fn aside(place: usize, count: usize) -> f64 {
    (place as f64 - (count as f64 - 1.0) / 2.0) * ASIDE
}

fn placed<'a>(
    series: &Series<'a>,
    place: impl Fn(&Measurement) -> Option<(f64, f64)>,
) -> Vec<Placed<'a>> {
    let points = series.points.iter();
    points
        .filter_map(|point| place(point).map(|(x, y)| (x, y, *point)))
        .collect()
}

/// What any chart shows of a series.
fn line(series: &Series<'_>, placed: &[Placed<'_>], choice: Option<&Choice>) -> Line {
    let marks = placed.iter().map(|&(x, y, point)| {
        let chosen = is_chosen(choice, series.evaluation, point);
        Mark {
            path: marker(series.place, (x, y), MARKER),
            about: about(series, point),
            ring: chosen.then(|| ring((x, y), 2.3 * MARKER)),
        }
    });
    let points: Vec<(f64, f64)> = placed.iter().map(|&(x, y, _)| (x, y)).collect();
    Line {
        look: look(series),
        path: through(&points),
        marks: marks.collect(),
        ..Line::default()
    }
}

/// How a series looks.
pub(super) fn look(series: &Series<'_>) -> String {
    let rejected = if series.eligible { "" } else { " rejected" };
    format!("s{}{rejected}", series.place)
}

/// All that is to be said of a point.
pub(super) fn about(series: &Series<'_>, point: &Measurement) -> String {
    let evaluation = series.evaluation;
    format!(
        "{} {} on {}{}",
        series.letter,
        shortened(&evaluation.variant, 60),
        evaluation.runner,
        numbers(point)
    )
}

/// The numbers of a point.
pub(super) fn numbers(point: &Measurement) -> String {
    let at = match point.batch {
        Some(_) => format!(", batch {}", batch(point.batch)),
        None => String::new(),
    };
    let spread = spread_of(point).map(|spread| format!(" {spread}"));
    format!(
        "{at}: {}/s{}, p50 {} ms, p99 {} ms",
        per_second(point.throughput),
        spread.unwrap_or_default(),
        milliseconds(point.latency.p50_ms),
        milliseconds(point.latency.p99_ms)
    )
}

/// The name of a series where there is little room.
pub(super) fn short_name(series: &Series<'_>, most: usize) -> String {
    let name = shortened(&series.evaluation.variant, most);
    format!("{} {name}", series.letter)
}

/// What there is to see, for those who do not see it.
pub(super) fn summary(drawn: &Drawn<'_>) -> String {
    let bests = drawn.series.iter().filter_map(|series| {
        let best = busiest(series.evaluation)?;
        Some(format!("{}.", about(series, best)))
    });
    let bests: Vec<String> = bests.collect();
    format!("Each variant at its best throughput: {}", bests.join(" "))
}

/// Names beside the last point of each series, with lines that lead to them.
fn labels(
    drawn: &Drawn<'_>,
    place: impl Fn(&Measurement) -> Option<(f64, f64)>,
) -> (String, Vec<Label>) {
    let ends: Vec<(&Series<'_>, (f64, f64))> = drawn
        .series
        .iter()
        .filter_map(|series| {
            let last = series.points.iter().rev().find_map(|point| place(point))?;
            Some((series, last))
        })
        .collect();
    let wanted: Vec<f64> = ends.iter().map(|(_, (_, y))| *y).collect();
    let places = spread(&wanted, TEXT, (FRAME.top + 4.0, FRAME.bottom - 4.0));
    let x = FRAME.right + 10.0;
    let mut leaders = String::new();
    let labels = ends.iter().zip(places).map(|((series, (end, y)), place)| {
        leaders.push_str(&straight((end + 7.0, *y), (x - 3.0, place)));
        Label {
            x,
            y: round(place + 4.0),
            anchor: "start",
            look: look(series),
            text: short_name(series, 17),
        }
    });
    let labels = labels.collect();
    (leaders, labels)
}
