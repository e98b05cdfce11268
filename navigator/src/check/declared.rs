//! Whether an output has the type and the shape that the model declares.

use nav_package_format::Dim;

use super::{Check, Observed};

/// Type and shape are the declared ones, and a named dimension has the extent that it has in the inputs.
#[derive(Debug)]
pub(super) struct Declared;

impl Check for Declared {
    fn name(&self) -> &'static str {
        "declared"
    }

    fn fault(&self, observed: &Observed<'_>) -> Option<String> {
        let Observed { spec, found, .. } = observed;
        if found.dtype() != spec.dtype {
            let (found, declared) = (found.dtype(), spec.dtype);
            return Some(format!("it is {found}, and {declared} is declared"));
        }
        if spec.admits(found.shape()) && is_consistent(observed) {
            return None;
        }
        let (found, declared) = (found.shape(), spec.dims_text());
        Some(format!("it has shape {found}, and {declared} is declared"))
    }
}

fn is_consistent(observed: &Observed<'_>) -> bool {
    let dims = observed.spec.dims.iter().flatten();
    dims.zip(observed.found.shape().iter())
        .all(|(dim, &extent)| match dim {
            Dim::Symbolic(name) => observed
                .extents
                .get(name.as_str())
                .is_none_or(|&expected| expected == extent),
            Dim::Fixed(_) | Dim::Unknown => true,
        })
}
