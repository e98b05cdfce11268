//! Throughput and latency as one row for each variant, where there is only one batch to draw.

use nav_package_format::package::{Choice, Measurement};

use super::batches::{about, look, short_name, summary};
use super::marker::{marker, ring};
use super::path::{level, rectangle, straight};
use super::scale::Scale;
use super::series::{Drawn, Series, interval};
use super::shapes::{Chart, Frame, Label, Line, Mark, Ticks, round};
use crate::report::compare::{is_chosen, milliseconds};
use crate::report::words::per_second;

const WIDTH: f64 = 560.0;
const LEFT: f64 = 150.0;
const TOP: f64 = 8.0;
const RIGHT: f64 = 470.0;
/// How high a row is.
const ROW: f64 = 34.0;
/// Half of how high a bar is.
const BAR: f64 = 8.0;

/// A variant's only point, and how far down its row is.
type Row<'s, 'a> = (&'s Series<'a>, &'a Measurement, f64);

/// Samples in a second as bars, with what they may truly be.
pub(in crate::report) fn throughput_rows(drawn: &Drawn<'_>, choice: Option<&Choice>) -> Chart {
    let scale = Scale::from_zero(drawn.highest_throughput(), (LEFT, RIGHT));
    let rows = rows(drawn);
    let lines = rows.iter().map(|(series, point, y)| {
        let end = scale.at(point.throughput);
        let (low, high) = interval(point, point.throughput);
        let chosen = is_chosen(choice, series.evaluation, point);
        Line {
            look: look(series),
            bars: rectangle((LEFT, y - BAR), (end, y + BAR)),
            intervals: match point.uncertainty {
                Some(_) => level(*y, (scale.at(low), scale.at(high)), 4.0),
                None => String::new(),
            },
            marks: vec![Mark {
                path: marker(series.place, (LEFT - 12.0, *y), 4.0),
                about: about(series, point),
                ring: chosen.then(|| ring((LEFT - 12.0, *y), 9.0)),
            }],
            ..Line::default()
        }
    });
    let lines = lines.collect();
    let values = rows.iter().map(|(series, point, y)| {
        let end = scale.at(interval(point, point.throughput).1);
        value(series, end, *y, per_second(point.throughput))
    });
    let labels = names(&rows).chain(values).collect();
    Chart {
        title: "Throughput".to_owned(),
        caption: format!("Longer is better. {}", drawn.about_intervals("Lines")),
        across: Some(Ticks::of(&scale, "samples per second")),
        lines,
        labels,
        ..empty("throughput", drawn, rows.len())
    }
}

/// The median latency with the 99th percentile beside it.
pub(in crate::report) fn latency_rows(drawn: &Drawn<'_>, choice: Option<&Choice>) -> Chart {
    let last = |point: &Measurement| {
        let latency = &point.latency;
        latency.p99_ms.max(latency.p50_ms)
    };
    let rows = rows(drawn);
    let finite = rows
        .iter()
        .map(|(_, point, _)| last(point))
        .filter(|end| end.is_finite());
    let scale = Scale::from_zero(finite.fold(0.0, f64::max), (LEFT, RIGHT));
    let lines = rows.iter().map(|(series, point, y)| {
        let (start, end) = (scale.at(point.latency.p50_ms), scale.at(last(point)));
        let cap = straight((end, y - 5.0), (end, y + 5.0));
        let chosen = is_chosen(choice, series.evaluation, point);
        Line {
            look: look(series),
            stems: format!("{}{cap}", straight((start, *y), (end, *y))),
            marks: vec![Mark {
                path: marker(series.place, (start, *y), 5.0),
                about: about(series, point),
                ring: chosen.then(|| ring((start, *y), 10.0)),
            }],
            ..Line::default()
        }
    });
    let lines = lines.collect();
    let values = rows.iter().map(|(series, point, y)| {
        let text = format!("{} ms", milliseconds(point.latency.p50_ms));
        value(series, scale.at(last(point)), *y, text)
    });
    let labels = names(&rows).chain(values).collect();
    Chart {
        title: "Latency".to_owned(),
        caption:
            "Further left is better. Markers are medians (p50), told beside them; lines reach up to p99."
                .to_owned(),
        across: Some(Ticks::of(&scale, "ms for a batch")),
        lines,
        labels,
        ..empty("latency", drawn, rows.len())
    }
}

/// One row for each variant that has a point.
fn rows<'s, 'a>(drawn: &'s Drawn<'a>) -> Vec<Row<'s, 'a>> {
    let mut y = TOP + ROW / 2.0;
    let rows = drawn.series.iter().filter_map(|series| {
        let row = (series, *series.points.first()?, y);
        y += ROW;
        Some(row)
    });
    rows.collect()
}

fn names(rows: &[Row<'_, '_>]) -> impl Iterator<Item = Label> {
    rows.iter().map(|(series, _, y)| Label {
        x: LEFT - 24.0,
        y: round(y + 4.0),
        anchor: "end",
        look: look(series),
        text: short_name(series, 17),
    })
}

fn value(series: &Series<'_>, end: f64, y: f64, text: String) -> Label {
    Label {
        x: round(end + 10.0),
        y: round(y + 4.0),
        anchor: "start",
        look: look(series),
        text,
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "there are fewer rows than shapes"
)]
fn empty(id: &'static str, drawn: &Drawn<'_>, rows: usize) -> Chart {
    let bottom = TOP + ROW * rows as f64;
    Chart {
        id,
        title: String::new(),
        summary: summary(drawn),
        caption: String::new(),
        width: WIDTH,
        height: bottom + 46.0,
        frame: Frame {
            left: LEFT,
            top: TOP,
            right: RIGHT,
            bottom,
        },
        across: None,
        upward: None,
        lines: Vec::new(),
        leaders: String::new(),
        labels: Vec::new(),
        limit: None,
    }
}
