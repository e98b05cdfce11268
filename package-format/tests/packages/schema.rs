//! The published schema says what is written, neither more nor less.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::manifests;

fn schema() -> Value {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/manifest.schema.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// The schema with nothing allowed that it does not describe.
fn closed(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if members.contains_key("properties") && !members.contains_key("additionalProperties") {
                members.insert("additionalProperties".to_owned(), json!(false));
            }
            members.values_mut().for_each(closed);
        }
        Value::Array(items) => items.iter_mut().for_each(closed),
        _ => {}
    }
}

#[test]
fn a_manifest_with_everything_in_it_is_as_the_schema_says() {
    let mut schema = schema();
    closed(&mut schema);
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(&manifests::document())
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert_eq!(errors, [] as [String; 0]);
}

#[test]
fn the_schema_refuses_what_the_reader_refuses() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let check = |change: &dyn Fn(&mut Value)| {
        let mut document = manifests::document();
        change(&mut document);
        assert!(!validator.is_valid(&document), "{document}");
        assert!(manifests::parse(&document).is_err(), "{document}");
    };
    check(&|m| m["format"] = json!("2.0"));
    check(&|m| m["variants"][0]["runner"] = json!(null));
    check(&|m| m["variants"][0]["instances"] = json!(0));
    check(&|m| m["files"][0]["sha256"] = json!("abc"));
    check(&|m| m["model"]["signature"]["inputs"][0]["dtype"] = json!("FP31"));
    for member in [
        "model",
        "variants",
        "records",
        "decisions",
        "provenance",
        "files",
    ] {
        check(&|m| drop(m.as_object_mut().unwrap().remove(member)));
    }
}
