//! What is known of models beyond what the engine knows: for those who ask about them.

use std::collections::BTreeMap;

/// What models are, by name.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    models: BTreeMap<String, ModelFacts>,
}

/// What a model is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelFacts {
    /// What runs it, as clients are told.
    pub platform: String,
    /// What its parameters are, as clients are told with its configuration.
    pub parameters: BTreeMap<String, String>,
    /// What the elements of an output mean, by the output's name.
    pub labels: BTreeMap<String, Vec<String>>,
}

impl Catalog {
    /// The same with one more model.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, facts: ModelFacts) -> Self {
        self.models.insert(name.into(), facts);
        self
    }

    pub(crate) fn facts(&self, name: &str) -> Option<&ModelFacts> {
        self.models.get(name)
    }

    pub(crate) fn labels(&self, model: &str, output: &str) -> &[String] {
        let facts = self.models.get(model);
        let labels = facts.and_then(|facts| facts.labels.get(output));
        labels.map_or(&[], Vec::as_slice)
    }
}
