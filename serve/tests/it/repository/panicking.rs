//! Code that panics while a model is loaded: one model or one answer is all that it costs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use nav_serve::{BackendFacts, Control, ModelOpener, OpenError, Opened, Wanted};
use serde_json::json;

use super::place::{Adding, Place, ask, change, index, opened, serve};
use crate::metrics;
use crate::rpc::Client;

/// As [`Adding`], but for models that are called as what panics, and while nothing else is done either.
#[derive(Debug, Default)]
struct Panicking {
    is_out_of_order: AtomicBool,
}

impl ModelOpener for Panicking {
    fn backends(&self) -> &[BackendFacts] {
        assert!(!self.is_out_of_order.load(Ordering::SeqCst));
        Adding.backends()
    }

    fn open(&self, wanted: &Wanted<'_>) -> Result<Opened, OpenError> {
        assert_ne!(wanted.name, "panics");
        Adding.open(wanted)
    }
}

#[test]
fn a_model_whose_opening_panics_fails_alone_and_says_so() {
    let place = Place::new();
    place.adding("good", &["1"]);
    place.adding("panics", &["1"]);
    let opener = Arc::new(Panicking::default());
    let repository = opened(opener, place.options(Control::Explicit));
    let failures = repository.start().unwrap();
    let names: Vec<&str> = failures.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["panics"]);
    let subject = serve(&repository);
    assert_eq!(ask(&subject, "good"), Ok(2.0));
    let text = "load failed for model 'panics': version 1 is at UNAVAILABLE state: whatever opened it panicked";
    let (status, error) = change(&subject, "load", "panics", "");
    assert_eq!((status, error.as_str()), (400, text));
    assert_eq!(change(&subject, "load", "good", "").0, 200);
}

#[test]
fn a_panic_in_an_answer_is_a_500_that_is_counted_and_nothing_stays_locked() {
    let place = Place::new();
    place.adding("one", &["1"]);
    let opener = Arc::new(Panicking::default());
    let repository = opened(Arc::clone(&opener) as _, place.options(Control::Explicit));
    repository.start().unwrap();
    let subject = serve(&repository);
    let panics = || {
        let told = metrics::ask(&subject, "GET /metrics");
        let mut lines = told.text().lines();
        let number = lines.find_map(|line| line.strip_prefix("nav_panics_total "));
        number.unwrap().to_owned()
    };
    assert_eq!(panics(), "0");
    place.write("one/1/model.txt", "4");
    opener.is_out_of_order.store(true, Ordering::SeqCst);
    let bug = (500, "the server has a bug here".to_owned());
    assert_eq!(change(&subject, "load", "one", ""), bug);
    assert_eq!(panics(), "1");
    let client = Client::connect(subject.grpc);
    let asked = client.ask("RepositoryModelLoad", &json!({ "model_name": "one" }));
    assert_eq!(asked, Err((13, bug.1)));
    assert_eq!(panics(), "2");
    assert_eq!(ask(&subject, "one"), Ok(2.0), "the older one goes on");
    assert_eq!(
        index(&subject),
        r#"[{"name":"one","version":"1","state":"READY"}]"#
    );
    opener.is_out_of_order.store(false, Ordering::SeqCst);
    assert_eq!(change(&subject, "load", "one", "").0, 200);
    assert_eq!(ask(&subject, "one"), Ok(5.0));
}
