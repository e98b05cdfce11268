//! `nav inspect`: what is told of a good model.

use nav_package_format::DType;
use nav_package_format::onnx::build::{dims, node};
use nav_package_format::onnx::proto::GraphProto;

use crate::nav::Place;

#[test]
fn inputs_and_outputs_come_in_the_order_of_the_graph_with_their_symbols() {
    let place = Place::new();
    let shape = dims("batch,3");
    let model = GraphProto::named("g")
        .takes("zebra/in", DType::Fp32, &shape)
        .takes("apple", DType::Fp32, &shape)
        .with(node("Add", &["zebra/in", "apple"], &["sum"]))
        .with(node("Sub", &["zebra/in", "apple"], &["difference"]))
        .gives("sum", DType::Fp32, &shape)
        .gives("difference", DType::Fp32, &shape)
        .into_model();
    place.write("model.onnx", &model.to_bytes());
    let ended = place.nav(&["inspect", "model.onnx"]).expect(0, &[]);
    let places: Vec<usize> = ["zebra/in", "apple", "sum", "difference"]
        .iter()
        .map(|name| ended.stdout.find(&format!(" {name} ")).unwrap())
        .collect();
    assert!(places.is_sorted(), "{}", ended.stdout);
    assert!(ended.stdout.contains("[batch,3]"), "{}", ended.stdout);
    assert!(ended.stdout.contains("Add 1, Sub 1"), "{}", ended.stdout);
}

#[test]
fn names_in_a_model_cannot_command_the_terminal() {
    let place = Place::new();
    let shape = dims("batch,3");
    let name = "x\u{1b}[2J";
    let model = GraphProto::named("g")
        .takes(name, DType::Fp32, &shape)
        .with(node("Relu", &[name], &["y"]))
        .gives("y", DType::Fp32, &shape)
        .into_model();
    place.write("model.onnx", &model.to_bytes());
    let ended = place.nav(&["inspect", "model.onnx"]).expect(0, &[]);
    assert!(ended.stdout.contains(r"x\u{1b}[2J"), "{}", ended.stdout);
    assert!(!ended.stdout.contains('\u{1b}'), "{:?}", ended.stdout);
    let told = place.nav(&["inspect", "model.onnx", "--json"]).json();
    assert_eq!(
        told["facts"]["onnx"]["signature"]["inputs"][0]["name"],
        name
    );
}

#[test]
fn the_json_has_a_version_the_signature_and_the_digest() {
    let place = Place::new();
    place.doubling_model();
    let facts = place
        .nav(&["inspect", "double.onnx", "--json"])
        .expect(0, &[])
        .json();
    assert_eq!(facts["schema"], 1);
    assert_eq!(facts["format"], "onnx");
    assert_eq!(facts["trust"], "data-only");
    assert_eq!(facts["file"]["sha256"].as_str().unwrap().len(), 64);
    assert_eq!(
        facts["facts"]["onnx"]["signature"]["inputs"][0]["name"],
        "x"
    );
    assert_eq!(facts["facts"]["onnx"]["parameters"]["elements"], 1);
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let place = Place::new();
    place.doubling_model();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let status = place
        .command(&["inspect", "double.onnx"])
        .stdout(writer)
        .status()
        .unwrap();
    assert!(status.success(), "{status}");
}
