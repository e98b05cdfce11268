//! How one case ended with one runner, once the list of known limits is taken into account.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::case::{Case, Failure, Suite};
use crate::columns::Column;
use crate::skips::SKIPS;
use crate::subject::Subject;

/// How a case ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// As it should.
    Pass,
    /// Not as it should, which is known.
    Skip(&'static str),
    /// Not as it should.
    Fail(String),
}

/// Runs a case, those on the list of skips too: an entry of the list must be true.
pub(crate) fn judge(column: &Column, suite: &Suite, case: &Case) -> Verdict {
    let skip = SKIPS
        .iter()
        .find(|skip| skip.covers(column, suite.name, case.name));
    match (run(column, case), skip) {
        (Ok(()), None) => Verdict::Pass,
        (Ok(()), Some(_)) => {
            Verdict::Fail("it passes: remove it from the list of skips".to_owned())
        }
        (Err(_), Some(skip)) => Verdict::Skip(skip.reason),
        (Err(Failure(reason)), None) => Verdict::Fail(reason),
    }
}

/// Runs a case. A panic is a failure like any other, wherever it comes from.
fn run(column: &Column, case: &Case) -> Result<(), Failure> {
    let run = || (case.body)(&Subject::new(column)?);
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        Err(Failure(format!(
            "panicked: {}",
            text.unwrap_or("no reason given")
        )))
    })
}
