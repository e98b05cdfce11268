//! What a suite is made of, and how a case says that something is wrong.

use std::error::Error;
use std::fmt;

use crate::subject::Subject;

/// Cases about one thing: a row of the matrix.
#[derive(Debug)]
pub(crate) struct Suite {
    /// Its name.
    pub(crate) name: &'static str,
    /// Its cases.
    pub(crate) cases: &'static [Case],
}

/// One thing that every runner does the same way.
#[derive(Debug)]
pub(crate) struct Case {
    /// Its name, different from all others of its suite.
    pub(crate) name: &'static str,
    /// Tries it.
    pub(crate) body: Body,
}

/// Tries one thing with one runner.
pub(crate) type Body = fn(&Subject) -> Result<(), Failure>;

/// A case.
pub(crate) const fn case(name: &'static str, body: Body) -> Case {
    Case { name, body }
}

/// What is wrong. Not a panic, as some runners are known to fail, and that is no news to print.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure(pub(crate) String);

impl Failure {
    /// A failure for this reason.
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Every error that a case does not expect is a failure.
impl<E: Error> From<E> for Failure {
    fn from(error: E) -> Self {
        let mut reason = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            reason = format!("{reason}: {cause}");
            source = cause.source();
        }
        Self(reason)
    }
}

/// A failure unless `found` is what was expected.
pub(crate) fn expect_equal<T: fmt::Debug + PartialEq>(
    what: &str,
    found: &T,
    expected: &T,
) -> Result<(), Failure> {
    if found == expected {
        return Ok(());
    }
    Err(Failure(format!(
        "{what}: expected {expected:?}, got {found:?}"
    )))
}
