//! Checks: what the outputs of a variant must keep to. One file each, listed in [`CHECKS`].
//!
//! Knows no process: outputs go in, faults and differences come out.

mod agreement;
mod declared;
mod difference;
mod repeated;
mod tolerance;

use std::collections::BTreeMap;
use std::fmt::Debug;

use nav_package_format::package::Tolerance;
use nav_package_format::{TensorSpec, TensorView};

pub use difference::Difference;
pub use tolerance::{DEFAULTS, DefaultTolerance, Tolerances};

/// An output of one run, with all that it is checked against.
#[derive(Clone, Copy, Debug)]
pub struct Observed<'a> {
    /// What the model declares.
    pub spec: &'a TensorSpec,
    /// The extents that its symbolic dimensions have in this run, as far as inputs tell them.
    pub extents: &'a BTreeMap<&'a str, usize>,
    /// What the variant gave.
    pub found: TensorView<'a>,
    /// What it gave when it was run again.
    pub again: TensorView<'a>,
    /// What the reference gave; none for the reference itself.
    pub expected: Option<TensorView<'a>>,
    /// How far it may be off.
    pub tolerance: &'a Tolerance,
}

/// Something that an output must keep to.
pub trait Check: Debug + Sync {
    /// What it is called in records.
    fn name(&self) -> &'static str;

    /// What is wrong with an output, if anything.
    fn fault(&self, observed: &Observed<'_>) -> Option<String>;
}

/// Every check, in the order in which they are made: each may rely on those before it.
pub const CHECKS: &[&dyn Check] = &[
    &declared::Declared,
    &repeated::Repeated,
    &agreement::Agreement,
];

/// The first check that finds fault with an output, and the fault.
pub fn first_fault(observed: &Observed<'_>) -> Option<(&'static str, String)> {
    CHECKS
        .iter()
        .find_map(|check| Some((check.name(), check.fault(observed)?)))
}
