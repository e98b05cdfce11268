//! `nav infer` on the embedded runner, which needs nothing installed.

use nav_package_format::numpy::{Limits, NumpyFile, read_file, write_npy, write_npz};
use nav_package_format::{DType, Shape, TensorData};
use serde_json::json;

use crate::nav::{Ended, Place};

fn floats(shape: &[usize], elements: &[f32]) -> TensorData {
    let bytes = elements
        .iter()
        .flat_map(|element| element.to_le_bytes())
        .collect();
    TensorData::new(DType::Fp32, Shape::from(shape), bytes).unwrap()
}

fn write_input(place: &Place, name: &str, tensor: &TensorData) {
    let mut file = Vec::new();
    write_npy(&mut file, tensor.view()).unwrap();
    place.write(name, &file);
}

/// Runs on tract, which is in the program unless it was built without.
fn infer(place: &Place, arguments: &[&str]) -> Option<Ended> {
    let with_runner = [&["infer", "double.onnx", "--runner", "TractCPU"], arguments].concat();
    let ended = place.nav(&with_runner);
    if cfg!(feature = "tract") {
        return Some(ended);
    }
    ended.expect(2, &["there is no runner `TractCPU`"]);
    None
}

#[test]
fn a_given_input_gives_the_right_output() {
    let place = Place::new();
    place.doubling_model();
    write_input(&place, "x.npy", &floats(&[2, 2], &[1.0, 2.0, 3.0, -4.5]));
    let Some(ended) = infer(&place, &["--input", "x=x.npy", "--json"]) else {
        return;
    };
    let output = &ended.expect(0, &["TractCPU on cpu"]).json()["outputs"][0];
    assert_eq!(output["name"], "y");
    assert_eq!(output["shape"], json!([2, 2]));
    assert_eq!(output["data"], json!([2.0, 4.0, 6.0, -9.0]));
}

#[test]
fn outputs_are_saved_whole_and_come_back_equal() {
    let place = Place::new();
    place.doubling_model();
    let mut archive = std::io::Cursor::new(Vec::new());
    write_npz(&mut archive, [("x", floats(&[1, 2], &[0.5, 8.0]).view())]).unwrap();
    place.write("inputs.npz", archive.get_ref());
    let arguments = [
        "--input",
        "inputs.npz",
        "--output",
        "outputs.npz",
        "--isolate",
    ];
    let Some(ended) = infer(&place, &arguments) else {
        return;
    };
    let ended = ended.expect(0, &["isolated"]);
    assert_eq!(ended.stdout, "");
    let saved = read_file(&place.path("outputs.npz"), &Limits::default()).unwrap();
    assert_eq!(
        saved,
        NumpyFile::Many(vec![("y".to_owned(), floats(&[1, 2], &[1.0, 16.0]))])
    );
}

#[test]
fn generated_inputs_depend_on_the_seed_alone() {
    let place = Place::new();
    place.doubling_model();
    let run = |seed: &str| {
        let ended = infer(&place, &["--dim", "batch=3", "--seed", seed, "--json"])?;
        Some(ended.expect(0, &[]).stdout)
    };
    let Some(first) = run("7") else { return };
    assert_eq!(run("7"), Some(first.clone()));
    assert_ne!(run("8"), Some(first));
}

#[test]
fn inputs_that_do_not_fit_are_named() {
    let place = Place::new();
    place.doubling_model();
    write_input(&place, "x.npy", &floats(&[1, 3], &[0.0; 3]));
    place.write("bad.npy", b"\x93NUMPY but not really");
    let check = |arguments: &[&str], code: i32, said: &str| {
        if let Some(ended) = infer(&place, arguments) {
            ended.expect(code, &[said]);
        }
    };
    check(
        &["--input", "x=x.npy"],
        1,
        "input `x` has shape [1,3], expected [batch,2]",
    );
    check(&["--input", "z=x.npy"], 1, "no input `z`");
    check(
        &["--input", "x=x.npy", "--input", "x=x.npy"],
        1,
        "given twice",
    );
    check(&["--input", "x.npy"], 2, "say which input it is");
    check(&["--input", "x=none.npy"], 1, "none.npy does not exist");
    check(&["--input", "x=bad.npy"], 4, "bad.npy");
    check(&["--dim", "width=3"], 2, "`width`");
    check(&["--setting", "spinning=true"], 2, "spinning");
}

#[test]
fn without_onnx_runtime_and_offline_the_embedded_runner_is_used_and_that_is_said() {
    let place = Place::new();
    place.doubling_model();
    let ended = place.nav(&["infer", "double.onnx"]);
    if cfg!(feature = "tract") {
        ended.expect(
            0,
            &[
                "onnxruntime is not installed, and downloads are forbidden",
                "TractCPU",
            ],
        );
    } else {
        ended.expect(5, &["no runner for onnx models is ready", "hint:"]);
    }
}

#[test]
fn a_named_runner_is_never_replaced() {
    let place = Place::new();
    place.doubling_model();
    let ended = place.nav(&["infer", "double.onnx", "--runner", "OnnxCPU"]);
    ended.expect(5, &["onnxruntime is not installed", "hint:"]);
    let ended = place.nav(&["infer", "double.onnx", "--runner", "TensorRT"]);
    ended.expect(5, &["runner TensorRT is not available", "hint:"]);
}

/// A package of ours, from the samples.
fn package(place: &Place) {
    let data = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../package-format/tests/data"
    );
    let bytes = std::fs::read(format!("{data}/packages/v1.0.nav")).unwrap();
    place.write("line.nav", &bytes);
}

#[test]
fn a_package_runs_the_best_variant_whose_runner_is_ready() {
    let place = Place::new();
    package(&place);
    let arguments = ["infer", "line.nav", "--dim", "batch=3", "--json"];
    let ended = place.nav(&arguments);
    if cfg!(feature = "tract") {
        // What ONNX Runtime would run best is passed over, as it is not installed here.
        let ended = ended.expect(0, &["running onnx on TractCPU"]);
        assert_eq!(ended.json()["outputs"][0]["shape"], json!([3, 2]));
    } else {
        ended.expect(5, &["onnx-all-2 on OnnxCPU cannot run here", "hint: "]);
    }
}

#[test]
fn a_package_is_run_as_it_was_measured_and_on_terms_that_it_meets() {
    let place = Place::new();
    package(&place);
    place
        .nav(&["infer", "line.nav", "--runner", "TractCPU"])
        .expect(2, &["has its runner, device and settings with it"]);
    place
        .nav(&["infer", "line.nav", "--latency-budget", "1 day"])
        .expect(2, &["is no latency budget"]);
    place
        .nav(&["infer", "line.nav", "--latency-budget", "0.001ms"])
        .expect(3, &["chose nothing"]);
    place.doubling_model();
    place
        .nav(&["infer", "double.onnx", "--strategy", "min-latency"])
        .expect(2, &["a strategy chooses among the variants of a package"]);
}

#[test]
fn a_policy_that_asks_for_a_signature_keeps_packages_and_models_from_being_loaded() {
    let place = Place::new();
    package(&place);
    place.doubling_model();
    place.nav(&["keygen", "--out", "team"]).expect(0, &[]);
    for model in ["line.nav", "double.onnx"] {
        let asked = [
            "infer",
            model,
            "--require-signature",
            "--trusted-key",
            "team.pub",
        ];
        place.nav(&asked).expect(4, &[model, "sig"]);
    }
    place
        .nav(&["sign", "line.nav", "--key", "team.pem"])
        .expect(0, &[]);
    let asked = [
        "infer",
        "line.nav",
        "--require-signature",
        "--trusted-key",
        "team.pub",
    ];
    let ended = place.nav(&asked);
    if cfg!(feature = "tract") {
        ended.expect(0, &["running onnx on TractCPU"]);
    }
}
