//! Ensembles: steps and their tensors, from a configuration to what the engine makes of it.

use std::collections::BTreeMap;

use nav_engine::{EnsembleSpec, EnsembleStep};

use super::ConfigError;
use super::tensors::declared;
use crate::proto::model_config::SchedulingChoice;
use crate::proto::model_ensembling::Step;
use crate::proto::{ModelConfig, ModelEnsembling};

/// What the platform of an ensemble is called.
const PLATFORM: &str = "ensemble";

/// Whether this is the configuration of an ensemble.
pub(crate) fn is_ensemble(config: &ModelConfig) -> bool {
    scheduling(config).is_some() || config.platform == PLATFORM
}

/// The models that an ensemble asks, each once; none for other models.
pub(crate) fn steps(config: &ModelConfig) -> Vec<String> {
    let steps = scheduling(config).map_or(&[][..], |it| &it.step);
    let mut names: Vec<String> = steps.iter().map(|step| step.model_name.clone()).collect();
    names.sort();
    names.dedup();
    names
}

const fn scheduling(config: &ModelConfig) -> Option<&ModelEnsembling> {
    match &config.scheduling_choice {
        Some(SchedulingChoice::EnsembleScheduling(scheduling)) => Some(scheduling),
        _ => None,
    }
}

/// The ensemble, as the engine is told of it.
pub(crate) fn spec(config: &ModelConfig) -> Result<EnsembleSpec, ConfigError> {
    let Some(scheduling) = scheduling(config) else {
        let reason = "an ensemble must say what its steps are";
        return Err(ConfigError::field("ensemble_scheduling", reason));
    };
    if config.platform != PLATFORM || !config.backend.is_empty() {
        let reason = "a model with ensemble_scheduling has the platform `ensemble` and no backend";
        return Err(ConfigError::field("platform", reason));
    }
    if !config.instance_group.is_empty() {
        let reason = "an ensemble runs nothing itself";
        return Err(ConfigError::field("instance_group", reason));
    }
    if config
        .model_transaction_policy
        .is_some_and(|it| it.decoupled)
    {
        let reason = "an ensemble gives one response";
        let field = "model_transaction_policy.decoupled";
        return Err(ConfigError::field(field, reason));
    }
    let Ok(max_batch) = usize::try_from(config.max_batch_size) else {
        let reason = format!("{} is no size", config.max_batch_size);
        return Err(ConfigError::field("max_batch_size", reason));
    };
    let Some(signature) = declared(config)? else {
        let reason = "an ensemble must say what it takes and gives";
        return Err(ConfigError::field("input", reason));
    };
    let steps = scheduling.step.iter().enumerate();
    Ok(EnsembleSpec {
        signature,
        steps: steps.map(step).collect::<Result<_, _>>()?,
        max_batch,
        cache: config.response_cache.as_ref().is_some_and(|it| it.enable),
        ..EnsembleSpec::default()
    })
}

fn step((index, step): (usize, &Step)) -> Result<EnsembleStep, ConfigError> {
    let refuse = |name: &str, reason: String| {
        let field = format!("ensemble_scheduling.step[{index}].{name}");
        Err(ConfigError::field(field, reason))
    };
    if step.model_name.is_empty() {
        return refuse("model_name", "it must have one".to_owned());
    }
    if !step.model_namespace.is_empty() {
        let reason = "models have no namespaces here".to_owned();
        return refuse("model_namespace", reason);
    }
    let version = match step.model_version {
        -1 | 0 => None,
        version => match u64::try_from(version) {
            Ok(version) => Some(version),
            Err(_) => return refuse("model_version", format!("{version} is no version")),
        },
    };
    for (map, field) in [
        (&step.input_map, "input_map"),
        (&step.output_map, "output_map"),
    ] {
        if map.is_empty() {
            return refuse(field, "it names no tensor".to_owned());
        }
        if let Some(nameless) = map
            .iter()
            .find(|(own, its)| own.is_empty() || its.is_empty())
        {
            return refuse(field, format!("{nameless:?} lacks a name"));
        }
    }
    Ok(EnsembleStep {
        model: step.model_name.clone(),
        version,
        inputs: pairs(&step.input_map),
        outputs: pairs(&step.output_map),
    })
}

fn pairs(map: &BTreeMap<String, String>) -> Vec<(String, String)> {
    let pairs = map.iter();
    pairs.map(|(own, its)| (own.clone(), its.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::config::of_text;

    const TENSORS: &str = "max_batch_size: 4 input { name: 'X' data_type: TYPE_FP32 dims: -1 } output { name: 'Y' data_type: TYPE_FP32 dims: -1 }";
    const STEP: &str = "model_name: 'm' model_version: -1 input_map { key: 'in' value: 'X' } output_map { key: 'out' value: 'Y' }";

    fn of(text: &str) -> Result<EnsembleSpec, String> {
        let config = of_text(text.as_bytes()).unwrap();
        spec(&config).map_err(|error| error.to_string())
    }

    #[test]
    fn steps_are_as_they_are_written() {
        let text = format!(
            "platform: 'ensemble' {TENSORS} ensemble_scheduling {{ step {{ {STEP} }} step {{ {STEP} }} }}"
        );
        let found = of(&text).unwrap();
        assert_eq!(found.max_batch, 4);
        let one = EnsembleStep {
            model: "m".to_owned(),
            version: None,
            inputs: vec![("in".to_owned(), "X".to_owned())],
            outputs: vec![("out".to_owned(), "Y".to_owned())],
        };
        assert_eq!(found.steps, [one.clone(), one]);
        assert_eq!(steps(&of_text(text.as_bytes()).unwrap()), ["m"]);
    }

    #[test]
    fn what_an_ensemble_cannot_be_is_named() {
        let check = |text: &str, step: &str, expected: &str| {
            let text = format!("{text} ensemble_scheduling {{ step {{ {step} }} }}");
            assert_eq!(of(&text).unwrap_err(), expected, "{text}");
        };
        let whole = format!("platform: 'ensemble' {TENSORS}");
        check(
            TENSORS,
            STEP,
            "platform: a model with ensemble_scheduling has the platform `ensemble` and no backend",
        );
        check(
            "platform: 'ensemble'",
            STEP,
            "input: an ensemble must say what it takes and gives",
        );
        check(
            &format!("{whole} instance_group {{ }}"),
            STEP,
            "instance_group: an ensemble runs nothing itself",
        );
        check(
            &format!("{whole} model_transaction_policy {{ decoupled: true }}"),
            STEP,
            "model_transaction_policy.decoupled: an ensemble gives one response",
        );
        check(
            &whole,
            "",
            "ensemble_scheduling.step[0].model_name: it must have one",
        );
        check(
            &whole,
            "model_name: 'm' model_version: -2",
            "ensemble_scheduling.step[0].model_version: -2 is no version",
        );
        check(
            &whole,
            "model_name: 'm'",
            "ensemble_scheduling.step[0].input_map: it names no tensor",
        );
        check(
            &whole,
            "model_name: 'm' model_namespace: 'n'",
            "ensemble_scheduling.step[0].model_namespace: models have no namespaces here",
        );
        assert_eq!(
            of("platform: 'ensemble'").unwrap_err(),
            "ensemble_scheduling: an ensemble must say what its steps are"
        );
    }
}
