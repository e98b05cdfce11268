//! The report of a model under load, as one page like that of a package. Whoever measured hands in figures and texts.

use serde::Serialize;

use super::chart::{Chart, latency_by_throughput, percentiles, throughput_by_load};
use super::error::ReportError;
use super::page::{STYLE, set};
use super::policy::policy;

/// A model under load.
#[derive(Clone, Debug, Default)]
pub struct LoadReport {
    /// The model.
    pub model: String,
    /// What there is to say of it all, each with a name.
    pub about: Vec<(String, String)>,
    /// What the reader should not miss.
    pub warnings: Vec<String>,
    /// What amounts of load count, as `requests at a time`.
    pub counts: String,
    /// What came of each amount of load.
    pub points: Vec<LoadPoint>,
    /// The names of the columns of a table.
    pub header: Vec<String>,
    /// Its rows, each with its name first.
    pub rows: Vec<Vec<String>>,
    /// What failed: at which load, how often, and how.
    pub failures: Vec<[String; 3]>,
}

/// What came of an amount of load.
#[derive(Clone, Debug, Default, Serialize)]
pub struct LoadPoint {
    /// The load in words.
    pub load: String,
    /// The load where there is little room.
    pub short: String,
    /// How much it is.
    pub amount: f64,
    /// Answers a second.
    pub throughput: f64,
    /// How far the true value may be, as a part of it.
    pub uncertainty: Option<f64>,
    /// Latencies in milliseconds.
    pub p50_ms: f64,
    /// The 90th percentile.
    pub p90_ms: f64,
    /// The 99th percentile.
    pub p99_ms: f64,
}

/// All that the template sets.
#[derive(Debug, Serialize)]
struct Page<'a> {
    style: &'static str,
    policy: String,
    model: &'a str,
    about: &'a [(String, String)],
    warnings: &'a [String],
    legend: Vec<[String; 3]>,
    charts: Vec<Chart>,
    header: &'a [String],
    rows: &'a [Vec<String>],
    failures: &'a [[String; 3]],
    version: &'static str,
}

/// The report as one page of HTML. The same figures give the same page.
pub fn load_html(report: &LoadReport) -> Result<String, ReportError> {
    // What was not answered has no place in a drawing.
    let is_drawn = |point: &&LoadPoint| {
        let values = [point.amount, point.throughput, point.p50_ms, point.p99_ms];
        values.iter().all(|value| value.is_finite() && *value > 0.0)
    };
    let points: Vec<LoadPoint> = report.points.iter().filter(is_drawn).cloned().collect();
    let charts = if points.is_empty() {
        Vec::new()
    } else {
        vec![
            latency_by_throughput(&points),
            throughput_by_load(&points, &report.counts),
        ]
    };
    let page = Page {
        style: STYLE,
        policy: policy(STYLE),
        model: &report.model,
        about: &report.about,
        warnings: &report.warnings,
        legend: percentiles(),
        charts,
        header: &report.header,
        rows: &report.rows,
        failures: &report.failures,
        version: env!("CARGO_PKG_VERSION"),
    };
    set("load.html", &page)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::well_formed::well_formed;

    fn point(amount: f64, throughput: f64) -> LoadPoint {
        LoadPoint {
            load: format!("{amount} at a time"),
            short: amount.to_string(),
            amount,
            throughput,
            uncertainty: Some(0.02),
            p50_ms: 1.0,
            p90_ms: 2.0,
            p99_ms: 4.0 * amount,
        }
    }

    fn report(points: Vec<LoadPoint>) -> LoadReport {
        LoadReport {
            model: "digits <b>".to_owned(),
            about: vec![("Server".to_owned(), "127.0.0.1:8000 & more".to_owned())],
            warnings: vec!["\u{202e}turned".to_owned()],
            counts: "requests at a time".to_owned(),
            points,
            header: vec!["Load".to_owned(), "p50".to_owned()],
            rows: vec![vec!["1".to_owned(), "<1>".to_owned()]],
            failures: vec![["1".to_owned(), "7".to_owned(), "status 503".to_owned()]],
        }
    }

    #[test]
    fn a_page_is_well_formed_whatever_was_measured() {
        let check = |points: Vec<LoadPoint>, charts: usize| {
            let page = load_html(&report(points)).unwrap();
            well_formed(&page).unwrap();
            assert_eq!(page.matches("<svg viewBox=\"0 0 560").count(), charts);
            assert!(page.contains("digits &lt;b&gt;") && page.contains("&lt;1&gt;"));
            assert!(!page.contains('\u{202e}'), "what turns texts is gone");
        };
        check(vec![], 0);
        check(vec![point(1.0, 100.0)], 2);
        check(vec![point(1.0, 100.0), point(64.0, 3000.0)], 2);
        let nothing = LoadPoint::default();
        check(vec![nothing.clone(), point(4.0, 9.0)], 2);
        check(vec![nothing], 0);
    }

    #[test]
    fn the_same_figures_give_the_same_page() {
        let made = || load_html(&report(vec![point(1.0, 2.0)])).unwrap();
        assert_eq!(made(), made());
    }
}
