//! Which clock decides: monotonic time alone, so that a wall clock that jumps expires no request and keeps none for ever.
//! The lint on `disallowed-methods` (clippy.toml) refuses every other look at the wall clock; this is the list of those
//! that expect it, each of which only dates what is told.

use std::collections::BTreeSet;

use crate::sources::{document, rust_files};

/// Files that ask for the date, and what they date.
const DATED: &[(&str, &str)] = &[
    (
        "runners/worker/src/packaged/gate.rs",
        "keys: trusted up to a day",
    ),
    (
        "serve/engine/src/statistics.rs",
        "the last inference of a model",
    ),
    ("serve/src/log/mod.rs", "lines of the log"),
    ("serve/src/trace/mod.rs", "traces"),
];

/// Other ways to the same clock. In two parts, so that this file does not hold what it looks for.
const OTHER_WAYS: &[&[&str]] = &[
    &["CLOCK_", "REALTIME"],
    &["getti", "meofday"],
    &["UNIX_EPOCH", ".elapsed"],
];

#[test]
fn the_wall_clock_only_dates_what_is_told() {
    let lints = document("clippy.toml");
    for method in ["now", "elapsed"] {
        let banned = format!("path = \"std::time::SystemTime::{method}\"");
        assert!(lints.contains(&banned), "{method} is not banned");
    }
    let look = ["SystemTime", "::now"].concat();
    let mut found = BTreeSet::new();
    for file in rust_files() {
        let path = file.path.display().to_string();
        for other in OTHER_WAYS {
            assert!(!file.text.contains(&other.concat()), "{path}: {other:?}");
        }
        if file.text.contains(&look) {
            assert_eq!(file.text.matches(&look).count(), 1, "{path}: one door");
            found.insert(path);
        }
    }
    let expected: BTreeSet<String> = DATED.iter().map(|(path, _)| (*path).to_owned()).collect();
    assert_eq!(found, expected);
}
