//! Models that are broken or hostile: exit 4, the file and the cause named, nothing else read.

use nav_package_format::DType;
use nav_package_format::onnx::build::{dims, external_tensor, node};
use nav_package_format::onnx::proto::GraphProto;

use crate::nav::{Place, doubling};

/// Both commands refuse the file, in the same words.
#[track_caller]
fn refused(place: &Place, name: &str, said: &[&str]) {
    let said: Vec<&str> = said.iter().copied().chain([name]).collect();
    place.nav(&["inspect", name]).expect(4, &said);
    place
        .nav(&["infer", name, "--runner", "TractCPU"])
        .expect(4, &said);
}

#[test]
fn files_that_are_no_models_are_refused() {
    let place = Place::new();
    let whole = doubling(&dims("batch,2")).to_bytes();
    place.write("empty.onnx", b"");
    place.write("cut.onnx", &whole[..whole.len() / 2]);
    place.write("noise.onnx", &[0xff; 999]);
    refused(&place, "empty.onnx", &["the file is empty"]);
    refused(&place, "cut.onnx", &["cut short"]);
    refused(&place, "noise.onnx", &[]);
}

#[test]
fn what_is_not_there_or_no_file_is_a_plain_failure() {
    let place = Place::new();
    place.write("folder.onnx/file", b"");
    place
        .nav(&["inspect", "nothing.onnx"])
        .expect(1, &["nothing.onnx does not exist"]);
    place
        .nav(&["inspect", "folder.onnx"])
        .expect(1, &["is a folder"]);
}

#[test]
fn external_data_outside_the_folder_is_never_opened() {
    let place = Place::new();
    place.write("secret.bin", &[0; 8]);
    place.write("models/linked.bin", &[0; 8]);
    let linked = place.path("models/link.bin");
    std::os::unix::fs::symlink(place.path("secret.bin"), linked).unwrap();
    let absolute = place.path("secret.bin");
    let check = |location: &str, offset: &str, said: &str| {
        let weight = external_tensor(
            "w",
            DType::Fp32,
            &[2],
            &[("location", location), ("offset", offset)],
        );
        let model = GraphProto::named("g")
            .takes("x", DType::Fp32, &dims("2"))
            .holds(weight)
            .with(node("Add", &["x", "w"], &["y"]))
            .gives("y", DType::Fp32, &dims("2"))
            .into_model();
        place.write("models/model.onnx", &model.to_bytes());
        refused(&place, "models/model.onnx", &["\"w\"", said]);
    };
    check("../secret.bin", "0", "leads out of a folder");
    check(absolute.to_str().unwrap(), "0", "absolute");
    check("link.bin", "0", "link");
    check("linked.bin", "4096", "past");
    check("linked.bin", "-1", "not a number of bytes");
}

#[test]
fn nesting_and_counts_beyond_all_measure_are_refused() {
    let place = Place::new();
    // A graph whose only content is a field that claims 2^62 bytes.
    let claim = [
        0x08, 0x0a, 0x3a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x3f,
    ];
    place.write("claim.onnx", &claim);
    refused(&place, "claim.onnx", &[]);
    let mut nested = GraphProto::named("inner");
    for _ in 0..300 {
        let branch = node("If", &["c"], &["y"]).with(nav_package_format::onnx::build::graph_value(
            "then_branch",
            nested,
        ));
        nested = GraphProto::named("g").with(branch);
    }
    place.write("deep.onnx", &nested.into_model().to_bytes());
    refused(&place, "deep.onnx", &["deep"]);
}

#[test]
fn a_checkpoint_that_is_only_a_pickle_is_refused_unopened() {
    let place = Place::new();
    place.write("model.pt", b"\x80\x02}q\x00.");
    place.nav(&["inspect", "model.pt"]).expect(4, &["pickle"]);
}
