//! Exchanges about repositories that were recorded with Triton, over the configurations that it had.

use std::path::Path;
use std::sync::Arc;

use base64ct::{Base64, Encoding};
use nav_serve::{
    BackendFacts, Control, LoadParameters, ModelOpener, OpenError, Opened, RepositoryOptions,
    Source, Startup, Wanted,
};
use serde_json::Value;

use super::place::{everything, opened, serve};
use crate::golden::{Exchange, Grade, grade};
use crate::models::{each, echo};

/// Opens what its models were written in, but for one that cannot be.
#[derive(Debug)]
struct Recorded;

impl ModelOpener for Recorded {
    fn backends(&self) -> &[BackendFacts] {
        &[BackendFacts {
            name: "python",
            platform: "",
            file: "",
        }]
    }

    fn open(&self, wanted: &Wanted<'_>) -> Result<Opened, OpenError> {
        if wanted.name == "broken" {
            return Err(OpenError::new("cannot initialise"));
        }
        let signature = wanted.signature.unwrap().clone();
        let spec = each(signature, wanted.options.clone(), echo);
        Ok(Opened::new(spec.backend, "python"))
    }
}

/// What is different on purpose, and why.
const INTENDED: &[(&str, &str)] = &[
    (
        "repo_load_badparam",
        "a parameter that there is not is the client's fault: 400",
    ),
    (
        "repo_load_badconfig",
        "a configuration that is no JSON is the client's fault: 400",
    ),
    ("repo_load_dotdot", "a model that is not there is not found"),
    (
        "repo_unload_badparam",
        "a parameter of the wrong type is refused, not passed over",
    ),
];

/// The configurations, each with the folders of versions that it had.
fn models() -> tempfile::TempDir {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/models");
    let folder = tempfile::tempdir().unwrap();
    for path in everything(&from) {
        let to = folder.path().join(path.strip_prefix(&from).unwrap());
        if path.is_file() {
            std::fs::copy(&path, to).unwrap();
            continue;
        }
        let versions = if path.ends_with("versions") {
            &["1", "3"][..]
        } else {
            &["1"]
        };
        for version in versions {
            std::fs::create_dir_all(to.join(version)).unwrap();
        }
    }
    folder
}

fn repository(folder: &Path) -> nav_serve::Repository {
    let names = folder.read_dir().unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let at_start = names.filter(|name| name != "later" && name != "broken");
    let options = RepositoryOptions {
        sources: vec![Source::Folder(folder.to_owned())],
        control: Control::Explicit,
        startup: Startup::Named(at_start.collect()),
        ..RepositoryOptions::default()
    };
    let repository = opened(Arc::new(Recorded), options);
    let failures = repository.start().unwrap();
    assert!(failures.is_empty(), "{failures:?}");
    repository
}

#[test]
fn recorded_exchanges_about_repositories_go_as_recorded_but_for_what_is_better_otherwise() {
    let folder = models();
    let subject = serve(&repository(folder.path()));
    let mut wrong = Vec::new();
    for line in include_str!("../../golden/repository.jsonl").lines() {
        let exchange: Exchange = serde_json::from_str(line).unwrap();
        let reply = subject.send(&Base64::decode_vec(&exchange.wire).unwrap());
        let grade = grade(&exchange, reply.as_ref());
        let is_listed = INTENDED.iter().any(|(id, _)| *id == exchange.id);
        if is_listed != (grade == Grade::Different) {
            let body = reply.map(|reply| reply.text().to_owned());
            wrong.push(format!("{} is {grade:?}: {body:?}", exchange.id));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn configurations_are_told_as_they_were_written_with_every_default() {
    let folder = models();
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
