//! Which settings are worth trying with which runner: one table.

use nav_package_format::GraphLevel;

/// What is worth trying with a runner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Knobs {
    /// How much the graph is rewritten, other than by default.
    pub(super) graph_levels: &'static [GraphLevel],
    /// Whether the number of threads can be set.
    pub(super) threads: bool,
    /// Whether waiting threads can be kept from spinning, and operators run side by side.
    pub(super) scheduling: bool,
    /// Whether several sessions can gain anything.
    pub(super) instances: bool,
}

/// A runner that is not in the table is run as it is.
const NONE: Knobs = Knobs {
    graph_levels: &[],
    threads: false,
    scheduling: false,
    instances: false,
};

const KNOBS: &[(&str, Knobs)] = &[
    (
        "OnnxCPU",
        Knobs {
            graph_levels: &[GraphLevel::None, GraphLevel::Basic, GraphLevel::Extended],
            threads: true,
            scheduling: true,
            instances: true,
        },
    ),
    (
        "TractCPU",
        Knobs {
            instances: true,
            ..NONE
        },
    ),
];

/// What is worth trying with the runner of this name.
pub(super) fn of(runner: &str) -> Knobs {
    let known = KNOBS.iter().find(|(name, _)| *name == runner);
    known.map_or(NONE, |&(_, knobs)| knobs)
}

/// The name of a graph level, as it is part of a variant's name.
pub(super) const fn level_name(level: GraphLevel) -> &'static str {
    match level {
        GraphLevel::None => "none",
        GraphLevel::Basic => "basic",
        GraphLevel::Extended => "extended",
        GraphLevel::All => "all",
    }
}
