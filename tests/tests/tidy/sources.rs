//! The project's own source files.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A source file below the root of the workspace.
pub(crate) struct Source {
    /// Its path relative to the root.
    pub(crate) path: PathBuf,
    /// Its text.
    pub(crate) text: String,
}

impl Source {
    /// Whether it is written by a generator, and so not by the rules for people.
    pub(crate) fn is_generated(&self) -> bool {
        self.path.ends_with("proto/generated.rs")
    }

    /// Whether it only holds tests, benches or examples.
    pub(crate) fn is_test(&self) -> bool {
        let mut parts = self.path.components().map(std::path::Component::as_os_str);
        parts.any(|part| part == "tests" || part == "tests.rs" || part == "benches")
    }

    /// Its lines up to the tests at its end.
    pub(crate) fn product_lines(&self) -> usize {
        self.text
            .lines()
            .take_while(|line| *line != "#[cfg(test)]")
            .count()
    }
}

/// The root of the workspace.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Every Rust file that git knows or would know.
pub(crate) fn rust_files() -> Vec<Source> {
    let listed = Command::new("git")
        .args([
            "ls-files",
            "--cached",
            "--others",
            "--exclude-standard",
            "*.rs",
        ])
        .current_dir(root())
        .output()
        .unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let files: Vec<Source> = listed
        .lines()
        .map(PathBuf::from)
        // A file that is deleted but not committed is still listed.
        .filter(|path| root().join(path).is_file())
        .map(|path| Source {
            text: std::fs::read_to_string(root().join(&path)).unwrap(),
            path,
        })
        .collect();
    assert!(
        files.len() > 50,
        "git lists only {} Rust files",
        files.len()
    );
    files
}

/// A document at this path.
pub(crate) fn document(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).expect(path)
}
