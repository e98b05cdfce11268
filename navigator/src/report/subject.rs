//! What a report is about: a package, and what a strategy makes of it.

use nav_package_format::package::{
    Choice, Manifest, MaxThroughputWithLatencyBudget, NoChoice, Package, Strategy, choose,
};

/// What a report is about.
#[derive(Clone, Debug)]
pub struct Subject<'a> {
    /// All that the package says of itself.
    pub manifest: &'a Manifest,
    /// How large the model of each variant is, in their order, as far as that is known.
    pub sizes: Vec<Option<u64>>,
    /// What wrote the package.
    pub written_by: String,
    /// The format of the package, in its writer's terms.
    pub format: String,
    /// What is wrong with the package.
    pub warnings: Vec<String>,
    /// The names of the strategies, in the order in which they were tried.
    pub strategies: Vec<String>,
    /// What they choose.
    pub chosen: Result<Choice, NoChoice>,
    /// The latency budget, where there is one.
    pub budget: Option<MaxThroughputWithLatencyBudget>,
}

impl<'a> Subject<'a> {
    /// A package and what these strategies choose of it. A latency budget is told apart, because the report
    /// draws it.
    pub fn of(
        package: &'a Package,
        strategies: &[&dyn Strategy],
        budget: Option<MaxThroughputWithLatencyBudget>,
    ) -> Self {
        let variants = package.variants().iter();
        Self {
            manifest: package.manifest(),
            sizes: variants
                .map(|variant| package.model_bytes(variant))
                .collect(),
            written_by: package.origin().to_string(),
            format: package.origin().format(),
            warnings: package.warnings().iter().map(ToString::to_string).collect(),
            strategies: strategies.iter().map(|strategy| strategy.name()).collect(),
            chosen: choose(strategies, &package.evaluations()),
            budget,
        }
    }
}
