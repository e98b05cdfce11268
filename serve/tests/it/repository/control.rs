//! Loading and unloading as clients ask for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use nav_serve::{
    AccessPolicy, Control, LoadParameters, RepositoryOptions, Source, Startup, UnloadParameters,
};
use serde_json::json;

use super::place::{ADDING, Adding, Place, ask, change, index, opened, serve};
use crate::metrics;
use crate::rpc::Client;
use crate::subject::{PATIENCE, Subject, options};

#[test]
fn clients_load_and_unload_what_is_in_the_repository() {
    let place = Place::new();
    place.adding("one", &["1"]);
    place.adding("two", &["2"]);
    let subject = place.explicit();
    assert_eq!(index(&subject), r#"[{"name":"one"},{"name":"two"}]"#);
    assert!(ask(&subject, "one").is_err());
    assert_eq!(change(&subject, "load", "one", ""), (200, String::new()));
    assert_eq!(ask(&subject, "one"), Ok(2.0));
    let one = r#"[{"name":"one","version":"1","state":"READY"},{"name":"two"}]"#;
    assert_eq!(index(&subject), one);
    let ready = subject.post("/v2/repository/index", &[], br#"{"ready":true}"#);
    let expected = r#"[{"name":"one","version":"1","state":"READY"}]"#;
    assert_eq!(ready.text(), expected);
    assert_eq!(change(&subject, "load", "one", "{}").0, 200);
    assert_eq!(change(&subject, "unload", "one", "").0, 200);
    let gone = r#"[{"name":"one","version":"1","state":"UNAVAILABLE","reason":"unloaded"},{"name":"two"}]"#;
    wait_for(|| index(&subject) == gone);
    assert!(ask(&subject, "one").is_err());
    assert_eq!(change(&subject, "unload", "one", "").0, 200);
    assert_eq!(change(&subject, "unload", "two", "").0, 200);
    let extensions = subject.get("/v2").text().to_owned();
    assert!(extensions.contains(r#""model_repository","model_repository(unload_dependents)""#));
}

pub(super) fn wait_for(mut condition: impl FnMut() -> bool) {
    let began = std::time::Instant::now();
    while !condition() {
        assert!(began.elapsed() < PATIENCE, "it does not come");
        std::thread::yield_now();
    }
}

#[test]
fn what_cannot_be_asked_is_refused() {
    let place = Place::new();
    place.adding("one", &["1"]);
    let subject = place.explicit();
    let check = |what: &str, model: &str, body: &str, status: u16, text: &str| {
        let (found, error) = change(&subject, what, model, body);
        assert_eq!(found, status, "{error}");
        assert!(error.starts_with(text), "{error}");
    };
    let unknown =
        "failed to load 'nope', failed to poll from model repository: there is no such model";
    check("load", "nope", "", 404, unknown);
    check("unload", "nope", "", 404, unknown);
    for name in ["..", ".", "one%2f", "one%00", "%2e%2e", ""] {
        check("load", name, "", 404, "");
    }
    let parameters = |text: &str| format!(r#"{{"parameters":{text}}}"#);
    check(
        "load",
        "one",
        "zzz",
        400,
        "failed to parse the request JSON buffer: ",
    );
    check(
        "load",
        "one",
        &parameters(r#"{"x":"y"}"#),
        400,
        "parameter 'x': there is no such parameter",
    );
    check(
        "load",
        "one",
        &parameters(r#"{"config":"{}","config":"{}"}"#),
        400,
        "failed to parse the request JSON buffer: an object has a member twice at 37",
    );
    check(
        "load",
        "one",
        &parameters(r#"{"config":"zzz"}"#),
        400,
        "failed to load 'one', failed to poll from model repository: parameter 'config': ",
    );
    check(
        "unload",
        "one",
        &parameters(r#"{"unload_dependents":"x"}"#),
        400,
        "parameter 'unload_dependents': it must be a truth value",
    );
    let (status, text) = change(&subject, "load", "one", "");
    assert_eq!((status, text.as_str()), (200, ""));
    assert_eq!(
        subject
            .post("/v2/repository/r/models/one/load", &[], b"")
            .status,
        501
    );
}

#[test]
fn models_are_not_changed_where_clients_may_not() {
    let place = Place::new();
    place.adding("one", &["1"]);
    let explicit = "explicit model load / unload is not allowed if polling is enabled";
    for control in [Control::None, Control::Poll(PATIENCE)] {
        let subject = serve(&place.repository(control));
        let refused = (503, explicit.to_owned());
        assert_eq!(change(&subject, "load", "one", ""), refused);
        assert_eq!(change(&subject, "unload", "one", ""), refused);
        assert_eq!(ask(&subject, "one"), Ok(2.0));
        assert!(!subject.get("/v2").text().contains("model_repository"));
    }
    let closed = options().everywhere(|it| it.access = AccessPolicy::default());
    let subject = Subject::start_repository(&place.repository(Control::Explicit), closed);
    assert_eq!(change(&subject, "load", "one", "").0, 403);
    assert_eq!(change(&subject, "unload", "one", "").0, 403);
}

#[test]
fn a_load_that_fails_says_why_and_leaves_the_rest_as_it_is() {
    let place = Place::new();
    place.adding("good", &["1"]);
    place.adding("bad", &["none"]);
    let repository = opened(Arc::new(Adding), place.options(Control::Explicit));
    let failures = repository.start().unwrap();
    assert_eq!(failures.len(), 1);
    let subject = serve(&repository);
    let why = "model 'bad': version 1 is at UNAVAILABLE state: bad/1/model.txt holds no number but `none`";
    let entry = format!(
        r#"{{"name":"bad","version":"1","state":"UNAVAILABLE","reason":"load failed for {why}"}}"#
    );
    let good = r#"{"name":"good","version":"1","state":"READY"}"#;
    assert_eq!(index(&subject), format!("[{entry},{good}]"));
    assert_eq!(subject.get("/v2/health/ready").status, 400);
    assert_eq!(subject.get("/v2/health/live").status, 200);
    assert_eq!(ask(&subject, "good"), Ok(2.0));
    let refused = change(&subject, "load", "bad", "");
    assert_eq!(refused, (400, format!("load failed for {why}")));
    // A newer version that is broken keeps the older one, of the same number or another.
    place.write("good/1/model.txt", "none");
    let (status, text) = change(&subject, "load", "good", "");
    assert_eq!(status, 400, "{text}");
    assert_eq!(ask(&subject, "good"), Ok(2.0));
    let reason = r#""state":"READY","reason":"load failed for model 'good'"#;
    assert!(index(&subject).contains(reason), "{}", index(&subject));
    place.write("good/1/model.txt", "1");
    place.write("good/2/model.txt", "none");
    assert_eq!(change(&subject, "load", "good", "").0, 400);
    assert_eq!(ask(&subject, "good"), Ok(2.0));
    // What is mended is loaded, and the server is ready.
    place.write("bad/1/model.txt", "5");
    place.write("good/2/model.txt", "7");
    for (model, expected) in [("bad", 6.0), ("good", 8.0)] {
        assert_eq!(change(&subject, "load", model, "").0, 200);
        assert_eq!(ask(&subject, model), Ok(expected));
    }
    assert_eq!(subject.get("/v2/health/ready").status, 200);
    assert!(
        !index(&subject).contains("load failed"),
        "{}",
        index(&subject)
    );
}

#[test]
fn a_configuration_that_cannot_be_honoured_is_named_with_its_line_or_field() {
    let place = Place::new();
    place.adding("one", &["1"]);
    let subject = place.explicit();
    let check = |config: &str, expected: &str| {
        place.write("one/config.pbtxt", config);
        let (status, text) = change(&subject, "load", "one", "");
        assert_eq!(status, 400);
        let before = "failed to load 'one', failed to poll from model repository: config.pbtxt: ";
        assert_eq!(text.strip_prefix(before), Some(expected), "{text}");
    };
    check(
        "name: 'one'\nmax_batch: 3\n",
        "line 2: field 'max_batch' not found for message 'inference.ModelConfig'",
    );
    check(
        "name: 'other'",
        "name: it is `other`, and the model is `one`",
    );
    check(
        "max_batch_size: 2 dynamic_batching { preferred_batch_size: [ 4 ] }",
        "dynamic_batching.preferred_batch_size: a batch of 4 is not within max_batch_size, 2",
    );
    place.write("one/config.pbtxt", "backend: 'python'");
    let (_, text) = change(&subject, "load", "one", "");
    let expected = "there is no backend `python`; there are identity, repeat, square, adding";
    assert!(text.ends_with(expected), "{text}");
    place.write(
        "one/config.pbtxt",
        "version_policy { specific { versions: 7 } }",
    );
    let (status, text) = change(&subject, "load", "one", "");
    let expected = "load failed for model 'one': at least one version must be available under the version policy of model 'one'";
    assert_eq!((status, text.as_str()), (400, expected));
}

#[test]
fn no_request_fails_while_a_model_is_loaded_again_and_again() {
    let place = Place::new();
    place.adding("one", &["0"]);
    let subject = serve(&place.repository(Control::Explicit));
    let is_over = AtomicBool::new(false);
    let answered = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let mut last = 0.0;
                while !is_over.load(Ordering::Acquire) {
                    let answer = ask(&subject, "one").unwrap();
                    assert!(answer >= last, "an older model answers after a newer one");
                    last = answer;
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for number in 1..=40 {
            let before = answered.load(Ordering::Relaxed);
            place.write("one/1/model.txt", &number.to_string());
            assert_eq!(change(&subject, "load", "one", "").0, 200);
            assert_eq!(ask(&subject, "one"), Ok(f64::from(number) + 1.0));
            assert_eq!(subject.get("/v2/health/ready").status, 200);
            wait_for(|| answered.load(Ordering::Relaxed) > before);
        }
        is_over.store(true, Ordering::Release);
    });
}

#[test]
fn versions_are_served_as_the_policy_says() {
    let place = Place::new();
    let check = |policy: &str, expected: &[&str]| {
        place.write("many/config.pbtxt", &format!("{ADDING} {policy}"));
        let repository = place.repository(Control::None);
        let versions = repository.engine().versions("many");
        let versions: Vec<String> = versions.iter().map(|it| it.version().to_string()).collect();
        assert_eq!(versions, expected, "{policy}");
    };
    place.adding("many", &["1", "2", "3"]);
    place.write("many/04/model.txt", "4");
    check("", &["3"]);
    check("version_policy { latest { num_versions: 2 } }", &["2", "3"]);
    check("version_policy { all { } }", &["1", "2", "3"]);
    check(
        "version_policy { specific { versions: [ 1, 3 ] } }",
        &["1", "3"],
    );
    // One that is not taken any more goes when the rest is loaded.
    place.write(
        "many/config.pbtxt",
        &format!("{ADDING} version_policy {{ all {{ }} }}"),
    );
    let repository = place.repository(Control::Explicit);
    std::fs::remove_dir_all(place.models().join("many/2")).unwrap();
    repository.load("many", &LoadParameters::default()).unwrap();
    let versions = repository.engine().versions("many");
    let versions: Vec<u64> = versions.iter().map(|it| it.version()).collect();
    assert_eq!(versions, [1, 3]);
}

#[test]
fn only_what_has_changed_is_loaded_again() {
    let place = Place::new();
    place.adding("many", &["1", "2"]);
    place.write(
        "many/config.pbtxt",
        &format!("{ADDING} version_policy {{ all {{ }} }}"),
    );
    let repository = place.repository(Control::Explicit);
    let model = |version| repository.engine().model("many", Some(version)).unwrap();
    let (one, two) = (model(1), model(2));
    place.write("many/2/model.txt", "5");
    repository.load("many", &LoadParameters::default()).unwrap();
    assert!(Arc::ptr_eq(&one, &model(1)));
    assert!(!Arc::ptr_eq(&two, &model(2)));
}

#[test]
fn readiness_is_as_strict_as_it_is_asked_to_be() {
    let place = Place::new();
    place.adding("bad", &["none"]);
    for (strict_readiness, expected) in [(true, false), (false, true)] {
        let options = RepositoryOptions {
            strict_readiness,
            ..place.options(Control::Explicit)
        };
        let repository = opened(Arc::new(Adding), options);
        repository.start().unwrap();
        assert_eq!(repository.is_ready(), expected);
        repository
            .unload("bad", UnloadParameters::default())
            .unwrap();
        assert!(repository.is_ready());
    }
}

#[test]
fn a_file_that_is_a_model_is_controlled_like_a_folder() {
    let place = Place::new();
    place.write("one.txt", "1");
    let path = place.models().join("one.txt");
    let options = RepositoryOptions {
        sources: vec![Source::File {
            name: "one".to_owned(),
            path,
        }],
        startup: Startup::Named(Vec::new()),
        ..place.options(Control::Explicit)
    };
    let repository = opened(Arc::new(Adding), options);
    repository.start().unwrap();
    let subject = serve(&repository);
    assert_eq!(ask(&subject, "one"), Ok(2.0));
    assert_eq!(change(&subject, "unload", "one", "").0, 200);
    assert!(ask(&subject, "one").is_err());
    place.write("one.txt", "2");
    assert_eq!(change(&subject, "load", "one", "").0, 200);
    assert_eq!(ask(&subject, "one"), Ok(3.0));
}

#[test]
fn the_same_goes_over_grpc() {
    let place = Place::new();
    place.adding("one", &["1"]);
    let subject = place.explicit();
    let client = Client::connect(subject.grpc);
    let done = Ok(json!({}));
    let load = |message| client.ask("RepositoryModelLoad", &message);
    assert_eq!(load(json!({"modelName": "one"})), done);
    assert_eq!(ask(&subject, "one"), Ok(2.0));
    let (code, text) = load(json!({"modelName": "nope"})).unwrap_err();
    assert_eq!((code, text.contains("no such model")), (5, true));
    let config = json!({"modelName": "one", "parameters": {"config": {"stringParam": "zzz"}}});
    assert_eq!(load(config).unwrap_err().0, 3);
    let elsewhere = json!({"repositoryName": "r", "modelName": "one"});
    assert_eq!(load(elsewhere).unwrap_err().0, 12);
    let files = json!({"modelName": "one", "parameters": {
        "config": {"stringParam": "{\"backend\":\"adding\"}"},
        "file:1/model.txt": {"bytesParam": "OQ=="},
    }});
    assert_eq!(load(files), done);
    assert_eq!(ask(&subject, "one"), Ok(10.0));
    let dependents = json!({"unload_dependents": {"boolParam": true}});
    let unload = json!({"modelName": "one", "parameters": dependents});
    assert_eq!(client.ask("RepositoryModelUnload", &unload), done);
    assert!(ask(&subject, "one").is_err());
}

#[test]
fn metrics_have_the_tags_of_a_configuration() {
    let place = Place::new();
    let tags =
        r#"metric_tags { key: 'team' value: 'blue "sky"' } metric_tags { key: 'a-b' value: 'c' }"#;
    place.write("one/config.pbtxt", &format!("{ADDING} {tags}"));
    place.write("one/1/model.txt", "1");
    let subject = serve(&place.repository(Control::None));
    assert_eq!(ask(&subject, "one"), Ok(2.0));
    let told = metrics::ask(&subject, "GET /metrics");
    let expected = r#"nv_inference_count{model="one",version="1",_team="blue \"sky\""} 1"#;
    assert!(
        told.text().lines().any(|line| line == expected),
        "{}",
        told.text()
    );
}
