//! The page: every part worked out, then set by the template, which escapes all of it.

use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use nav_package_format::package::Percentile;
use serde::Serialize;

use super::chart::{
    Axis, Chart, Drawn, front, latency_by_batch, latency_rows, select, throughput_by_batch,
    throughput_rows,
};
use super::command::is_unseen;
use super::error::ReportError;
use super::policy::policy;
use super::subject::Subject;
use super::view::{
    About, Compared, Entry, Headline, Measured, Rejected, Served, Table, about, correctness,
    headline, legend, measured, rejected, serving, table,
};

const PAGE: &str = include_str!("page.html");
const CHART: &str = include_str!("chart.html");
const LOAD: &str = include_str!("load.html");
/// The style sheet of every page.
pub(super) const STYLE: &str = include_str!("style.css");

/// All that the template sets.
#[derive(Debug, Serialize)]
struct Page<'a> {
    /// The style sheet.
    style: &'static str,
    /// The content security policy.
    policy: String,
    model: &'a str,
    headline: Headline,
    warnings: &'a [String],
    legend: Vec<Entry>,
    /// How many variants were measured; the best of them are drawn.
    measured_variants: usize,
    charts: Vec<Chart>,
    front: Option<Chart>,
    table: Table,
    measured: Vec<Measured>,
    rejected: Vec<Rejected>,
    correctness: Vec<Compared>,
    serving: Option<Served>,
    about: About,
    version: &'static str,
}

/// The report as one page of HTML. The same package gives the same page.
pub fn html(subject: &Subject<'_>) -> Result<String, ReportError> {
    let evaluations = subject.manifest.evaluations();
    let choice = subject.chosen.as_ref().ok();
    let drawn = select(&evaluations, choice);
    let axis = Axis {
        percentile: subject
            .budget
            .map_or(Percentile::P50, |budget| budget.percentile),
        budget_ms: subject.budget.map(|budget| budget.budget_ms),
    };
    let page = Page {
        style: STYLE,
        policy: policy(STYLE),
        model: &subject.manifest.model.name,
        headline: headline(subject, &evaluations),
        warnings: &subject.warnings,
        legend: legend(&drawn),
        measured_variants: drawn.measured,
        charts: charts(subject, &drawn),
        front: front(&evaluations, &drawn, choice, axis),
        table: table(subject, &evaluations, &drawn),
        measured: measured(&evaluations, choice),
        rejected: rejected(&evaluations, &subject.manifest.records),
        correctness: correctness(&subject.manifest.records),
        serving: serving(subject.manifest),
        about: about(subject),
        version: env!("CARGO_PKG_VERSION"),
    };
    set("page.html", &page)
}

fn charts(subject: &Subject<'_>, drawn: &Drawn<'_>) -> Vec<Chart> {
    let choice = subject.chosen.as_ref().ok();
    if drawn.series.is_empty() {
        return Vec::new();
    }
    if drawn.has_batches() {
        vec![
            throughput_by_batch(drawn, choice),
            latency_by_batch(drawn, choice),
        ]
    } else {
        vec![throughput_rows(drawn, choice), latency_rows(drawn, choice)]
    }
}

/// What a template makes of a page, with everything in it escaped.
pub(super) fn set(template: &str, page: &impl Serialize) -> Result<String, ReportError> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_trim_blocks(true);
    environment.set_lstrip_blocks(true);
    environment.add_template("page.html", PAGE)?;
    environment.add_template("load.html", LOAD)?;
    environment.add_template("chart.html", CHART)?;
    let html = environment.get_template(template)?.render(page)?;
    Ok(visible(&html))
}

/// The same text without characters that change what is seen without being seen, such as those that turn the
/// direction of what follows. Escaping leaves them alone.
fn visible(html: &str) -> String {
    let seen = |character: char| match character {
        '\n' | '\t' => character,
        character if is_unseen(character) => char::REPLACEMENT_CHARACTER,
        character => character,
    };
    html.chars().map(seen).collect()
}
