//! What is printed: totals for each class, and every surprise.

use std::collections::BTreeMap;

use crate::expected::Surprise;
use crate::failure::{Class, Failure};

/// Prints how many cases passed, and how many failed for which class of reasons.
#[expect(clippy::print_stdout, reason = "this is the output of the program")]
pub(crate) fn totals(runner: &str, outcomes: &BTreeMap<&str, Result<(), Failure>>) {
    let failures: Vec<Class> = outcomes
        .values()
        .filter_map(|outcome| outcome.as_ref().err())
        .map(|failure| failure.class)
        .collect();
    let (tried, failed) = (outcomes.len(), failures.len());
    println!(
        "{runner}: {tried} cases, {} passed, {failed} failed",
        tried - failed
    );
    for &class in Class::ALL {
        let count = failures.iter().filter(|&&it| it == class).count();
        if count > 0 {
            println!("  {count:5} {}", class.name());
        }
    }
}

/// Prints what is not as listed.
#[expect(clippy::print_stdout, reason = "this is the output of the program")]
pub(crate) fn surprises(runner: &str, surprises: &[(String, Surprise)]) {
    for (case, surprise) in surprises {
        match surprise {
            Surprise::Fails(failure) => println!("{runner} {case} fails: {failure}"),
            Surprise::Differs { listed, found } => {
                println!(
                    "{runner} {case} is listed as {} and fails: {found}",
                    listed.name()
                );
            }
            Surprise::Passes => println!("{runner} {case} passes and is listed as failing"),
            Surprise::Gone => println!("{runner} {case} is listed and there is no such case"),
        }
    }
}
