//! What `nav --help` promises.

use crate::nav::Place;

#[test]
fn help_tells_the_exit_codes_and_the_environment() {
    let ended = Place::new().nav(&["--help"]).expect(0, &[]);
    for text in [
        "Exit codes:",
        "4  a file is malformed",
        "NAV_OFFLINE",
        "NAV_CONFIG",
    ] {
        assert!(
            ended.stdout.contains(text),
            "`{text}` is not in {}",
            ended.stdout
        );
    }
    assert!(
        !ended.stdout.contains("__worker"),
        "hidden commands stay hidden"
    );
}

#[test]
fn wrong_usage_is_exit_2() {
    let place = Place::new();
    place.nav(&["frobnicate"]).expect(2, &["frobnicate"]);
    place
        .nav(&["--library", "onnxruntime", "doctor"])
        .expect(2, &["is not NAME=PATH"]);
    place
        .nav(&["--library", "nope=/x", "doctor"])
        .expect(2, &["unknown runtime `nope`"]);
}
