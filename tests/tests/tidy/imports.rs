//! Who may import whom. ARCHITECTURE.md shows the same table to people.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::sources::root;

/// Each crate and those of ours that it may import.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("nav-package-format", &[]),
    ("nav-native", &[]),
    ("nav-runners", &["nav-package-format", "nav-native"]),
    (
        "nav-worker",
        &["nav-package-format", "nav-runners", "nav-native"],
    ),
    (
        "nav-navigator",
        &["nav-package-format", "nav-runners", "nav-worker"],
    ),
    (
        "nav-engine",
        &["nav-package-format", "nav-runners", "nav-worker"],
    ),
    (
        "nav-runner-torch",
        &["nav-package-format", "nav-runners", "nav-worker"],
    ),
    (
        "nav-runner-tensorrt",
        &["nav-package-format", "nav-runners", "nav-worker"],
    ),
    ("nav-cuda-double", &[]),
    (
        "nav-tensorrt-double",
        &["nav-package-format", "nav-runners"],
    ),
    ("nav-serve", &["nav-package-format", "nav-engine"]),
    (
        "nav-adapter",
        &[
            "nav-package-format",
            "nav-runners",
            "nav-worker",
            "nav-engine",
            "nav-serve",
        ],
    ),
    ("nav-perf", &["nav-package-format", "nav-engine"]),
    (
        "nav-cli",
        &[
            "nav-package-format",
            "nav-native",
            "nav-runners",
            "nav-worker",
            "nav-navigator",
            "nav-engine",
            "nav-serve",
            "nav-adapter",
            "nav-perf",
        ],
    ),
];

/// Crates that test, measure or show the others, and so may import them all.
const IMPORT_ANYTHING: &[&str] = &["nav-tests", "nav-benches", "nav-examples"];

/// Dependencies that only some crates may have, with the crates that may.
const RESERVED: &[(&str, &[&str])] = &[
    ("anyhow", &["nav-cli", "nav-benches", "nav-examples"]),
    ("clap", &["nav-cli"]),
    ("libloading", &["nav-native"]),
    ("hyper", &["nav-serve", "nav-benches"]),
    ("tokio", &["nav-serve", "nav-benches"]),
    ("tract-onnx", &["nav-runners"]),
    // Dates are read from the wall clock, and nothing is decided by it.
    ("chrono", &[]),
    ("jiff", &[]),
    ("time", &[]),
];

/// Crates of ours that are workspaces of their own.
const APART: &[&str] = &["runners/torch", "runners/tensorrt"];

fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let apart = APART.iter().map(|folder| root().join(folder));
    let all = std::iter::once(root().to_owned()).chain(apart);
    all.flat_map(|folder| dependencies_of(&folder)).collect()
}

fn dependencies_of(folder: &Path) -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--offline",
        ])
        .current_dir(folder)
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let packages = metadata["packages"].as_array().unwrap();
    packages
        .iter()
        .map(|package| {
            let all = package["dependencies"].as_array().unwrap();
            let normal = all.iter().filter(|dependency| dependency["kind"].is_null());
            (
                text(&package["name"]),
                normal.map(|dependency| text(&dependency["name"])).collect(),
            )
        })
        .collect()
}

#[test]
fn imports_go_downward_only() {
    for (name, dependencies) in dependencies() {
        if IMPORT_ANYTHING.contains(&name.as_str()) {
            continue;
        }
        let allowed = MAY_IMPORT.iter().find(|(known, _)| *known == name);
        let (_, allowed) = allowed.unwrap_or_else(|| panic!("{name} is not in the table"));
        for dependency in dependencies
            .iter()
            .filter(|dependency| dependency.starts_with("nav-"))
        {
            assert!(
                allowed.contains(&dependency.as_str()),
                "{name} must not import {dependency}"
            );
        }
    }
}

#[test]
fn some_dependencies_stay_where_they_belong() {
    for (name, dependencies) in dependencies() {
        for (reserved, holders) in RESERVED {
            let holds = dependencies.contains(*reserved);
            let may = holders.contains(&name.as_str()) || name == "nav-tests";
            assert!(!holds || may, "{name} must not depend on {reserved}");
        }
    }
}

/// Crates with unsafe code: vendors' interfaces are called in nowhere else.
const UNSAFE: &[&str] = &["runners/native", "runners/torch", "runners/tensorrt"];

#[test]
fn unsafe_code_is_denied_everywhere_but_where_vendors_are_called() {
    let workspace: String = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    assert!(workspace.contains("unsafe_code = \"deny\""));
    let members: Vec<&str> = workspace
        .split_once("members = [")
        .and_then(|(_, rest)| rest.split_once(']'))
        .map(|(members, _)| members.split('"').skip(1).step_by(2).collect())
        .unwrap();
    for member in members.iter().filter(|member| !UNSAFE.contains(member)) {
        let manifest = std::fs::read_to_string(root().join(member).join("Cargo.toml")).unwrap();
        assert!(
            manifest.contains("[lints]\nworkspace = true"),
            "{member} has lints of its own"
        );
    }
}
