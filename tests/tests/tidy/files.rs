//! The shape of source files.

use crate::sources::rust_files;

/// The most lines a file may have before its tests.
const MOST_LINES: usize = 600;

#[test]
fn every_file_opens_by_saying_what_it_is_for() {
    let silent: Vec<_> = rust_files()
        .into_iter()
        .filter(|file| !file.is_generated() && !file.text.starts_with("//! "))
        // The tests of one file, told by the file they are the tests of.
        .filter(|file| !file.path.ends_with("tests.rs"))
        .map(|file| file.path)
        .collect();
    assert!(
        silent.is_empty(),
        "no module documentation opens {silent:?}"
    );
}

#[test]
fn files_stay_short() {
    let mut lines: Vec<(usize, _)> = rust_files()
        .into_iter()
        .filter(|file| !file.is_generated() && !file.is_test())
        .map(|file| (file.product_lines(), file.path))
        .collect();
    lines.sort();
    let long: Vec<_> = lines
        .iter()
        .filter(|(count, _)| *count > MOST_LINES)
        .collect();
    assert!(long.is_empty(), "more than {MOST_LINES} lines: {long:?}");
    let (median, p90) = (lines[lines.len() / 2].0, lines[lines.len() * 9 / 10].0);
    assert!(median <= 150, "the median file has {median} lines");
    assert!(p90 <= 350, "one file in ten has more than {p90} lines");
}

#[test]
fn names_say_what_is_inside() {
    let vague = [
        "utils", "util", "common", "helpers", "helper", "manager", "misc",
    ];
    for file in rust_files() {
        for part in file.path.with_extension("").components() {
            let name = part.as_os_str().to_string_lossy();
            assert!(
                !vague.contains(&name.as_ref()),
                "{} has a vague name",
                file.path.display()
            );
        }
    }
}

#[test]
fn lints_are_expected_with_a_reason_and_never_allowed() {
    // In two parts, so that this file does not hold what it looks for.
    assert_nowhere(&[["#[al", "low("], ["#![al", "low("]]);
}

#[test]
fn nothing_is_left_to_do_in_passing() {
    assert_nowhere(&[["TO", "DO"], ["FIX", "ME"]]);
}

fn assert_nowhere(marks: &[[&str; 2]]) {
    for file in rust_files().into_iter().filter(|file| !file.is_generated()) {
        for mark in marks {
            let mark = mark.concat();
            assert!(
                !file.text.contains(&mark),
                "{} has {mark}",
                file.path.display()
            );
        }
    }
}
