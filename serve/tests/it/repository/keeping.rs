//! Responses that are kept while models come and go.

use std::sync::Arc;

use nav_engine::{Engine, EngineOptions};
use nav_serve::{Control, Log, Repository};

use super::place::{ADDING, Adding, Place, ask, change, serve};

#[test]
fn responses_are_kept_for_the_model_that_gave_them_however_often_it_is_loaded() {
    let place = Place::new();
    let config = format!("{ADDING} response_cache {{ enable: true }}");
    place.write("one/config.pbtxt", &config);
    place.write("one/1/model.txt", "1");
    let engine = Engine::new(EngineOptions {
        cache_bytes: 1 << 20,
        ..EngineOptions::default()
    });
    let engine = engine.unwrap();
    let options = place.options(Control::Explicit);
    let repository = Repository::new(engine.clone(), Arc::new(Adding), (&Log::silent(), options));
    let repository = repository.unwrap();
    repository.start().unwrap();
    let subject = serve(&repository);
    let check = |expected: f64, (hits, misses): (u64, u64)| {
        assert_eq!(ask(&subject, "one"), Ok(expected));
        let found = engine.cache_statistics().unwrap();
        assert_eq!((found.hits, found.misses), (hits, misses));
    };
    let reload = || assert_eq!(change(&subject, "load", "one", "").0, 200);
    check(2.0, (0, 1));
    check(2.0, (1, 1));
    // Another file that holds the same.
    place.write("one/1/model.txt", "1");
    reload();
    check(2.0, (2, 1));
    place.write("one/1/model.txt", "5");
    reload();
    check(6.0, (2, 2));
    // And what was before again.
    place.write("one/1/model.txt", "1");
    reload();
    check(2.0, (3, 2));
    assert_eq!(change(&subject, "unload", "one", "").0, 200);
    reload();
    check(2.0, (4, 2));
}
