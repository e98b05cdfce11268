//! What a chart is made of once it is only lines on paper.

use serde::Serialize;

use super::scale::Scale;
use crate::report::words::on_an_axis;

/// A chart, ready to be drawn.
#[derive(Clone, Debug, Serialize)]
pub(in crate::report) struct Chart {
    /// What its parts are called in the page.
    pub(super) id: &'static str,
    /// What it shows, in a few words.
    pub(super) title: String,
    /// What there is to see, for those who do not see it.
    pub(super) summary: String,
    /// How to read it.
    pub(super) caption: String,
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) frame: Frame,
    pub(super) across: Option<Ticks>,
    pub(super) upward: Option<Ticks>,
    pub(super) lines: Vec<Line>,
    /// Lines that lead from a label to what it is the label of.
    pub(super) leaders: String,
    pub(super) labels: Vec<Label>,
    /// A line that something is measured by.
    pub(super) limit: Option<Limit>,
}

/// Where values are drawn.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Frame {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) right: f64,
    pub(super) bottom: f64,
}

/// The ticks of an axis and what they count.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Ticks {
    pub(super) name: String,
    pub(super) ticks: Vec<Tick>,
}

/// One tick.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Tick {
    pub(super) at: f64,
    pub(super) text: String,
}

/// What one variant, or a kind of points, has in a chart. Paths are empty where there is nothing to draw.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Line {
    /// How it looks.
    pub(super) look: String,
    /// The line through its points.
    pub(super) path: String,
    /// From the median to the 99th percentile.
    pub(super) stems: String,
    /// Where the true value is, 19 times in 20.
    pub(super) intervals: String,
    /// Areas.
    pub(super) bars: String,
    pub(super) marks: Vec<Mark>,
}

/// A point.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Mark {
    pub(super) path: String,
    /// All that is to be said of it.
    pub(super) about: String,
    /// A ring around it, where it was chosen.
    pub(super) ring: Option<String>,
}

/// A text beside what it is about.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Label {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) anchor: &'static str,
    pub(super) look: String,
    pub(super) text: String,
}

/// A line that something is measured by.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Limit {
    pub(super) path: String,
    pub(super) label: Label,
}

impl Ticks {
    /// The ticks of a scale.
    pub(super) fn of(scale: &Scale, name: &str) -> Self {
        let ticks = scale.ticks().into_iter().map(|value| Tick {
            at: round(scale.at(value)),
            text: on_an_axis(value),
        });
        Self {
            name: name.to_owned(),
            ticks: ticks.collect(),
        }
    }
}

/// To a tenth of a unit, which nobody can see.
pub(super) fn round(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}
