//! The packages that Model Navigator 0.14.0 wrote, against that tool's own answers.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on panics where it stands"
)]

use std::collections::BTreeMap;
use std::path::PathBuf;

use nav_package_format::archive::{Archive, Limits};
use nav_package_format::numpy;
use nav_package_format::package::model_navigator::{Status, StatusError};
use nav_package_format::package::strategy::{
    DEFAULT, MaxThroughput, MaxThroughputAndMinLatency, MaxThroughputWithLatencyBudget, MinLatency,
};
use nav_package_format::package::{
    Choice, Measurement, NoChoice, Package, Percentile, Strategy, choose,
};
use serde_json::Value;

fn data() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/model_navigator")
}

fn answers() -> BTreeMap<String, Value> {
    let text = std::fs::read_to_string(data().join("golden.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn open(package: &str) -> Package {
    Package::open(&data().join(package), &Limits::default()).unwrap()
}

fn status(package: &str) -> Status {
    let archive = Archive::open(&data().join(package), &Limits::default()).unwrap();
    let text = archive.read_to_vec("status.yaml", None, 1 << 20).unwrap();
    Status::parse(&String::from_utf8(text).unwrap()).unwrap()
}

/// What our strategy of the same name chooses.
fn ours(strategy: &str, package: &Package) -> Result<Choice, NoChoice> {
    let evaluations = package.evaluations();
    match strategy.split_once(':') {
        None if strategy == "default" => choose(DEFAULT, &evaluations),
        None if strategy == "MaxThroughput" => choose(&[&MaxThroughput], &evaluations),
        None if strategy == "MinLatency" => choose(&[&MinLatency], &evaluations),
        None => choose(&[&MaxThroughputAndMinLatency], &evaluations),
        Some((_, budget)) => {
            let budget_ms = budget.parse().unwrap();
            let percentile = Percentile::P50;
            choose(
                &[&MaxThroughputWithLatencyBudget {
                    budget_ms,
                    percentile,
                }],
                &evaluations,
            )
        }
    }
}

/// What Model Navigator tells of a choice: of one that is best at both its lowest latency, where ours tells the batch that runs.
fn told(choice: &Choice, package: &Package) -> Measurement {
    let evaluations = package.evaluations();
    let both = MaxThroughputAndMinLatency.choose(&evaluations);
    let is_both = both.is_ok_and(|both| both.why == choice.why);
    let own = evaluations.into_iter();
    let own: Vec<_> = own.filter(|one| choice.runtime.is_of(one)).collect();
    let fastest = is_both.then(|| MinLatency.choose(&own).unwrap());
    fastest.map_or(choice.measurement, |fastest| fastest.measurement)
}

#[test]
fn every_strategy_chooses_what_model_navigator_chose() {
    let mut compared = 0;
    for (package, answer) in answers() {
        let opened = open(&package);
        for (strategy, expected) in answer["strategies"].as_object().unwrap() {
            let chosen = ours(strategy, &opened);
            compared += 1;
            if expected["error"].is_string() {
                assert!(chosen.is_err(), "{package} {strategy}: {chosen:?}");
                continue;
            }
            let chosen = chosen.unwrap_or_else(|error| panic!("{package} {strategy}: {error}"));
            assert_eq!(
                expected["model_key"], chosen.runtime.variant,
                "{package} {strategy}"
            );
            assert_eq!(
                expected["runner"], chosen.runtime.runner,
                "{package} {strategy}"
            );
            let told = told(&chosen, &opened);
            assert_eq!(
                expected["throughput"], told.throughput,
                "{package} {strategy}"
            );
            assert_eq!(expected["latency_p50_ms"], told.latency.p50_ms, "{package}");
        }
    }
    assert_eq!(compared, 81);
}

#[test]
fn records_are_read_as_model_navigator_reads_them() {
    for (package, answer) in answers() {
        let status = status(&package);
        assert_eq!(answer["format_version"], status.format_version, "{package}");
        assert_eq!(answer["framework"], status.framework(), "{package}");
        assert_eq!(
            answer["batch_dim"].as_u64(),
            status.batch_axis().map(|axis| axis as u64),
            "{package}"
        );
        let names = |tensors: &Value| -> Vec<String> {
            let tensors = tensors.as_array().unwrap();
            tensors
                .iter()
                .map(|tensor| tensor["name"].as_str().unwrap().to_owned())
                .collect()
        };
        let inputs: Vec<String> = status
            .inputs()
            .iter()
            .map(|tensor| tensor.name.clone())
            .collect();
        assert_eq!(names(&answer["inputs"]), inputs, "{package}");
        let batches: Vec<Option<usize>> = open(&package)
            .evaluations()
            .iter()
            .flat_map(|evaluation| {
                evaluation
                    .measurements
                    .iter()
                    .map(|measured| measured.batch)
            })
            .collect();
        let expected: Vec<Option<usize>> = answer["models"]
            .as_object()
            .unwrap()
            .values()
            .flat_map(|runners| runners.as_object().unwrap().values())
            .flat_map(|runner| runner["batch_sizes"].as_array().unwrap())
            .map(|batch| batch.as_u64().map(|batch| usize::try_from(batch).unwrap()))
            .collect();
        assert_eq!(batches, expected, "{package}");
    }
}

#[test]
fn what_is_wrong_in_a_package_is_a_warning_that_names_it() {
    let check = |package: &str, expected: &[&str]| {
        let package = open(package);
        let warnings: Vec<String> = package.warnings().iter().map(ToString::to_string).collect();
        assert_eq!(warnings, expected);
    };
    check(
        "out_order.nav",
        &[
            "output is recorded as z: INT64 [?,1], and the graph says z: FP32 [n,8]",
            "output is recorded as a: FP32 [?,8], and the graph says a: INT64 [n,1]",
        ],
    );
    check(
        "python_source.nav",
        &["there is no model of `python` in the package"],
    );
    check("mlp_cpu_default.nav", &[]);
    check("slash.nav", &[]);
}

#[test]
fn names_and_order_are_those_of_the_graph() {
    let names = |package: &str| -> Vec<String> {
        let package = open(package);
        let signature = package.signature();
        signature
            .inputs
            .iter()
            .chain(&signature.outputs)
            .map(|spec| spec.name.clone())
            .collect()
    };
    assert_eq!(names("out_order.nav"), ["x", "z", "a"]);
    assert_eq!(names("slash.nav"), ["in/x", "out/y"]);
}

#[test]
fn samples_are_read_without_their_batch_axis() {
    let samples = open("multi_io.nav")
        .samples("profiling", &numpy::Limits::default())
        .unwrap();
    let sample = &samples[&0];
    let mut names: Vec<&str> = sample.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["a", "b"]);
    assert!(
        sample
            .iter()
            .all(|(_, tensor)| tensor.shape().to_vec() == [8])
    );
}

#[test]
fn the_flat_metadata_of_older_formats_is_understood() {
    let text = "format_version: 0.2.1\nconfig: {framework: torch}\n\
                input_metadata: [{name: x, shape: [-1, 3], dtype: torch.bfloat16}]\n";
    let status = Status::parse(text).unwrap();
    assert_eq!(
        status.inputs()[0].to_spec().unwrap().to_string(),
        "x: BF16 [?,3]"
    );
}

#[test]
fn a_format_of_the_future_and_what_is_no_status_are_refused_clearly() {
    let future = Status::parse("format_version: 0.4.0\nconfig: {framework: onnx}\n").unwrap_err();
    assert!(
        matches!(&future, StatusError::Format { found } if found == "0.4.0"),
        "{future}"
    );
    for text in ["", "[]", "format_version: {}", "a: &a [*a]"] {
        assert!(
            matches!(Status::parse(text), Err(StatusError::Malformed { .. })),
            "{text}"
        );
    }
    // Aliases that unfold into billions of elements are stopped, not followed.
    let mut bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for (name, previous) in ('b'..='j').zip('a'..) {
        let line = format!(
            "{name}: &{name} [{}]\n",
            vec![format!("*{previous}"); 9].join(", ")
        );
        bomb.push_str(&line);
    }
    assert!(matches!(
        Status::parse(&bomb),
        Err(StatusError::Malformed { .. })
    ));
}
