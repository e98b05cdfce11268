//! What is told of configurations, as they were written for Triton.

use nav_serve::LoadParameters;
use serde_json::Value;

use super::place::serve;
use crate::models::recorded::{folder, repository};

#[test]
fn configurations_are_told_as_they_were_written_with_every_default() {
    let folder = folder();
    let repository = repository(folder.path());
    repository
        .load("later", &LoadParameters::default())
        .unwrap();
    let subject = serve(&repository);
    let of = |model: &str| -> Value {
        let told = subject.get(&format!("/v2/models/{model}/config"));
        serde_json::from_slice(&told.body).unwrap()
    };
    let check = |model: &str, pointer: &str, expected: Value| {
        let config = of(model);
        assert_eq!(config.pointer(pointer), Some(&expected), "{model}{pointer}");
    };
    check("ident_fp32", "/name", "ident_fp32".into());
    check("ident_fp32", "/platform", "".into());
    check("ident_fp32", "/backend", "python".into());
    check(
        "ident_fp32",
        "/version_policy/latest/num_versions",
        1.into(),
    );
    check(
        "ident_fp32",
        "/dynamic_batching/preferred_batch_size/0",
        8.into(),
    );
    check(
        "ident_fp32",
        "/instance_group/0/name",
        "ident_fp32_0".into(),
    );
    check("ident_fp32", "/instance_group/0/kind", "KIND_CPU".into());
    check("ident_fp32", "/instance_group/0/count", 1.into());
    check("ident_bytes", "/input/0/data_type", "TYPE_STRING".into());
    check(
        "versions",
        "/version_policy",
        serde_json::json!({"all": {}}),
    );
    check("labels", "/output/0/label_filename", "labels.txt".into());
    check(
        "seqsum",
        "/sequence_batching/max_sequence_idle_microseconds",
        5_000_000.into(),
    );
    check("repeat", "/model_transaction_policy/decoupled", true.into());
    check("cached", "/response_cache/enable", true.into());
    check("slowq", "/dynamic_batching/priority_levels", 2.into());
    check(
        "slowq",
        "/dynamic_batching/default_queue_policy/max_queue_size",
        1.into(),
    );
    check("ensemble", "/platform", "ensemble".into());
    check(
        "ensemble",
        "/ensemble_scheduling/step/1/output_map/OUTPUT0",
        "Y".into(),
    );
    check("ensemble", "/instance_group", serde_json::json!([]));
    let body = br#"{"inputs":[{"name":"INPUT0","shape":[1,4],"datatype":"FP32","data":[1,5,3,2]}],"outputs":[{"name":"OUTPUT0","parameters":{"classification":2}}]}"#;
    let classified = subject.post("/v2/models/labels/infer", &[], body);
    let expected = r#"["5.000000:1:pear","3.000000:2:plum"]"#;
    assert!(
        classified.text().contains(expected),
        "{}",
        classified.text()
    );
}
