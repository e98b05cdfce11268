//! The suites, one file each. A new one is a file and an entry in [`SUITES`].

mod booleans;
mod brain_floats;
mod convolution;
mod elementwise;
mod empty;
mod external_data;
mod half_floats;
mod huge;
mod identity;
mod inputs;
mod integers;
mod large;
mod loading;
mod matrices;
mod names;
mod outputs;
mod reductions;
mod scalars;
mod sessions;
mod settings;
mod shapes;
mod signatures;
mod staging;
mod texts;

use crate::case::Suite;

/// Every suite, in the order of the matrix.
pub(crate) const SUITES: &[Suite] = &[
    elementwise::SUITE,
    matrices::SUITE,
    convolution::SUITE,
    reductions::SUITE,
    shapes::SUITE,
    empty::SUITE,
    scalars::SUITE,
    identity::SUITE,
    booleans::SUITE,
    integers::SUITE,
    half_floats::SUITE,
    brain_floats::SUITE,
    texts::SUITE,
    signatures::SUITE,
    names::SUITE,
    inputs::SUITE,
    staging::SUITE,
    outputs::SUITE,
    sessions::SUITE,
    huge::SUITE,
    large::SUITE,
    loading::SUITE,
    external_data::SUITE,
    settings::SUITE,
];
