//! `nav show` on packages of ours and on real ones of Model Navigator.

use std::path::PathBuf;

use crate::nav::Place;

fn package(name: &str) -> String {
    let data = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../package-format/tests/data");
    data.join("model_navigator")
        .join(name)
        .to_str()
        .unwrap()
        .to_owned()
}

#[test]
fn the_comparison_the_choice_and_the_warnings_are_shown() {
    let place = Place::new();
    let shown = place
        .nav(&["show", &package("out_order.nav")])
        .expect(0, &[])
        .stdout;
    for text in [
        "Model Navigator 0.14.0, format 0.3.2",
        "OnnxCPU",
        "2*",
        "at batch 2, and the lowest latency, 0.034 ms at batch 1",
        "the graph says a: INT64",
    ] {
        assert!(shown.contains(text), "`{text}` is not in {shown}");
    }
}

#[test]
fn a_strategy_and_a_budget_decide_the_batch() {
    let place = Place::new();
    let package = package("mlp_cpu_default.nav");
    let batch = |arguments: &[&str]| {
        let arguments = [&["show", &package, "--json"], arguments].concat();
        let shown = place.nav(&arguments).expect(0, &[]).json();
        shown["choice"]["measurement"]["batch"].as_u64()
    };
    assert_eq!(batch(&["--strategy", "min-latency"]), Some(1));
    assert_eq!(batch(&["--strategy", "max-throughput"]), Some(128));
    assert_eq!(batch(&["--latency-budget", "0.05025ms@p50"]), Some(16));
    assert_eq!(batch(&["--latency-budget", "0.001ms"]), None);
    assert_eq!(batch(&["--variant", "onnx@OnnxCPU"]), Some(128));
    assert_eq!(batch(&["--variant", "onnx@TractCPU"]), None);
}

#[test]
fn what_is_no_package_is_refused() {
    let place = Place::new();
    place.write("noise.nav", &[7; 99]);
    place.nav(&["show", "noise.nav"]).expect(4, &[]);
    place
        .nav(&["show", "none.nav"])
        .expect(1, &["none.nav does not exist"]);
    place
        .nav(&["show", "x.nav", "--strategy", "best"])
        .expect(2, &["there is no strategy `best`"]);
}

#[test]
fn a_package_of_ours_tells_spread_speed_up_error_and_how_it_is_served() {
    let data = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../package-format/tests/data");
    let package = data.join("packages/v1.0.nav").to_str().unwrap().to_owned();
    let place = Place::new();
    let shown = place.nav(&["show", &package]).expect(0, &[]).stdout;
    for text in [
        "written by nav, format 1.0",
        "measured on Some Processor",
        "0.160 ±0.4%",
        "1.25x",
        "3.0e-7 abs, 1.0e-7 rel",
        "to be served as onnx-all-2 on OnnxCPU, batches of up to 8",
    ] {
        assert!(shown.contains(text), "`{text}` is not in {shown}");
    }
    let lines = |arguments: &[&str]| place.nav(arguments).expect(0, &[]).stdout.lines().count();
    assert_eq!(
        lines(&["show", &package, "--batches"]),
        lines(&["show", &package]) + 3
    );
    let json = place
        .nav(&["show", &package, "--json"])
        .expect(0, &[])
        .json();
    assert_eq!(json["choice"]["max_batch"], 8);
    assert_eq!(json["serving"]["threads"], 2);
}
