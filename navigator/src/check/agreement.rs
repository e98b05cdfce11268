//! Whether an output is the reference's, as far as the tolerance tells.

use super::{Check, Difference, Observed};

/// Every element is within the tolerance of the reference's, and what is not a number is not one in both.
#[derive(Debug)]
pub(super) struct Agreement;

impl Check for Agreement {
    fn name(&self) -> &'static str {
        "agreement"
    }

    fn fault(&self, observed: &Observed<'_>) -> Option<String> {
        let expected = observed.expected?;
        let (found, tolerance) = (observed.found, observed.tolerance);
        if found.shape() != expected.shape() {
            let (found, expected) = (found.shape(), expected.shape());
            return Some(format!("it has shape {found}, and {expected} is right"));
        }
        let difference = Difference::between(found, expected, tolerance);
        let breach = difference.breach?;
        Some(format!(
            "{breach}, beyond the tolerance `{}` of {:e} + {:e} of the original",
            tolerance.name, tolerance.absolute, tolerance.relative
        ))
    }
}
