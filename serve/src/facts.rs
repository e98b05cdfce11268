//! What is known of a model beyond what the engine knows: for those who ask about it.

use std::collections::BTreeMap;

use std::sync::Arc;

use nav_engine::Model;
use nav_package_format::Device;

use crate::proto::ModelConfig;
use crate::repository::is_label;

/// What a model is. It travels with the model, so that what is told is always of what is served.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModelFacts {
    /// What runs it, as clients are told.
    pub platform: String,
    /// Where it runs, as clients are told; the first place where there are several.
    pub device: Device,
    /// What its parameters are, as clients are told with its configuration.
    pub parameters: BTreeMap<String, String>,
    /// What the elements of an output mean, by the output's name.
    pub labels: BTreeMap<String, Vec<String>>,
    /// Its configuration, where a repository has one.
    pub configured: Option<Configured>,
}

/// The configuration of a model, as clients are told it.
#[derive(Clone, Debug, PartialEq)]
pub struct Configured(Arc<ModelConfig>);

static UNKNOWN: ModelFacts = ModelFacts {
    platform: String::new(),
    device: Device::Cpu,
    parameters: BTreeMap::new(),
    labels: BTreeMap::new(),
    configured: None,
};

impl ModelFacts {
    /// Those that a model was loaded with.
    pub(crate) fn of(model: &Model) -> &Self {
        model.about().unwrap_or(&UNKNOWN)
    }

    /// What its metrics are labelled with too, as its configuration says.
    pub(crate) fn metric_tags(&self) -> impl Iterator<Item = (&str, &str)> {
        let tags = self.configured.iter().flat_map(|it| &it.0.metric_tags);
        let tags = tags.filter(|(name, _)| is_label(name));
        tags.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// What the elements of an output mean.
    pub(crate) fn labels(&self, output: &str) -> &[String] {
        self.labels.get(output).map_or(&[], Vec::as_slice)
    }
}

impl Configured {
    pub(crate) fn new(config: ModelConfig) -> Self {
        Self(Arc::new(config))
    }

    pub(crate) fn config(&self) -> &ModelConfig {
        &self.0
    }
}
