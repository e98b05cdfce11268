//! Documents that name code, and must go on naming it rightly.

use std::collections::BTreeSet;

use crate::sources::{document, root, rust_files};

#[test]
fn every_member_of_the_workspace_is_on_the_map() {
    let manifest = document("Cargo.toml");
    let (_, members) = manifest.split_once("members = [").unwrap();
    let (members, _) = members.split_once(']').unwrap();
    let map = document("ARCHITECTURE.md");
    for member in members.split('"').skip(1).step_by(2) {
        assert!(
            map.contains(&format!("`{member}/`")),
            "ARCHITECTURE.md does not show {member}"
        );
    }
}

#[test]
fn every_promise_is_listed_with_a_test_that_exists_or_said_to_be_open() {
    let tests: BTreeSet<String> = rust_files()
        .iter()
        .flat_map(|file| file.text.lines().map(str::trim))
        .filter_map(|line| {
            line.strip_prefix("fn ")?
                .split_once('(')
                .map(|(name, _)| name.to_owned())
        })
        .collect();
    let promises = document("docs/PROMISES.md");
    let rows = promises
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| #"));
    let mut numbers = Vec::new();
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        numbers.push(cells[0].parse::<usize>().unwrap());
        let proof = cells[2];
        let named: Vec<&str> = proof.split('`').skip(1).step_by(2).collect();
        assert!(
            !named.is_empty() || proof.contains("not yet"),
            "promise {} has no proof",
            cells[0]
        );
        for test in named {
            assert!(
                tests.contains(test),
                "promise {}: there is no test {test}",
                cells[0]
            );
        }
    }
    assert_eq!(numbers, (1..=56).collect::<Vec<_>>());
}

#[test]
fn links_between_documents_lead_somewhere() {
    for name in [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "SECURITY.md",
    ] {
        for target in document(name)
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            let target = target.split('#').next().unwrap();
            if target.is_empty() || target.contains("://") {
                continue;
            }
            assert!(
                root().join(target).exists(),
                "{name} links to {target}, which is not there"
            );
        }
    }
}

/// The examples that show how a program uses the library.
const SHOWN: &[&str] = &[
    "serve-a-package",
    "bind-a-closure",
    "add-sub-cached",
    "several-instances",
    "in-the-background",
    "serve-texts",
    "stream-words",
    "ask-in-process",
];

#[test]
fn the_programs_in_the_readme_are_the_examples() {
    let readme = document("README.md");
    let blocks: Vec<&str> = readme.split("```rust\n").skip(1).collect();
    let shown = blocks.iter().map(|rest| rest.split("```\n").next());
    let shown: Vec<&str> = shown.map(Option::unwrap).collect();
    // Each is told by the file that is named last before it.
    let before = readme.split("```rust\n").take(blocks.len());
    let names = before.map(|text| {
        let (_, rest) = text.rsplit_once("`examples/src/bin/").unwrap();
        rest.split_once(".rs`:").unwrap().0
    });
    assert_eq!(names.collect::<Vec<_>>(), SHOWN);
    for (name, shown) in SHOWN.iter().zip(shown) {
        let example = document(&format!("examples/src/bin/{name}.rs"));
        // What stands before is what it is for, and what lints need.
        let (_, program) = example.split_once("\nuse ").unwrap();
        assert_eq!(format!("use {program}"), *shown, "{name}");
    }
}
