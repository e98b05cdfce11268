//! Whether a second run on the same inputs agrees with the first.

use super::{Check, Difference, Observed};

/// The same inputs give the same outputs, as far as the tolerance tells.
#[derive(Debug)]
pub(super) struct Repeated;

impl Check for Repeated {
    fn name(&self) -> &'static str {
        "repeated"
    }

    fn fault(&self, observed: &Observed<'_>) -> Option<String> {
        let (first, second) = (observed.found, observed.again);
        if first.shape() != second.shape() {
            let (first, second) = (first.shape(), second.shape());
            return Some(format!(
                "it is not deterministic: two runs on the same inputs gave shapes {first} and {second}"
            ));
        }
        let difference = Difference::between(second, first, observed.tolerance);
        let breach = difference.breach?;
        Some(format!(
            "it is not deterministic: two runs on the same inputs gave {breach}"
        ))
    }
}
