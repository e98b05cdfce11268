//! What a run gives when all is well, and what it says when it cannot begin.

use nav_package_format::archive::Limits;
use nav_package_format::numpy::write_npz;
use nav_package_format::package::Package;
use nav_package_format::package::record::{CORRECTNESS, PERFORMANCE};
use nav_package_format::{DType, Shape, TensorData};
use serde_json::{Value, json};

use super::models::{open_dimensions, table, weights_named_as_inputs, with_external_data};
use super::{command, optimize};
use crate::nav::{Ended, Place, listing, onnxruntime};

/// What a small budget does everywhere: enough for every stage.
pub(super) const QUICK: &[&str] = &["--time-budget", "60s", "--max-batch", "8"];

fn quickly(arguments: &[&'static str]) -> Vec<&'static str> {
    [arguments, QUICK].concat()
}

fn records<'a>(told: &'a Value, step: &str, variant: &str, runner: &str) -> Vec<&'a Value> {
    let records = told["records"].as_array().unwrap().iter();
    records
        .filter(|record| {
            record["step"] == step && record["variant"] == variant && record["runner"] == runner
        })
        .collect()
}

#[test]
fn a_model_becomes_a_package_with_what_was_proved_and_measured() {
    let place = Place::new();
    place.doubling_model();
    let Some(ended) = optimize(&place, &quickly(&["double.onnx", "--json"])) else {
        return;
    };
    let told = ended.expect(0, &[]).json();
    let right = records(&told, CORRECTNESS, "onnx", "OnnxCPU");
    assert_eq!(right[0]["outcome"], "ok");
    assert_eq!(right[0]["comparisons"][0]["output"], "y");
    let fast = records(&told, PERFORMANCE, "onnx", "OnnxCPU");
    let batches: Vec<&Value> = fast[0]["measurements"]
        .as_array()
        .unwrap()
        .iter()
        .map(|measurement| &measurement["batch"])
        .collect();
    assert_eq!(
        (batches[0], *batches.last().unwrap()),
        (&json!(1), &json!(8))
    );
    assert_eq!(told["variants"][0]["name"], "onnx");
    assert!(told["serving"]["instances"].as_u64() >= Some(1));
    // What is chosen was measured as it will be served.
    let chosen = |name: &str| told["serving"][name].as_str().unwrap();
    let served = records(&told, "serving", chosen("variant"), chosen("runner"));
    assert_eq!(served[0]["outcome"], "ok", "{served:?}");
    assert!(served[0]["measurements"][0]["throughput"].as_f64() > Some(0.0));
    place.nav(&["verify", "double.nav"]).expect(0, &[]);
    let shown = place.nav(&["show", "double.nav", "--json"]).expect(0, &[]);
    let shown = &shown.json()["choice"]["runtime"];
    assert_eq!(
        *shown,
        json!({"variant": chosen("variant"), "runner": chosen("runner")})
    );
    let package = Package::open(&place.path("double.nav"), &Limits::default()).unwrap();
    assert!(package.evaluations().len() > 3);
    // Nothing is left of the work.
    assert_eq!(listing(&place.cache().join("optimize")), [""; 0]);
}

#[test]
fn an_old_model_that_names_its_weights_as_inputs_has_an_optimized_graph_too() {
    let place = Place::new();
    let model = weights_named_as_inputs();
    model.write(&place.path("old.onnx")).unwrap();
    let arguments = ["old.onnx", "--json", "--runner", "OnnxCPU"];
    let Some(ended) = optimize(&place, &quickly(&arguments)) else {
        return;
    };
    let told = ended.expect(0, &[]).json();
    let right = records(&told, CORRECTNESS, "onnx-optimized", "OnnxCPU");
    assert_eq!(right[0]["outcome"], "ok", "{right:?}");
}

#[test]
fn where_the_time_went_is_told_without_gaps() {
    let place = Place::new();
    place.doubling_model();
    let Some(ended) = optimize(&place, &quickly(&["double.onnx", "--json"])) else {
        return;
    };
    let ended = ended.expect(0, &["of it measuring"]);
    let timeline = &ended.json()["timeline"];
    let number = |value: &Value| value.as_f64().unwrap();
    let phases = timeline["phases"].as_array().unwrap();
    let names: Vec<&str> = phases
        .iter()
        .map(|one| one["what"].as_str().unwrap())
        .collect();
    assert_eq!(names[0], "looking at the model and the host");
    assert!(names.contains(&"growing batches"), "{names:?}");
    assert_eq!(*names.last().unwrap(), "packing");
    let mut end = 0.0;
    for phase in phases {
        assert!((number(&phase["began_ms"]) - end).abs() < 1e-3, "{phase}");
        assert!(
            number(&phase["measuring_ms"]) <= number(&phase["took_ms"]),
            "{phase}"
        );
        end += number(&phase["took_ms"]);
    }
    assert!((number(&timeline["took_ms"]) - end).abs() < 1e-3);
    assert!(number(&timeline["measuring_ms"]) > 0.0);
}

#[test]
fn runtimes_keep_no_record_of_what_they_are_used_for() {
    let place = Place::new();
    place.doubling_model();
    let home = place.path("home");
    std::fs::create_dir(&home).unwrap();
    let Some(mut optimizes) = command(&place, &quickly(&["double.onnx"])) else {
        return;
    };
    let ended = Ended::of(&optimizes.env("HOME", &home).output().unwrap());
    ended.expect(0, &[]);
    let library = onnxruntime().unwrap();
    let mut infers = place.command(&["infer", "double.onnx", "--runner", "OnnxCPU"]);
    infers.args(["--library", &library]);
    Ended::of(&infers.env("HOME", &home).output().unwrap()).expect(0, &[]);
    assert_eq!(listing(&home), [""; 0]);
}

#[test]
fn every_variant_is_compared_at_the_largest_batch_it_was_measured_at() {
    let place = Place::new();
    place.doubling_model();
    let arguments =
        "double.onnx --runner OnnxCPU --batch-sizes 1,6 --time-budget 60s --workspace work";
    let arguments: Vec<&str> = arguments.split(' ').collect();
    let Some(ended) = optimize(&place, &arguments) else {
        return;
    };
    ended.expect(0, &[]);
    let steps = listing(&place.path("work/steps"));
    assert!(steps.len() > 3, "{steps:?}");
    for step in steps {
        let text = std::fs::read_to_string(place.path("work/steps").join(&step)).unwrap();
        let step_file: Value = serde_json::from_str(&text).unwrap();
        let cases = step_file["cases"].as_array().unwrap().iter();
        let names: Vec<&str> = cases.map(|case| case["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["batch 1", "batch 3", "batch 6"], "{step}");
    }
}

#[test]
fn a_budget_that_nothing_meets_ends_with_3_and_a_package_only_if_asked() {
    let place = Place::new();
    place.doubling_model();
    let own = [
        "double.onnx",
        "--runner",
        "OnnxCPU",
        "--latency-budget",
        "0.00001ms",
    ];
    let own = [&own[..], QUICK].concat();
    let Some(ended) = optimize(&place, &own) else {
        return;
    };
    ended.expect(3, &["no batch has a latency within"]);
    assert!(!place.path("double.nav").exists());
    let kept = [&own[..], &["--keep-best"]].concat();
    optimize(&place, &kept).unwrap().expect(3, &[]);
    place.nav(&["verify", "double.nav"]).expect(0, &[]);
}

#[test]
fn a_dry_run_prints_the_plan_and_does_nothing() {
    let place = Place::new();
    place.doubling_model();
    let arguments = ["double.onnx", "--dry-run", "--max-batch", "64"];
    let Some(ended) = optimize(&place, &arguments) else {
        return;
    };
    let plan = ended.expect(0, &[]).json();
    assert_eq!(plan["batch_axis"], 0);
    assert_eq!(plan["candidates"][0]["runner"], "OnnxCPU");
    let cases = plan["cases"].as_array().unwrap();
    let names: Vec<&Value> = cases.iter().map(|case| &case["name"]).collect();
    assert_eq!(names, [&json!("batch 1"), &json!("batch 3")]);
    assert_eq!(listing(&place.cache()), [""; 0]);
    assert!(!place.path("double.nav").exists());
}

#[test]
fn without_a_second_runner_the_embedded_one_is_the_reference_and_that_is_said() {
    let place = Place::new();
    place.doubling_model();
    let ended = place.nav(&[
        "optimize",
        "double.onnx",
        "--time-budget",
        "60s",
        "--max-batch",
        "2",
    ]);
    if cfg!(feature = "tract") {
        ended.expect(0, &["no other runner's outputs are compared with it"]);
    } else {
        ended.expect(5, &["no runner for onnx models is ready"]);
    }
}

#[test]
fn a_model_with_external_data_is_packed_with_it() {
    let place = Place::new();
    place.write("far.onnx", &with_external_data().to_bytes());
    let weights: Vec<u8> = (0..16_u8)
        .flat_map(|i| f32::from(i).to_le_bytes())
        .collect();
    place.write("weights.bin", &weights);
    let arguments = quickly(&["far.onnx", "--runner", "OnnxCPU"]);
    let Some(ended) = optimize(&place, &arguments) else {
        return;
    };
    ended.expect(0, &[]);
    place.nav(&["verify", "far.nav"]).expect(0, &[]);
    place.nav(&["unpack", "far.nav", "unpacked"]).expect(0, &[]);
    let unpacked = std::fs::read(place.path("unpacked/onnx/weights.bin")).unwrap();
    assert_eq!(unpacked, weights);
}

#[test]
fn indices_stay_within_their_table_at_every_length() {
    let place = Place::new();
    place.write("table.onnx", &table().to_bytes());
    let arguments = quickly(&[
        "table.onnx",
        "--dim",
        "seq=2..6",
        "--runner",
        "OnnxCPU",
        "--json",
    ]);
    let Some(ended) = optimize(&place, &arguments) else {
        return;
    };
    let told = ended.expect(0, &[]).json();
    let right = records(&told, CORRECTNESS, "onnx-level-none", "OnnxCPU");
    assert_eq!(right[0]["outcome"], "ok");
    assert_eq!(right[0]["comparisons"][0]["largest_absolute"], 0.0);
}

#[test]
fn what_cannot_be_guessed_is_asked_for_by_name() {
    let place = Place::new();
    place.write("open.onnx", &open_dimensions().to_bytes());
    let check = |arguments: &[&str], code: i32, said: &[&str]| {
        if let Some(ended) = optimize(&place, arguments) {
            ended.expect(code, said);
        }
    };
    check(
        &["open.onnx"],
        2,
        &[
            "the extents of `planets` cannot be guessed",
            "--dim planets=MIN..MAX",
        ],
    );
    check(&["open.onnx", "--dim", "moons=2"], 2, &["`moons`"]);
    check(
        &["open.onnx", "--dim", "planets=9..4"],
        2,
        &["planets=9..4"],
    );
    check(
        &["open.onnx", "--dim", "planets=8", "--runner", "Onnx"],
        2,
        &["`Onnx`", "`OnnxCPU`"],
    );
    check(&["none.onnx"], 1, &["none.onnx does not exist"]);
}

#[test]
fn samples_that_do_not_fit_are_named() {
    let place = Place::new();
    place.doubling_model();
    let write = |name: &str, array: &str, dtype: DType, shape: [usize; 2]| {
        let size = dtype.element_size().unwrap() * shape[0] * shape[1];
        let tensor = TensorData::new(dtype, Shape::from(shape), vec![0; size]).unwrap();
        let mut archive = std::io::Cursor::new(Vec::new());
        write_npz(&mut archive, [(array, tensor.view())]).unwrap();
        place.write(name, archive.get_ref());
    };
    write("name.npz", "z", DType::Fp32, [1, 2]);
    write("dtype.npz", "x", DType::Int64, [1, 2]);
    write("shape.npz", "x", DType::Fp32, [1, 3]);
    place.write("bad.npz", b"PK\x03\x04 but not really");
    let check = |file: &str, code: i32, said: &str| {
        if let Some(ended) = optimize(&place, &["double.onnx", "--data", file]) {
            ended.expect(code, &[said]);
        }
    };
    check("name.npz", 1, "name.npz lacks input `x`");
    check("dtype.npz", 1, "holds `x` as INT64, expected FP32");
    check(
        "shape.npz",
        1,
        "holds `x` of shape [1,3], expected [batch,2]",
    );
    check("bad.npz", 4, "bad.npz");
    check("none.npz", 1, "none.npz does not exist");
}

#[test]
fn a_package_is_optimized_again_with_its_samples_and_under_its_name() {
    let place = Place::new();
    place.doubling_model();
    let Some(ended) = optimize(&place, &quickly(&["double.onnx"])) else {
        return;
    };
    ended.expect(0, &["the package is at double.nav"]);
    let again = quickly(&["double.nav", "--runner", "OnnxCPU", "--json"]);
    optimize(&place, &again)
        .unwrap()
        .expect(2, &["say with --output"]);
    let elsewhere = [&again[..], &["--output", "again.nav", "--no-host-facts"]].concat();
    let told = optimize(&place, &elsewhere).unwrap().expect(0, &[]).json();
    assert_eq!(told["model"]["name"], "double");
    assert_eq!(told["provenance"]["host"], Value::Null);
    let runners = told["variants"].as_array().unwrap().iter();
    assert!(
        runners
            .clone()
            .all(|variant| variant["runner"] == "OnnxCPU")
    );
    place.nav(&["verify", "again.nav"]).expect(0, &[]);
}

#[test]
fn a_report_is_written_even_when_nothing_met_the_goals() {
    let place = Place::new();
    place.doubling_model();
    let own = [
        "double.onnx",
        "--latency-budget",
        "0.00001ms",
        "--report",
        "why.html",
    ];
    let own = [&own[..], QUICK].concat();
    let Some(ended) = optimize(&place, &own) else {
        return;
    };
    ended.expect(3, &["the report is at why.html"]);
    let page = std::fs::read_to_string(place.path("why.html")).unwrap();
    assert!(page.contains("no batch has a latency within"), "{page}");
    assert!(!place.path("double.nav").exists());
}

#[test]
fn tolerances_of_the_user_decide() {
    let place = Place::new();
    place.doubling_model();
    let own = quickly(&[
        "double.onnx",
        "--tolerance",
        "y=0.5,0.25",
        "--runner",
        "OnnxCPU",
        "--json",
    ]);
    let Some(ended) = optimize(&place, &own) else {
        return;
    };
    let told = ended.expect(0, &[]).json();
    let right = records(&told, CORRECTNESS, "onnx-level-none", "OnnxCPU");
    let tolerance = &right[0]["comparisons"][0]["tolerance"];
    assert_eq!(
        (&tolerance["absolute"], &tolerance["relative"]),
        (&json!(0.5), &json!(0.25))
    );
}
