//! Configurations and files that requests bring instead of those of the repository.

use base64ct::{Base64, Encoding};
use serde_json::{Map, Value, json};

use super::place::{Place, ask, change, everything};
use crate::subject::Subject;

fn load(subject: &Subject, model: &str, parameters: &[(&str, &str)]) -> (u16, String) {
    let parameters: Map<String, Value> = parameters
        .iter()
        .map(|(name, value)| {
            let value = if name.starts_with("file:") {
                Base64::encode_string(value.as_bytes())
            } else {
                (*value).to_owned()
            };
            ((*name).to_owned(), value.into())
        })
        .collect();
    let body = json!({ "parameters": parameters }).to_string();
    change(subject, "load", model, &body)
}

const CONFIG: &str = r#"{"backend":"adding","max_batch_size":2}"#;

#[test]
fn a_request_brings_a_configuration() {
    let place = Place::new();
    place.adding("one", &["1", "2"]);
    let subject = place.explicit();
    let config = r#"{"backend":"adding","max_batch_size":3,"version_policy":{"specific":{"versions":[1]}},"parameters":{"k":{"string_value":"v"}}}"#;
    assert_eq!(
        load(&subject, "one", &[("config", config)]),
        (200, String::new())
    );
    assert_eq!(ask(&subject, "one"), Ok(2.0));
    let told = subject.get("/v2/models/one/config");
    let told: Value = serde_json::from_slice(&told.body).unwrap();
    assert_eq!(told["max_batch_size"], 3);
    assert_eq!(told["parameters"]["k"]["string_value"], "v");
    assert_eq!(told["version_policy"]["specific"]["versions"][0], 1);
    let wrong = r#"{"backend":"adding","max_batch_size":-3}"#;
    let expected = "failed to load 'one', failed to poll from model repository: parameter 'config': max_batch_size: -3 is no size";
    assert_eq!(
        load(&subject, "one", &[("config", wrong)]),
        (400, expected.to_owned())
    );
    assert_eq!(ask(&subject, "one"), Ok(2.0));
    assert_eq!(subject.get("/v2/health/ready").status, 200);
    // Without one, it is as in the repository again.
    assert_eq!(load(&subject, "one", &[]).0, 200);
    assert_eq!(ask(&subject, "one"), Ok(3.0));
}

#[test]
fn a_request_brings_files_which_stay_as_long_as_they_are_served() {
    let place = Place::new();
    place.adding("one", &["1"]);
    let subject = place.explicit();
    let bring = |model: &str, number: &str| {
        load(
            &subject,
            model,
            &[("config", CONFIG), ("file:1/model.txt", number)],
        )
    };
    // One that the repository does not know too.
    for model in ["one", "brought"] {
        assert_eq!(bring(model, "5"), (200, String::new()));
        assert_eq!(ask(&subject, model), Ok(6.0));
    }
    assert_eq!(place.uploads(), 2);
    assert_eq!(bring("one", "none").0, 400);
    assert_eq!(ask(&subject, "one"), Ok(6.0));
    assert_eq!(bring("one", "7").0, 200);
    assert_eq!(ask(&subject, "one"), Ok(8.0));
    assert_eq!(place.uploads(), 2);
    assert_eq!(load(&subject, "one", &[]).0, 200);
    assert_eq!(ask(&subject, "one"), Ok(2.0));
    assert_eq!(change(&subject, "unload", "brought", "").0, 200);
    assert_eq!(place.uploads(), 0);
    let (status, text) = load(&subject, "brought", &[]);
    assert_eq!(
        (status, text.contains("there is no such model")),
        (404, true)
    );
}

#[test]
fn models_that_are_brought_under_new_names_for_ever_are_forgotten() {
    const MOST: usize = 256;
    let place = Place::new();
    place.adding("one", &["1"]);
    let subject = place.explicit();
    let name = |number: usize| format!("brought-{number:04}");
    let files = [("config", CONFIG), ("file:1/model.txt", "5")];
    for number in 0..=MOST {
        assert_eq!(load(&subject, &name(number), &files).0, 200);
        assert_eq!(change(&subject, "unload", &name(number), "").0, 200);
    }
    assert_eq!(change(&subject, "unload", &name(MOST), "").0, 200);
    assert_eq!(change(&subject, "unload", &name(0), "").0, 404);
    assert_eq!(load(&subject, "one", &[]).0, 200);
    assert_eq!(ask(&subject, "one"), Ok(2.0));
}

#[test]
fn nothing_is_written_but_below_the_folder_of_a_version() {
    let place = Place::new();
    place.adding("one", &["1"]);
    let subject = place.explicit();
    let before = everything(place.models().parent().unwrap());
    for name in [
        "file:../1/a",
        "file:1/../a",
        "file:1/../../../a",
        "file:1//a",
        "file:/1/a",
        "file:1/a/../../../b",
        "file:1/",
        "file:1",
        "file:0/a",
        "file:1\\a",
        "file:1/a\0",
        "file:one/a",
        "file:",
    ] {
        let (status, text) = load(&subject, "one", &[("config", CONFIG), (name, "5")]);
        assert_eq!(status, 400, "{name}: {text}");
        assert!(
            text.contains("it must name a file below the folder of a version"),
            "{text}"
        );
    }
    // A file where another needs a folder.
    let both = [("config", CONFIG), ("file:1/a", "5"), ("file:1/a/b", "6")];
    let (status, text) = load(&subject, "one", &both);
    assert_eq!(status, 400, "{text}");
    let body = r#"{"parameters":{"config":"{}","file:1/a":"no base64"}}"#;
    let (status, text) = change(&subject, "load", "one", body);
    assert_eq!(
        (status, text.as_str()),
        (400, "parameter 'file:1/a': it is not in base64")
    );
    // Names of models that are brought are names of models.
    for model in ["..", ".hidden", "a%2fb"] {
        let files = [("config", CONFIG), ("file:1/model.txt", "5")];
        assert_eq!(load(&subject, model, &files).0, 404, "{model}");
    }
    assert_eq!(everything(place.models().parent().unwrap()), before);
    // Where files of a configuration lie, requests have no say either.
    let config = r#"{"backend":"adding","default_model_filename":"../../one/1/model.txt"}"#;
    let (status, text) = load(&subject, "one", &[("config", config)]);
    assert_eq!(status, 400, "{text}");
    assert!(text.contains("default_model_filename: "), "{text}");
}
