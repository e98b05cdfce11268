//! Whole pages: of ordinary packages, of those that have little to tell, and of hostile ones.

use std::collections::BTreeMap;

use nav_package_format::package::manifest::{CURRENT, MeasuredOn, Model, Provenance};
use nav_package_format::package::record::{CONVERSION, CORRECTNESS, PERFORMANCE, SERVING};
use nav_package_format::package::strategy::DEFAULT;
use nav_package_format::package::{
    Comparison, Decision, Latency, Manifest, MaxThroughput, MaxThroughputWithLatencyBudget,
    Measurement, Outcome, Percentile, PercentileBounds, Record, Serving, Strategy, Tolerance,
    Variant, choose,
};
use nav_package_format::{
    DType, Device, Dim, ExecutionMode, GraphLevel, RunnerSettings, Signature, TensorSpec,
};

use super::well_formed::well_formed;
use super::{Subject, html, write};

fn tensor(name: &str) -> TensorSpec {
    TensorSpec {
        name: name.to_owned(),
        dtype: DType::Fp32,
        dims: Some(vec![Dim::Symbolic("batch".to_owned()), Dim::Fixed(64)]),
        optional: false,
    }
}

/// A package in which nothing was tried.
fn bare() -> Manifest {
    Manifest {
        format: CURRENT,
        model: Model {
            name: "digits".to_owned(),
            format: "onnx".to_owned(),
            files: Vec::new(),
            signature: Signature {
                inputs: vec![tensor("pixels")],
                outputs: vec![tensor("scores")],
            },
            batch_axis: Some(0),
        },
        variants: Vec::new(),
        records: Vec::new(),
        decisions: Vec::new(),
        serving: None,
        provenance: Provenance::default(),
        files: Vec::new(),
    }
}

fn measured(batch: Option<u32>, p50_ms: f64) -> Measurement {
    Measurement {
        batch: batch.and_then(|batch| usize::try_from(batch).ok()),
        latency: Latency {
            mean_ms: p50_ms * 1.01,
            deviation_ms: p50_ms * 0.05,
            p50_ms,
            p90_ms: p50_ms * 1.1,
            p95_ms: p50_ms * 1.2,
            p99_ms: p50_ms * 1.5,
        },
        throughput: 1e3 * f64::from(batch.unwrap_or(1)) / (p50_ms * 1.01),
        requests: 200,
        uncertainty: Some(0.03),
        at_most: Some(PercentileBounds {
            p50_ms: p50_ms * 1.03,
            p90_ms: p50_ms * 1.15,
            p95_ms: p50_ms * 1.3,
            p99_ms: p50_ms * 1.8,
        }),
        noisy: false,
    }
}

fn comparison(error: f64) -> Comparison {
    Comparison {
        output: "scores".to_owned(),
        dtype: DType::Fp32,
        tolerance: Tolerance {
            name: "fp32".to_owned(),
            absolute: 1e-5,
            relative: 1e-4,
        },
        largest_absolute: Some(error),
        largest_relative: Some(error / 3.0),
        within: error < 1e-5,
        worst: Some("sample 0, batch 8, at [3, 17]".to_owned()),
    }
}

/// Adds a variant that was right and measured.
fn add(manifest: &mut Manifest, name: &str, runner: &str, measurements: Vec<Measurement>) {
    add_variant(manifest, name, runner);
    let correct = Record {
        comparisons: vec![comparison(3e-7)],
        ..Record::new(CORRECTNESS, name, runner, Outcome::Ok)
    };
    let fast = Record {
        measurements,
        peak_memory_bytes: Some(48 << 20),
        ..Record::new(PERFORMANCE, name, runner, Outcome::Ok)
    };
    manifest.records.extend([correct, fast]);
}

fn add_variant(manifest: &mut Manifest, name: &str, runner: &str) {
    let threads = manifest.variants.len();
    manifest.variants.push(Variant {
        name: name.to_owned(),
        format: "onnx".to_owned(),
        runner: runner.to_owned(),
        device: Device::Cpu,
        settings: match threads {
            0 => RunnerSettings::default(),
            threads => RunnerSettings {
                intra_threads: Some(threads),
                graph_level: Some(GraphLevel::All),
                execution_mode: Some(ExecutionMode::Sequential),
                ..RunnerSettings::default()
            },
        },
        instances: 1,
        files: Vec::new(),
        built_for: None,
    });
}

/// Adds a variant that gave wrong results.
fn add_wrong(manifest: &mut Manifest, name: &str, runner: &str) {
    add_variant(manifest, name, runner);
    let wrong = Record {
        reason: Some("output scores is beyond the tolerance".to_owned()),
        comparisons: vec![comparison(0.25)],
        replay: ["nav", "step", "correctness", "--variant", name]
            .map(str::to_owned)
            .to_vec(),
        ..Record::new(CORRECTNESS, name, runner, Outcome::Failed)
    };
    let skipped = Record {
        reason: Some("correctness failed".to_owned()),
        ..Record::new(PERFORMANCE, name, runner, Outcome::Skipped)
    };
    manifest.records.extend([wrong, skipped]);
}

/// Adds a variant measured at these batches; a lower speed is faster.
fn add_batches(manifest: &mut Manifest, name: &str, runner: &str, speed: f64, batches: &[u32]) {
    let time = |batch: u32| speed * (0.6 + 0.4 * f64::from(batch).powf(0.8));
    let measurements = batches
        .iter()
        .map(|&batch| measured(Some(batch), time(batch)));
    add(manifest, name, runner, measurements.collect());
}

const BATCHES: &[u32] = &[1, 2, 4, 8, 16, 32, 64];

/// A package with everything in it.
fn rich() -> Manifest {
    let mut manifest = bare();
    add_batches(&mut manifest, "onnx", "OnnxCPU", 0.21, BATCHES);
    add_batches(&mut manifest, "onnx-all-2", "OnnxCPU", 0.15, BATCHES);
    add_batches(
        &mut manifest,
        "onnx-folded-all-2-instances",
        "OnnxCPU",
        0.151,
        BATCHES,
    );
    add_batches(&mut manifest, "onnx", "TractCPU", 0.9, &[1, 2, 4, 8]);
    add_batches(&mut manifest, "onnx-fp16", "OnnxCPU", 0.18, BATCHES);
    add_wrong(&mut manifest, "onnx-int8", "OnnxCPU");
    add_variant(&mut manifest, "engine", "OnnxTensorRT");
    manifest.records.push(Record {
        reason: Some("the build ended with signal 9\n[E] out of memory".to_owned()),
        ..Record::new(CONVERSION, "engine", "OnnxTensorRT", Outcome::Failed)
    });
    manifest.records.push(Record {
        measurements: vec![measured(Some(32), 1.9)],
        ..Record::new(SERVING, "onnx-all-2", "OnnxCPU", Outcome::Ok)
    });
    manifest.serving = Some(Serving {
        variant: "onnx-all-2".to_owned(),
        runner: "OnnxCPU".to_owned(),
        max_batch: Some(64),
        preferred_batches: vec![16, 32, 64],
        queue_delay_us: 250,
        instances: 1,
        threads: Some(2),
    });
    let choice = MaxThroughput.choose(&manifest.evaluations());
    manifest.decisions.push(Decision {
        strategy: MaxThroughput.name(),
        choice: choice.ok(),
        refusal: None,
    });
    manifest.provenance = Provenance {
        tool: "nav".to_owned(),
        version: "0.1.0".to_owned(),
        created: Some("2026-01-02T03:04:05Z".to_owned()),
        host: Some(MeasuredOn {
            system: "linux 6.1".to_owned(),
            processor: "Some Processor".to_owned(),
            architecture: "x86_64".to_owned(),
            cores: 2,
            threads: 2,
            memory_bytes: 24 << 30,
            gpus: vec!["Some GPU".to_owned()],
            runners: BTreeMap::from([("OnnxCPU".to_owned(), "1.31.1".to_owned())]),
        }),
    };
    manifest
}

/// More variants than can be drawn.
fn crowded() -> Manifest {
    let mut manifest = bare();
    for number in 0..40_u32 {
        let name = format!("onnx-setting-{number}");
        let speed = 0.1 + 0.013 * f64::from(number % 17);
        add_batches(&mut manifest, &name, "OnnxCPU", speed, BATCHES);
    }
    manifest
}

fn subject<'a>(manifest: &'a Manifest, strategies: &[&dyn Strategy]) -> Subject<'a> {
    Subject {
        manifest,
        sizes: vec![Some(9 << 20); manifest.variants.len()],
        written_by: "nav".to_owned(),
        format: "1.0".to_owned(),
        warnings: Vec::new(),
        strategies: strategies.iter().map(|one| one.name()).collect(),
        chosen: choose(strategies, &manifest.evaluations()),
        budget: None,
    }
}

/// The page of a package, which must be well-formed.
#[track_caller]
fn page(manifest: &Manifest) -> String {
    page_of(&subject(manifest, DEFAULT))
}

#[track_caller]
fn page_of(subject: &Subject<'_>) -> String {
    let page = html(subject).unwrap();
    well_formed(&page).unwrap();
    page
}

#[track_caller]
fn assert_says(page: &str, texts: &[&str]) {
    for text in texts {
        assert!(page.contains(text), "`{text}` is not in the page");
    }
}

#[test]
fn the_page_tells_the_choice_the_numbers_and_how_to_do_it_again() {
    let manifest = rich();
    let page = page_of(&subject(&manifest, &[&MaxThroughput]));
    assert_says(
        &page,
        &[
            "Chosen: <bdi>onnx-all-2</bdi> on <bdi>OnnxCPU</bdi>",
            "has the highest throughput",
            "A tie, as far as can be told, with <bdi>onnx-folded-all-2-instances on OnnxCPU</bdi>",
            "1.40×",
            "over onnx on OnnxCPU with defaults at batch 64",
            "3.0e-7 abs<span class=\"under\">1.0e-7 rel</span>",
            "Not to be chosen: correctness failed.",
            "Not to be chosen: conversion failed.",
            "output scores is beyond the tolerance",
            "<code>nav step correctness --variant onnx-int8</code>",
            "1 thread, operators one after the other, graph fused and laid out anew",
            "the runner&#x27;s defaults",
            "Throughput against batch",
            "Latency against batch",
            "up to 250 µs",
            "Some Processor",
            "sample 0, batch 8, at [3, 17]",
            "[batch,64]",
        ],
    );
    assert!(!page.contains("<script"), "a page without a script");
    assert!(!page.contains("are drawn; the tables"), "all were drawn");
}

#[test]
fn the_same_package_gives_the_same_page() {
    assert_eq!(page(&rich()), page(&rich()));
}

#[test]
fn a_page_reaches_for_nothing_outside_itself() {
    let page = page(&rich());
    let style = page.split_once("<style>").unwrap().1;
    let style = style.split_once("</style>").unwrap().0;
    let policy = page.split_once("Security-Policy\" content=\"").unwrap().1;
    let policy = policy.split_once('"').unwrap().0;
    let policy = policy.replace("&#x27;", "'").replace("&#x2f;", "/");
    assert_eq!(policy, super::policy::policy(style));
    for reach in [
        "http:", "https:", "src=", "href=", "url(", "@import", " style=", " on",
    ] {
        let found = page.find(reach);
        // ` on` is a word of the page; what must not be there is an attribute.
        let found = found.filter(|_| reach != " on" || page.contains(" onerror="));
        assert_eq!(found, None, "`{reach}` is in the page");
    }
}

/// The names of everything are what an attacker would call them.
fn hostile() -> Manifest {
    let evil =
        "</style></script><img src=x onerror=alert(1)>{{ 7*7 }}{% raw %}\"'&\u{202e}\u{0}\u{7}";
    let mut manifest = bare();
    evil.clone_into(&mut manifest.model.name);
    evil.clone_into(&mut manifest.model.format);
    evil.clone_into(&mut manifest.model.signature.inputs[0].name);
    manifest.model.signature.outputs[0].dims = Some(vec![Dim::Symbolic(evil.to_owned())]);
    add_batches(&mut manifest, evil, evil, 0.2, BATCHES);
    add_wrong(&mut manifest, &format!("{evil}2"), evil);
    let entries = &mut manifest.variants[0].settings.config_entries;
    entries.insert(evil.to_owned(), evil.to_owned());
    for record in &mut manifest.records {
        record.reason = Some(evil.to_owned());
        for comparison in &mut record.comparisons {
            evil.clone_into(&mut comparison.output);
            evil.clone_into(&mut comparison.tolerance.name);
            comparison.worst = Some(evil.to_owned());
        }
    }
    manifest.serving = Some(Serving {
        variant: evil.to_owned(),
        runner: evil.to_owned(),
        max_batch: Some(8),
        preferred_batches: Vec::new(),
        queue_delay_us: 0,
        instances: 1,
        threads: None,
    });
    manifest.decisions.push(Decision {
        strategy: evil.to_owned(),
        choice: None,
        refusal: Some(evil.to_owned()),
    });
    manifest.provenance = Provenance {
        tool: evil.to_owned(),
        version: evil.to_owned(),
        created: Some(evil.to_owned()),
        host: Some(MeasuredOn {
            system: evil.to_owned(),
            processor: evil.to_owned(),
            gpus: vec![evil.to_owned()],
            runners: BTreeMap::from([(evil.to_owned(), evil.to_owned())]),
            ..MeasuredOn::default()
        }),
    };
    manifest
}

#[test]
fn names_are_text_whatever_they_hold() {
    let manifest = hostile();
    let mut subject = subject(&manifest, DEFAULT);
    subject.warnings = vec![manifest.model.name.clone()];
    subject.written_by.clone_from(&manifest.model.name);
    let page = page_of(&subject);
    for markup in ["<img", "<script", "</script", "onerror=alert(1)>"] {
        assert!(!page.contains(markup), "`{markup}` is markup");
    }
    assert_eq!(page.matches("</style>").count(), 1);
    assert_says(
        &page,
        &["&lt;img src=x onerror=alert(1)&gt;{{ 7*7 }}{% raw %}"],
    );
    assert!(!page.contains('\u{202e}'), "text that turns what follows");
    assert!(!page.contains('\u{0}'), "text that cannot be seen");
    assert_says(&page, &[r"\u202e\u0000\u0007"]);
}

#[test]
fn pages_with_little_to_tell_say_so() {
    assert_says(
        &page(&bare()),
        &[
            "No variant was chosen",
            "The package holds no candidate.",
            "there is nothing to draw",
            "The package holds no variant.",
            "No differences are recorded.",
            "The package does not tell.",
        ],
    );
    let mut failed = bare();
    add_wrong(&mut failed, "onnx", "OnnxCPU");
    add_wrong(&mut failed, "onnx", "TractCPU");
    assert_says(
        &page(&failed),
        &[
            "No variant was chosen",
            "<bdi>onnx on TractCPU</bdi>: correctness failed",
            "there is nothing to draw",
            "2.5e-1",
        ],
    );
}

#[test]
fn one_batch_is_drawn_as_bars_and_several_as_lines() {
    let check = |batches: &[Option<u32>], expected: bool| {
        let mut manifest = bare();
        let measurements = batches.iter().map(|&batch| measured(batch, 0.4));
        add(&mut manifest, "onnx", "OnnxCPU", measurements.collect());
        let page = page(&manifest);
        assert_eq!(page.contains("Throughput against batch"), expected);
        assert_eq!(page.contains("class=\"bar\""), !expected);
        let has_front = page.contains("Throughput against p50 latency");
        assert_eq!(has_front, batches.len() > 1, "{batches:?}");
    };
    check(&[None], false);
    check(&[Some(1)], false);
    check(&[Some(1), Some(8)], true);
    check(&[Some(3), None], true);
}

#[test]
fn only_the_best_of_many_are_drawn_and_that_is_said() {
    let page = page(&crowded());
    assert_says(&page, &["The best 8 of 40 variants are drawn"]);
    assert_eq!(page.matches("class=\"swatch\"").count(), 8);
    assert_eq!(page.matches("<b class=\"letter\">").count(), 8);
    assert_says(&page, &["onnx-setting-39"]);
}

#[test]
fn the_budget_is_drawn_at_its_percentile() {
    let manifest = rich();
    let budget = MaxThroughputWithLatencyBudget {
        budget_ms: 2.0,
        percentile: Percentile::P99,
    };
    let page = page_of(&Subject {
        budget: Some(budget),
        ..subject(&manifest, &[&budget])
    });
    assert_says(
        &page,
        &[
            "Throughput against p99 latency",
            "budget 2 ms",
            "within 2 ms at p99",
        ],
    );
}

#[test]
fn numbers_beyond_all_measure_are_drawn_somewhere_and_told() {
    let mut manifest = bare();
    let odd = [f64::NAN, f64::INFINITY, 0.0, -1.0, 1e-300, 1e300];
    let measurements = odd.iter().enumerate().map(|(at, &value)| Measurement {
        batch: (at > 0).then_some(usize::MAX >> at),
        throughput: value,
        latency: Latency {
            p50_ms: value,
            p99_ms: value,
            ..Latency::default()
        },
        uncertainty: Some(value),
        ..Measurement::default()
    });
    add(&mut manifest, "onnx", "OnnxCPU", measurements.collect());
    let page = page(&manifest);
    let drawn: Vec<&str> = page.split(" d=\"").skip(1).collect();
    for path in drawn {
        let path = path.split('"').next().unwrap();
        assert!(!path.contains("NaN") && !path.contains("inf"), "{path}");
    }
}

#[test]
fn a_report_replaces_what_was_there_and_leaves_nothing_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.html");
    std::fs::write(&path, "old").unwrap();
    write(&path, "new").unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "new");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    let error = write(&folder.path().join("none/report.html"), "x").unwrap_err();
    assert!(error.to_string().starts_with("cannot write "), "{error}");
}
