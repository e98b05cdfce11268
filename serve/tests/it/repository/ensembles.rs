//! Ensembles of a repository: loaded with what they ask, refused where they would ask themselves.

use nav_serve::{Control, LoadParameters, UnloadParameters};

use super::control::wait_for;
use super::place::{Place, ask, change, index};

/// An ensemble whose only step is this model.
fn asking(step: &str) -> String {
    let tensor = |name: &str| format!("{{ name: '{name}' data_type: TYPE_FP32 dims: [ -1 ] }}");
    format!(
        "platform: 'ensemble' max_batch_size: 4 input [ {} ] output [ {} ] ensemble_scheduling {{ step [ {{ model_name: '{step}' model_version: -1 input_map {{ key: 'x' value: 'x' }} output_map {{ key: 'y' value: 'y' }} }} ] }}",
        tensor("x"),
        tensor("y")
    )
}

fn place() -> Place {
    let place = Place::new();
    place.adding("inner", &["1"]);
    place.write("outer/config.pbtxt", &asking("inner"));
    place.write("outermost/config.pbtxt", &asking("outer"));
    place
}

#[test]
fn an_ensemble_is_loaded_with_what_it_asks() {
    let place = place();
    let subject = place.explicit();
    assert_eq!(
        change(&subject, "load", "outermost", ""),
        (200, String::new())
    );
    assert_eq!(ask(&subject, "outermost"), Ok(2.0));
    for model in ["inner", "outer"] {
        assert_eq!(ask(&subject, model), Ok(2.0));
    }
    // A model that it asks is another one from now on.
    place.write("inner/1/model.txt", "5");
    assert_eq!(change(&subject, "load", "inner", "").0, 200);
    assert_eq!(ask(&subject, "outermost"), Ok(6.0));
    let dependents = r#"{"parameters":{"unload_dependents":true}}"#;
    assert_eq!(change(&subject, "unload", "outermost", dependents).0, 200);
    for model in ["inner", "outer", "outermost"] {
        assert!(ask(&subject, model).is_err(), "{model}");
    }
    wait_for(|| index(&subject).matches("\"unloaded\"").count() == 3);
    assert_eq!(subject.get("/v2/health/ready").status, 200);
}

#[test]
fn without_its_dependents_an_ensemble_goes_alone() {
    let place = place();
    let subject = place.explicit();
    assert_eq!(change(&subject, "load", "outer", "").0, 200);
    assert_eq!(change(&subject, "unload", "outer", "").0, 200);
    assert!(ask(&subject, "outer").is_err());
    assert_eq!(ask(&subject, "inner"), Ok(2.0));
}

#[test]
fn what_another_ensemble_asks_stays() {
    let place = place();
    place.write("other/config.pbtxt", &asking("inner"));
    let subject = place.explicit();
    for model in ["outer", "other"] {
        assert_eq!(change(&subject, "load", model, "").0, 200);
    }
    let dependents = r#"{"parameters":{"unload_dependents":true}}"#;
    assert_eq!(change(&subject, "unload", "outer", dependents).0, 200);
    assert_eq!(ask(&subject, "other"), Ok(2.0));
}

#[test]
fn an_ensemble_goes_with_a_model_that_it_asks_and_comes_back_with_it() {
    let place = place();
    let repository = place.repository(Control::Explicit);
    let subject = super::place::serve(&repository);
    assert_eq!(ask(&subject, "outermost"), Ok(2.0));
    repository
        .unload("inner", UnloadParameters::default())
        .unwrap();
    assert!(ask(&subject, "outermost").is_err());
    let reason = r#""state":"UNAVAILABLE","reason":"it asks model 'inner', which is not served""#;
    assert!(index(&subject).contains(reason), "{}", index(&subject));
    assert_eq!(subject.get("/v2/health/ready").status, 200);
    repository
        .load("inner", &LoadParameters::default())
        .unwrap();
    assert_eq!(ask(&subject, "outermost"), Ok(2.0));
}

#[test]
fn an_ensemble_that_would_ask_itself_is_refused() {
    let place = Place::new();
    place.write("one/config.pbtxt", &asking("two"));
    place.write("two/config.pbtxt", &asking("one"));
    place.write("self/config.pbtxt", &asking("self"));
    place.write("none/config.pbtxt", &asking("nope"));
    let subject = place.explicit();
    let check = |model: &str, expected: &str| {
        let (status, text) = change(&subject, "load", model, "");
        assert_eq!(status, 400, "{text}");
        assert!(text.ends_with(expected), "{text}");
        assert!(ask(&subject, model).is_err());
    };
    check(
        "one",
        "load failed for model 'two': it would ask itself, through one, two",
    );
    check(
        "self",
        "load failed for model 'self': it would ask itself, through self",
    );
    check(
        "none",
        "it asks model 'nope': failed to load 'nope', failed to poll from model repository: there is no such model",
    );
    // An older one that is in order goes on.
    place.adding("end", &["1"]);
    place.write("two/config.pbtxt", &asking("end"));
    assert_eq!(change(&subject, "load", "one", "").0, 200);
    place.write("two/config.pbtxt", &asking("one"));
    check_refused(&change(&subject, "load", "two", ""));
    assert_eq!(ask(&subject, "one"), Ok(2.0));
}

fn check_refused((status, text): &(u16, String)) {
    assert_eq!(*status, 400, "{text}");
    assert!(text.contains("it would ask itself"), "{text}");
}
