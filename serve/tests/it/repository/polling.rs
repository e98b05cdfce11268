//! Files that change while models are served.

use std::time::Duration;

use nav_serve::{Control, RepositoryOptions};

use super::control::wait_for;
use super::place::{Adding, Place, ask, index, opened, serve};
use crate::subject::PATIENCE;

#[test]
fn what_changes_is_loaded_once_it_has_settled() {
    let place = Place::new();
    place.adding("one", &["1"]);
    // The thread looks too rarely to matter here.
    let repository = place.repository(Control::Poll(PATIENCE * 100));
    let subject = serve(&repository);
    let poll = || assert!(repository.poll().is_empty());
    poll();
    place.write("one/1/model.txt", "2");
    place.adding("two", &["10"]);
    poll();
    assert_eq!(ask(&subject, "one"), Ok(2.0));
    poll();
    assert_eq!(ask(&subject, "one"), Ok(3.0));
    assert_eq!(ask(&subject, "two"), Ok(11.0));
    place.write("one/2/model.txt", "5");
    poll();
    poll();
    assert_eq!(ask(&subject, "one"), Ok(6.0));
    // What is broken is tried once for each change, and keeps what is served.
    place.write("one/2/model.txt", "none");
    poll();
    assert_eq!(repository.poll().len(), 1);
    poll();
    assert_eq!(ask(&subject, "one"), Ok(6.0));
    assert_eq!(subject.get("/v2/health/ready").status, 200);
    place.write("one/2/model.txt", "6");
    poll();
    poll();
    assert_eq!(ask(&subject, "one"), Ok(7.0));
    std::fs::remove_dir_all(place.models().join("two")).unwrap();
    poll();
    assert!(ask(&subject, "two").is_err());
    wait_for(|| {
        index(&subject)
            .contains(r#"{"name":"two","version":"1","state":"UNAVAILABLE","reason":"unloaded"}"#)
    });
    place.adding("two", &["20"]);
    poll();
    poll();
    assert_eq!(ask(&subject, "two"), Ok(21.0));
}

#[test]
fn a_repository_that_cannot_be_read_for_a_moment_unloads_nothing() {
    let place = Place::new();
    place.adding("one", &["1"]);
    let repository = place.repository(Control::Poll(PATIENCE * 100));
    let subject = serve(&repository);
    let aside = place.models().with_extension("aside");
    std::fs::rename(place.models(), &aside).unwrap();
    assert!(repository.poll().is_empty());
    assert_eq!(ask(&subject, "one"), Ok(2.0));
    std::fs::rename(aside, place.models()).unwrap();
}

#[test]
fn files_are_looked_at_from_time_to_time() {
    let place = Place::new();
    place.adding("one", &["1"]);
    let options = RepositoryOptions {
        strict_readiness: true,
        ..place.options(Control::Poll(Duration::from_millis(5)))
    };
    let repository = opened(std::sync::Arc::new(Adding), options);
    repository.start().unwrap();
    let subject = serve(&repository);
    place.write("one/1/model.txt", "2");
    wait_for(|| ask(&subject, "one") == Ok(3.0));
    std::fs::remove_dir_all(place.models().join("one")).unwrap();
    wait_for(|| ask(&subject, "one").is_err());
}
