//! Extents of dimensions by their names, as inputs of a run have them.

use std::collections::BTreeMap;

use nav_package_format::{Dim, TensorSpec};

/// Name to extent.
#[derive(Debug, Default)]
pub(crate) struct Names<'a>(BTreeMap<&'a str, i64>);

impl<'a> Names<'a> {
    /// What the extents of these inputs say; an error where one name would have two.
    pub(crate) fn of(
        inputs: impl Iterator<Item = (&'a TensorSpec, &'a [i64])>,
    ) -> Result<Self, String> {
        let mut names = Self::default();
        for (input, extents) in inputs {
            let dims = input.dims.as_deref().unwrap_or_default();
            for (dim, &extent) in dims.iter().zip(extents) {
                let Dim::Symbolic(name) = dim else { continue };
                let known = *names.0.entry(name).or_insert(extent);
                if known != extent {
                    return Err(format!(
                        "named dimension {name} is {known} in one input and {extent} in {}",
                        input.name
                    ));
                }
            }
        }
        Ok(names)
    }

    /// The extents of a tensor, -1 where no input says them.
    pub(crate) fn extents(&self, spec: &TensorSpec) -> Option<Vec<i64>> {
        let each = spec.dims.as_ref()?.iter().map(|dim| match dim {
            Dim::Fixed(extent) => i64::try_from(*extent).unwrap_or(-1),
            Dim::Symbolic(name) => self.0.get(name.as_str()).copied().unwrap_or(-1),
            Dim::Unknown => -1,
        });
        Some(each.collect())
    }
}
