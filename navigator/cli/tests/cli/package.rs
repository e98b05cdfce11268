//! `nav verify` and `nav unpack` on a package of ours and a real one of Model Navigator, and on what is made
//! of them.

use std::path::PathBuf;

use crate::nav::{Place, listing};

/// A copy of a real package, as bytes.
fn package() -> Vec<u8> {
    let data = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../package-format/tests/data");
    std::fs::read(data.join("model_navigator/nobatch_add.nav")).unwrap()
}

/// A byte of the model, which is stored as it is.
fn inside_the_model(package: &[u8]) -> usize {
    let name = b"onnx/model.onnx";
    let starts_a_header = |at: &usize| {
        package[*at..].starts_with(b"PK\x03\x04") && package[at + 30..].starts_with(name)
    };
    let header = (0..package.len()).find(starts_a_header).unwrap();
    header + 30 + name.len() + 8
}

#[test]
fn a_whole_package_is_told_file_by_file() {
    let place = Place::new();
    place.write("whole.nav", &package());
    let verified = place
        .nav(&["verify", "whole.nav", "--json"])
        .expect(0, &["are whole"])
        .json();
    let files = verified["files"].as_array().unwrap();
    assert!(files.iter().any(|file| file["name"] == "onnx/model.onnx"));
    assert!(
        files
            .iter()
            .all(|file| file["sha256"].as_str().unwrap().len() == 64)
    );
}

#[test]
fn a_changed_byte_is_found_and_its_file_named() {
    let place = Place::new();
    let mut bytes = package();
    let at = inside_the_model(&bytes);
    bytes[at] ^= 0x10;
    place.write("changed.nav", &bytes);
    place
        .nav(&["verify", "changed.nav"])
        .expect(4, &["onnx/model.onnx"]);
    place
        .nav(&["unpack", "changed.nav", "out"])
        .expect(4, &["onnx/model.onnx"]);
    assert!(!place.path("out").exists(), "nothing half-done is left");
}

#[test]
fn what_is_cut_or_carries_more_is_refused() {
    let place = Place::new();
    let whole = package();
    place.write("cut.nav", &whole[..whole.len() - 1]);
    place.write("more.nav", &[&whole[..], b"x"].concat());
    for name in ["cut.nav", "more.nav"] {
        place.nav(&["verify", name]).expect(4, &[]);
        place.nav(&["show", name]).expect(4, &[]);
    }
}

#[test]
fn a_package_is_unpacked_once_and_never_over_anything() {
    let place = Place::new();
    place.write("whole.nav", &package());
    place
        .nav(&["unpack", "whole.nav", "out"])
        .expect(0, &["unpacked"]);
    assert!(place.path("out/onnx/model.onnx").is_file());
    assert!(listing(&place.path("out")).contains(&"status.yaml".to_owned()));
    place
        .nav(&["unpack", "whole.nav", "out"])
        .expect(2, &["nothing is overwritten"]);
}

#[test]
fn a_package_of_ours_is_checked_against_its_own_digests() {
    let place = Place::new();
    let data = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../package-format/tests/data");
    let mut bytes = std::fs::read(data.join("packages/v1.0.nav")).unwrap();
    place.write("ours.nav", &bytes);
    place.nav(&["verify", "ours.nav"]).expect(0, &["are whole"]);
    place
        .nav(&["unpack", "ours.nav", "out"])
        .expect(0, &["unpacked"]);
    assert!(place.path("out/nav/manifest.json").is_file());
    let operator = b"MatMul";
    let at = bytes
        .windows(operator.len())
        .position(|bytes| bytes == operator);
    bytes[at.unwrap()] ^= 0x10;
    place.write("changed.nav", &bytes);
    for command in [
        &["verify", "changed.nav"][..],
        &["unpack", "changed.nav", "other"],
    ] {
        place.nav(command).expect(4, &["onnx/model.onnx"]);
    }
    assert!(!place.path("other").exists(), "nothing half-done is left");
}
