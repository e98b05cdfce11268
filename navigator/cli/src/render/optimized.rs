//! `nav optimize` for people: the comparison, the choice, how it is served, what could not be tried.

use nav_navigator::plan::Unavailable;
use nav_package_format::package::{Choice, Package};

use super::comparison::{Compared, comparison};
use super::package::{chosen, served};

/// The outcome of an optimization.
pub(crate) fn optimized(
    package: &Package,
    choice: Option<&Choice>,
    not_tried: &[Unavailable],
) -> String {
    let evaluations = package.evaluations();
    let variants = package.variants().iter();
    let sizes: Vec<Option<u64>> = variants
        .map(|variant| package.model_bytes(variant))
        .collect();
    let manifest = package.manifest();
    let mut sections = vec![comparison(&Compared {
        evaluations: &evaluations,
        sizes: &sizes,
        records: &manifest.records,
        choice,
        every_batch: false,
    })];
    sections.extend(choice.map(chosen));
    sections.extend(served(manifest));
    if !not_tried.is_empty() {
        let lines = not_tried.iter().map(|one| {
            format!(
                "not tried: {}: {}; {}",
                one.runner, one.reason, one.how_to_get_it
            )
        });
        sections.push(lines.collect::<Vec<_>>().join("\n"));
    }
    sections.join("\n\n")
}
