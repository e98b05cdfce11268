//! Manifests that nobody should believe.

use nav_package_format::Digest;
use nav_package_format::package::manifest::StoredFile;
use nav_package_format::package::{Manifest, ManifestError, VariantFile};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::content;

fn manifest() -> Manifest {
    let file = VariantFile {
        name: "model.onnx".to_owned(),
        entry: "onnx/model.onnx".to_owned(),
    };
    let mut manifest = content::manifest(&content::model(1), &[file]);
    manifest.files = vec![StoredFile {
        name: "onnx/model.onnx".to_owned(),
        bytes: 3,
        sha256: Digest::of(b"abc"),
    }];
    manifest
}

pub(crate) fn document() -> Value {
    serde_json::from_slice(&manifest().to_text().unwrap()).unwrap()
}

pub(crate) fn parse(document: &Value) -> Result<Manifest, ManifestError> {
    Manifest::parse(&serde_json::to_vec(document).unwrap())
}

#[test]
fn a_later_major_version_is_refused_with_both_versions_named() {
    let mut document = document();
    document["format"] = json!("2.0");
    // Whatever else a later version changed, it is told as a later version.
    document["variants"] = json!({ "in": "another form" });
    let error = parse(&document).unwrap_err();
    assert!(matches!(error, ManifestError::Version { .. }), "{error}");
    assert_eq!(
        error.to_string(),
        "the package has format 2.0, and this program reads format 1 (it writes 1.0)"
    );
}

#[test]
fn what_a_later_minor_version_adds_is_passed_over() {
    let mut document = document();
    document["format"] = json!("1.7");
    document["added"] = json!([1, 2, 3]);
    document["variants"][0]["added"] = json!("too");
    document["variants"][0]["format"] = json!("tensorrt-plan");
    let read = parse(&document).unwrap();
    assert_eq!(read.variants[0].known_format(), None);
}

#[test]
fn contradictions_are_refused_by_name() {
    let check = |change: &dyn Fn(&mut Value), expected: &str| {
        let mut document = document();
        change(&mut document);
        let error = parse(&document).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    check(&|m| m["files"] = json!([]), "not among the files");
    check(&|m| m["model"]["files"] = json!([]), "has no file");
    check(
        &|m| m["model"]["files"][0]["name"] = json!("../model.onnx"),
        "../model.onnx",
    );
    check(&|m| m["variants"][1] = m["variants"][0].clone(), "twice");
    check(&|m| m["variants"][0]["instances"] = json!(0), "0 instances");
    check(
        &|m| m["records"][0]["variant"] = json!("ghost"),
        "no variant",
    );
    check(
        &|m| m["records"][1]["measurements"][0]["throughput"] = json!(-1.0),
        "no measurement",
    );
    check(&|m| m["serving"]["variant"] = json!("ghost"), "no variant");
    check(
        &|m| m["serving"]["preferred_batches"] = json!([16]),
        "batches of 16",
    );
    check(&|m| m["format"] = json!("one"), "no format version");
    check(&|m| m["variants"] = json!(3), "expected a sequence");
    let file = json!({"name": "onnx/model.onnx", "bytes": 3, "sha256": Digest::of(b"abc")});
    check(&|m| m["files"] = json!([file, file]), "order of names");
}

#[test]
fn a_member_that_is_there_twice_is_refused() {
    let text = String::from_utf8(manifest().to_text().unwrap()).unwrap();
    let twice = text.replacen("\"model\":", "\"model\": {}, \"model\":", 1);
    assert!(Manifest::parse(twice.as_bytes()).is_err());
}

#[test]
fn nesting_without_end_is_refused() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let text = format!("{{\"format\": \"1.0\", \"model\": {deep}}}");
    assert!(matches!(
        Manifest::parse(text.as_bytes()),
        Err(ManifestError::Malformed { .. })
    ));
}

proptest! {
    #[test]
    fn damaged_text_is_an_error_or_a_manifest_that_makes_sense(
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut text = manifest().to_text().unwrap();
        let at = at.index(text.len());
        text[at] = byte;
        if let Ok(read) = Manifest::parse(&text) {
            prop_assert!(read.to_text().is_ok());
        }
    }
}
