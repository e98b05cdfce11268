//! Latency against throughput, and throughput against what was asked: how a server goes under load.

use super::marker::marker;
use super::path::{straight, through, upright};
use super::scale::Scale;
use super::shapes::{Chart, Frame, Label, Line, Mark, Ticks, round};
use crate::report::compare::milliseconds;
use crate::report::load::LoadPoint;
use crate::report::words::per_second;

const WIDTH: f64 = 560.0;
const HEIGHT: f64 = 360.0;
const FRAME: Frame = Frame {
    left: 58.0,
    top: 30.0,
    right: 524.0,
    bottom: 314.0,
};
/// How far points stay from the edges of the frame.
const INSET: f64 = 14.0;
/// How far out markers go.
const MARKER: f64 = 4.0;

/// A percentile that is drawn: what it is called, and where it is in a point.
type Percentile = (&'static str, fn(&LoadPoint) -> f64);

/// The percentiles that are drawn, each with a look of its own.
const PERCENTILES: [Percentile; 3] = [
    ("p50", |point| point.p50_ms),
    ("p90", |point| point.p90_ms),
    ("p99", |point| point.p99_ms),
];

/// Latency against throughput, a line for each percentile.
pub(in crate::report) fn latency_by_throughput(points: &[LoadPoint]) -> Chart {
    let highest = points.iter().map(|point| point.throughput);
    let across = Scale::from_zero(
        highest.fold(0.0, f64::max),
        (FRAME.left, FRAME.right - INSET),
    );
    let all = || {
        points
            .iter()
            .flat_map(|it| PERCENTILES.map(|(_, of)| of(it)))
    };
    let lowest = all().filter(|it| *it > 0.0).fold(f64::INFINITY, f64::min);
    let highest = all().fold(0.0, f64::max);
    let upward = Scale::decades(lowest.min(highest), highest, (FRAME.bottom, FRAME.top));
    let lines = PERCENTILES.iter().enumerate().map(|(place, (name, of))| {
        let at = |point: &LoadPoint| (across.at(point.throughput), upward.at(of(point)));
        line(place, points, at, |point| {
            format!(
                "{}: {} {} ms at {}/s",
                point.load,
                name,
                milliseconds(of(point)),
                per_second(point.throughput)
            )
        })
    });
    let labels = points.iter().map(|point| Label {
        x: round(across.at(point.throughput)),
        y: round(upward.at(point.p50_ms) + 18.0),
        anchor: "middle",
        look: String::new(),
        text: point.short.clone(),
    });
    Chart {
        id: "latency",
        title: "Latency against throughput".to_owned(),
        summary: summary(points),
        caption: "Down and to the right is better. The numbers are what was asked. The scale of latencies is \
                  logarithmic."
            .to_owned(),
        width: WIDTH,
        height: HEIGHT,
        frame: FRAME,
        across: Some(Ticks::of(&across, "answers per second")),
        upward: Some(Ticks::of(&upward, "ms")),
        lines: lines.collect(),
        leaders: String::new(),
        labels: labels.collect(),
        limit: None,
    }
}

/// Throughput against what was asked, with what it may truly be.
pub(in crate::report) fn throughput_by_load(points: &[LoadPoint], name: &str) -> Chart {
    let amounts = || points.iter().map(|point| point.amount);
    let lowest = amounts().fold(f64::INFINITY, f64::min);
    let highest = amounts().fold(0.0, f64::max);
    let across = Scale::doublings(lowest, highest, (FRAME.left + INSET, FRAME.right - INSET));
    let most = |point: &LoadPoint| point.throughput * (1.0 + point.uncertainty.unwrap_or(0.0));
    let highest = points.iter().map(most).fold(0.0, f64::max);
    let upward = Scale::from_zero(highest, (FRAME.bottom, FRAME.top));
    let at = |point: &LoadPoint| (across.at(point.amount), upward.at(point.throughput));
    let intervals = points.iter().filter_map(|point| {
        let part = point.uncertainty?;
        let end = |sign: f64| upward.at(point.throughput * (1.0 + sign * part));
        Some(upright(across.at(point.amount), (end(-1.0), end(1.0)), 4.0))
    });
    let drawn = Line {
        intervals: intervals.collect(),
        ..line(0, points, at, |point| {
            format!("{}: {}/s", point.load, per_second(point.throughput))
        })
    };
    Chart {
        id: "throughput",
        title: "Throughput against load".to_owned(),
        summary: summary(points),
        caption: "Higher is better. Bars reach as far as the true value may be, 19 times in 20."
            .to_owned(),
        width: WIDTH,
        height: HEIGHT,
        frame: FRAME,
        across: Some(Ticks::of(&across, name)),
        upward: Some(Ticks::of(&upward, "answers per second")),
        lines: vec![drawn],
        leaders: String::new(),
        labels: Vec::new(),
        limit: None,
    }
}

/// What stands for which percentile: its look, the drawing of a line and of a marker, its name.
pub(in crate::report) fn percentiles() -> Vec<[String; 3]> {
    let legend = PERCENTILES.iter().enumerate();
    legend
        .map(|(place, (name, _))| {
            [
                format!("s{place}"),
                marker(place, (16.0, 8.0), 4.5),
                (*name).to_owned(),
            ]
        })
        .collect()
}

fn line(
    place: usize,
    points: &[LoadPoint],
    at: impl Fn(&LoadPoint) -> (f64, f64),
    about: impl Fn(&LoadPoint) -> String,
) -> Line {
    let placed: Vec<(f64, f64)> = points.iter().map(&at).collect();
    let marks = points.iter().map(|point| Mark {
        path: marker(place, at(point), MARKER),
        about: about(point),
        ring: None,
    });
    Line {
        look: format!("s{place}"),
        path: match placed.as_slice() {
            // What a single point stands for is seen better with a line to it.
            [(x, y)] => straight((*x, FRAME.bottom), (*x, *y)),
            many => through(many),
        },
        marks: marks.collect(),
        ..Line::default()
    }
}

/// What there is to see, for those who do not see it.
fn summary(points: &[LoadPoint]) -> String {
    let told = points.iter().map(|point| {
        format!(
            "{}: {}/s, p50 {} ms, p99 {} ms",
            point.load,
            per_second(point.throughput),
            milliseconds(point.p50_ms),
            milliseconds(point.p99_ms)
        )
    });
    let told: Vec<String> = told.collect();
    format!("{}.", told.join("; "))
}
