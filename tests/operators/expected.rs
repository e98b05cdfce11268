//! The committed lists of cases that are known to fail, one for each runner.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use crate::failure::{Class, Failure};

/// Case to failure.
pub(crate) type Failures = BTreeMap<String, Failure>;

/// Why a list cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ListError {
    #[error("cannot use {path}", path = .path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("line {line} of {path} is not `case<TAB>class: reason`", path = .path.display())]
    Line { path: PathBuf, line: usize },
}

/// Where the list of a runner is.
pub(crate) fn path(folder: &Path, runner: &str) -> PathBuf {
    folder.join(format!("{runner}.txt"))
}

/// Reads a list. One that is not there is empty.
pub(crate) fn read(path: &Path) -> Result<Failures, ListError> {
    let text = match std::fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Failures::new()),
        other => other.map_err(|source| ListError::File {
            path: path.to_owned(),
            source,
        })?,
    };
    let numbered = (1..).zip(text.lines());
    let entries = numbered.map(|(line, text)| {
        parse(text).ok_or_else(|| ListError::Line {
            path: path.to_owned(),
            line,
        })
    });
    entries.collect()
}

fn parse(line: &str) -> Option<(String, Failure)> {
    let (case, failure) = line.split_once('\t')?;
    let (class, reason) = failure.split_once(": ")?;
    let class = class.parse().ok()?;
    Some((case.to_owned(), Failure::new(class, reason)))
}

/// Writes a list.
pub(crate) fn write(path: &Path, failures: &Failures) -> Result<(), ListError> {
    std::fs::write(path, text(failures)).map_err(|source| ListError::File {
        path: path.to_owned(),
        source,
    })
}

fn text(failures: &Failures) -> String {
    let mut text = String::new();
    for (case, failure) in failures {
        // Writing to a string cannot fail.
        let _infallible = writeln!(text, "{case}\t{failure}");
    }
    text
}

/// What changed for a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Surprise {
    /// It fails, and is not listed.
    Fails(Failure),
    /// It fails in another way than the list says.
    Differs { listed: Class, found: Failure },
    /// It passes, and is listed.
    Passes,
    /// It is listed, and there is no such case.
    Gone,
}

/// Compares what was found with the list: `outcomes` are all cases that were tried.
pub(crate) fn surprises(
    listed: &Failures,
    outcomes: &BTreeMap<&str, Result<(), Failure>>,
    all_tried: bool,
) -> Vec<(String, Surprise)> {
    let mut surprises = Vec::new();
    for (&case, outcome) in outcomes {
        let surprise = match (listed.get(case), outcome) {
            (None, Ok(())) => continue,
            (Some(known), Err(failure)) if known.class == failure.class => continue,
            (None, Err(failure)) => Surprise::Fails(failure.clone()),
            (Some(known), Ok(())) if known.class == Class::Host => continue,
            (Some(_), Ok(())) => Surprise::Passes,
            (Some(known), Err(failure)) => Surprise::Differs {
                listed: known.class,
                found: failure.clone(),
            },
        };
        surprises.push((case.to_owned(), surprise));
    }
    let gone = listed
        .keys()
        .filter(|case| all_tried && !outcomes.contains_key(case.as_str()));
    surprises.extend(gone.map(|case| (case.clone(), Surprise::Gone)));
    surprises
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(class: Class) -> Failure {
        Failure::new(class, "some reason: with a colon")
    }

    #[test]
    fn what_is_written_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = path(folder.path(), "OnnxCPU");
        assert_eq!(read(&path).unwrap(), Failures::new());
        let failures = Failures::from([("test_add".to_owned(), failure(Class::Lost))]);
        write(&path, &failures).unwrap();
        assert_eq!(read(&path).unwrap(), failures);
        std::fs::write(&path, "test_add lost\n").unwrap();
        assert!(matches!(read(&path), Err(ListError::Line { line: 1, .. })));
    }

    #[test]
    fn every_change_is_a_surprise() {
        let lost = failure(Class::Lost);
        let names = ["differs", "gone", "known", "passes"];
        let listed = names.map(|name| (name.to_owned(), lost.clone())).into();
        let outcomes = BTreeMap::from([
            ("differs", Err(failure(Class::Failed))),
            ("fails", Err(lost.clone())),
            ("fine", Ok(())),
            ("known", Err(lost.clone())),
            ("passes", Ok(())),
        ]);
        let found = surprises(&listed, &outcomes, true);
        let differs = Surprise::Differs {
            listed: Class::Lost,
            found: failure(Class::Failed),
        };
        let expected = [
            ("differs", differs),
            ("fails", Surprise::Fails(lost)),
            ("passes", Surprise::Passes),
            ("gone", Surprise::Gone),
        ];
        assert_eq!(found, expected.map(|(name, it)| (name.to_owned(), it)));
        assert_eq!(surprises(&listed, &outcomes, false).len(), 3);
    }
}
