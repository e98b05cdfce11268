//! What was chosen and why, in a sentence and a few large figures.

use nav_package_format::RunnerSettings;
use nav_package_format::package::record::CORRECTNESS;
use nav_package_format::package::{Choice, Evaluation, NoChoice, Runtime, Variant};
use serde::Serialize;

use crate::report::compare::{alongside, largest_error, milliseconds, speed_up, untouched};
use crate::report::subject::Subject;
use crate::report::words::{NOTHING, batch, difference, per_second, settings, spread};

/// The top of the page.
#[derive(Debug, Serialize)]
pub(in crate::report) struct Headline {
    /// What was chosen; nothing when nothing was.
    variant: Option<String>,
    runner: String,
    settings: String,
    /// Why, or why not.
    why: String,
    /// What did as well.
    ties: Vec<String>,
    /// Who was passed over when nothing was chosen, with the reason.
    passed_over: Vec<(String, String)>,
    /// What it was chosen by.
    strategies: String,
    figures: Vec<Figure>,
}

/// A large figure with what must be known to read it.
#[derive(Debug, Serialize)]
struct Figure {
    name: &'static str,
    value: String,
    note: String,
}

/// What was chosen and why.
pub(in crate::report) fn headline(subject: &Subject<'_>, evaluations: &[Evaluation]) -> Headline {
    match &subject.chosen {
        Ok(choice) => chosen(subject, evaluations, choice),
        Err(refused) => nothing(subject, refused),
    }
}

fn strategies(subject: &Subject<'_>) -> String {
    match subject.strategies.as_slice() {
        [] => "no strategy".to_owned(),
        [only] => only.clone(),
        several => format!("the first of {} that chooses", several.join(", ")),
    }
}

fn nothing(subject: &Subject<'_>, refused: &NoChoice) -> Headline {
    let passed_over = refused.passed_over.iter();
    Headline {
        variant: None,
        runner: String::new(),
        settings: String::new(),
        why: if refused.passed_over.is_empty() {
            "The package holds no candidate.".to_owned()
        } else {
            format!("{} passed over every candidate:", refused.strategy)
        },
        ties: Vec::new(),
        passed_over: passed_over
            .map(|one| (one.runtime.to_string(), one.reason.clone()))
            .collect(),
        strategies: strategies(subject),
        figures: Vec::new(),
    }
}

fn chosen(subject: &Subject<'_>, evaluations: &[Evaluation], choice: &Choice) -> Headline {
    let runtime = &choice.runtime;
    let variants = &subject.manifest.variants;
    let is = |evaluation: &&Evaluation| runtime.is_of(evaluation);
    let variant = Variant::find(variants, &runtime.variant, &runtime.runner);
    let mut figures = speed(choice);
    figures.push(faster(evaluations, variants, choice));
    if let Some(evaluation) = evaluations.iter().find(is) {
        figures.push(error(subject, evaluation));
    }
    Headline {
        variant: Some(runtime.variant.clone()),
        runner: runtime.runner.clone(),
        settings: variant.map(settings).unwrap_or_default(),
        why: choice.why.clone(),
        ties: choice.ties.iter().map(ToString::to_string).collect(),
        passed_over: Vec::new(),
        strategies: strategies(subject),
        figures,
    }
}

fn speed(choice: &Choice) -> Vec<Figure> {
    let measurement = &choice.measurement;
    let latency = &measurement.latency;
    let noisy = if measurement.noisy { ", and noisy" } else { "" };
    let within = |what: &str| match spread(measurement) {
        Some(spread) => format!("{spread}{what}{noisy}"),
        None => "spread not known".to_owned(),
    };
    let at_most = measurement
        .at_most
        .map(|bounds| format!("at most {} ms", milliseconds(bounds.p99_ms)));
    let largest = match (measurement.batch, choice.max_batch) {
        (None, _) => "the model has no batch axis".to_owned(),
        (Some(_), Some(most)) => format!("batches of up to {most} are to be formed"),
        (Some(_), None) => String::new(),
    };
    vec![
        Figure {
            name: "Throughput, samples/s",
            value: per_second(measurement.throughput),
            note: within(", 19 times in 20"),
        },
        Figure {
            name: "Latency (p50), ms",
            value: milliseconds(latency.p50_ms),
            note: within(""),
        },
        Figure {
            name: "Latency (p99), ms",
            value: milliseconds(latency.p99_ms),
            note: at_most.unwrap_or_else(|| "no bound known".to_owned()),
        },
        Figure {
            name: "Batch",
            value: batch(measurement.batch),
            note: largest,
        },
    ]
}

/// Against the untouched model at the same batch, where that was measured, and otherwise at its best.
fn faster(evaluations: &[Evaluation], variants: &[Variant], choice: &Choice) -> Figure {
    let name = "Speed-up";
    let figure = |value, note| Figure { name, value, note };
    let measurement = &choice.measurement;
    let untouched = untouched(evaluations);
    let compared = untouched.and_then(|one| Some((one, alongside(one, measurement)?)));
    let Some((untouched, against)) = compared else {
        return figure(NOTHING.to_owned(), "nothing to compare with".to_owned());
    };
    let ratio = speed_up(measurement, untouched).map(|speed_up| speed_up.text('×'));
    let value = ratio.unwrap_or_else(|| NOTHING.to_owned());
    if choice.runtime.is_of(untouched) {
        return figure(
            value,
            "this is what the others are compared with".to_owned(),
        );
    }
    let defaults = Variant::find(variants, &untouched.variant, &untouched.runner)
        .is_some_and(|variant| variant.settings == RunnerSettings::default());
    let defaults = if defaults { " with defaults" } else { "" };
    let at = against.batch.map(|batch| format!(" at batch {batch}"));
    let note = format!(
        "over {}{defaults}{}",
        Runtime::of(untouched),
        at.unwrap_or_default()
    );
    figure(value, note)
}

fn error(subject: &Subject<'_>, evaluation: &Evaluation) -> Figure {
    let records = &subject.manifest.records;
    let error = largest_error(records, evaluation);
    let own = records.iter().filter(|record| {
        record.step == CORRECTNESS && record.is_of(&evaluation.variant, &evaluation.runner)
    });
    let mut names: Vec<&str> = own
        .flat_map(|record| &record.comparisons)
        .map(|comparison| comparison.tolerance.name.as_str())
        .collect();
    names.sort_unstable();
    names.dedup();
    let tolerance = match names.as_slice() {
        [] => String::new(),
        names => format!(", tolerance {}", names.join(", ")),
    };
    let (value, note) = match (error.absolute, error.relative) {
        (None, None) => (NOTHING.to_owned(), "no numbers recorded".to_owned()),
        (Some(0.0), _) => ("none".to_owned(), format!("bit for bit{tolerance}")),
        (absolute, None) => (difference(absolute), format!("absolute{tolerance}")),
        (absolute, relative) => (
            difference(absolute),
            format!("absolute; relative {}{tolerance}", difference(relative)),
        ),
    };
    Figure {
        name: "Largest error",
        value,
        note,
    }
}
