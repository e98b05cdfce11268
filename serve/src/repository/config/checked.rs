//! A configuration whose every part can be honoured, or is told not to be.

use std::collections::BTreeMap;

use nav_engine::ModelOptions;

use super::instances::{Placement, placed};
use super::scheduling::options;
use super::unhonoured::unhonoured;
use super::{ConfigError, plain_name};
use crate::proto::ModelConfig;

/// What a configuration comes to, before its model is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Checked {
    pub(crate) options: ModelOptions,
    pub(crate) placement: Placement,
    pub(crate) parameters: BTreeMap<String, String>,
    /// What is not done as it asks.
    pub(crate) unhonoured: Vec<String>,
}

/// Checks the configuration of the model of this name, but for what an ensemble is made of.
pub(crate) fn check(config: &ModelConfig, name: &str) -> Result<Checked, ConfigError> {
    if !config.name.is_empty() && config.name != name {
        let reason = format!("it is `{}`, and the model is `{name}`", config.name);
        return Err(ConfigError::field("name", reason));
    }
    let file = &config.default_model_filename;
    if !file.is_empty() && !plain_name(file) {
        let reason = format!("`{file}` does not name a file of a version's folder");
        return Err(ConfigError::field("default_model_filename", reason));
    }
    let (instances, placement) = placed(&config.instance_group)?;
    let parameters = config.parameters.iter();
    Ok(Checked {
        options: ModelOptions {
            instances,
            ..options(config)?
        },
        placement,
        parameters: parameters
            .map(|(name, value)| (name.clone(), value.string_value.clone()))
            .collect(),
        unhonoured: unhonoured(config)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::config::of_text;

    #[test]
    fn names_are_those_of_the_folder_and_files_are_below_it() {
        let check = |text: &str, expected: Option<&str>| {
            let config = of_text(text.as_bytes()).unwrap();
            let found = check(&config, "m").map_err(|error| error.to_string());
            assert_eq!(found.err().as_deref(), expected, "{text}");
        };
        check("name: 'm' default_model_filename: 'a.onnx'", None);
        check(
            "name: 'other'",
            Some("name: it is `other`, and the model is `m`"),
        );
        check(
            "default_model_filename: '../a'",
            Some("default_model_filename: `../a` does not name a file of a version's folder"),
        );
    }
}
