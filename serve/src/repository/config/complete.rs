//! What a configuration leaves out: what is assumed of a model that has none, and every default spelled out for those
//! who ask how a model is served.

use nav_engine::ModelOptions;
use nav_package_format::{Dim, Signature, TensorSpec};

use crate::describe::{self, data_type};
use crate::proto::model_config::SchedulingChoice;
use crate::proto::model_version_policy::{Latest, PolicyChoice};
use crate::proto::{
    ModelConfig, ModelDynamicBatching, ModelInput, ModelInstanceGroup, ModelOutput,
    ModelResponseCache, ModelTransactionPolicy, ModelVersionPolicy,
};

/// The rows of a batch where only the model says that there can be batches.
const ASSUMED_BATCH: i32 = 4;

/// The configuration of a model that has none, and what is assumed there.
pub(crate) fn assumed(own: &Signature) -> (ModelConfig, String) {
    if !has_batch(own) {
        let text = "max_batch_size 0: its tensors have no open first dimension in common";
        return (ModelConfig::default(), text.to_owned());
    }
    let batching = ModelDynamicBatching::default();
    let config = ModelConfig {
        max_batch_size: ASSUMED_BATCH,
        scheduling_choice: Some(SchedulingChoice::DynamicBatching(batching)),
        ..ModelConfig::default()
    };
    let text = format!(
        "max_batch_size {ASSUMED_BATCH} and dynamic_batching: the first dimension of each tensor is open"
    );
    (config, text)
}

/// Whether every tensor has the same open first dimension.
fn has_batch(own: &Signature) -> bool {
    let mut symbol = None;
    let mut specs = own.inputs.iter().chain(&own.outputs);
    !own.inputs.is_empty()
        && specs.all(|spec| match spec.dims.as_deref().and_then(<[Dim]>::first) {
            Some(Dim::Unknown) => true,
            Some(Dim::Symbolic(name)) => symbol.get_or_insert(name) == &name,
            Some(Dim::Fixed(_)) | None => false,
        })
}

/// The configuration with every default spelled out, for a model that was found to be of this signature.
pub(crate) fn completed(
    given: &ModelConfig,
    name: &str,
    (signature, options): (&Signature, &ModelOptions),
) -> ModelConfig {
    let mut config = given.clone();
    name.clone_into(&mut config.name);
    let latest = PolicyChoice::Latest(Latest { num_versions: 1 });
    let policy = config
        .version_policy
        .get_or_insert_with(ModelVersionPolicy::default);
    policy.policy_choice.get_or_insert(latest);
    let has_batch = options.max_batch > 0;
    let inputs = signature.inputs.iter();
    config.input = inputs.map(|spec| input(given, spec, has_batch)).collect();
    let outputs = signature.outputs.iter();
    config.output = outputs.map(|spec| output(given, spec, has_batch)).collect();
    config
        .optimization
        .get_or_insert_with(describe::optimization);
    config.max_batch_size = describe::saturated(options.max_batch);
    config.scheduling_choice = match config.scheduling_choice.take() {
        Some(SchedulingChoice::DynamicBatching(mut batching)) => {
            if batching.preferred_batch_size.is_empty() && has_batch {
                batching.preferred_batch_size = vec![config.max_batch_size];
            }
            Some(SchedulingChoice::DynamicBatching(batching))
        }
        Some(SchedulingChoice::SequenceBatching(mut sequence)) => {
            if let Some(policy) = &options.sequences {
                sequence.max_sequence_idle_microseconds = describe::microseconds(policy.idle);
            }
            Some(SchedulingChoice::SequenceBatching(sequence))
        }
        other => other,
    };
    if options.instances > 0 && config.instance_group.is_empty() {
        config.instance_group.push(ModelInstanceGroup {
            count: describe::saturated(options.instances),
            ..ModelInstanceGroup::default()
        });
    }
    for (index, group) in config.instance_group.iter_mut().enumerate() {
        if group.name.is_empty() {
            group.name = format!("{name}_{index}");
        }
        group.count = group.count.max(1);
    }
    let decoupled = options.decoupled;
    let transactions = ModelTransactionPolicy { decoupled };
    config.model_transaction_policy.get_or_insert(transactions);
    let enable = options.cache;
    config
        .response_cache
        .get_or_insert(ModelResponseCache { enable });
    config
}

fn input(given: &ModelConfig, spec: &TensorSpec, has_batch: bool) -> ModelInput {
    let given = given.input.iter().find(|input| input.name == spec.name);
    ModelInput {
        data_type: data_type(spec.dtype).into(),
        ..match given {
            Some(given) if !given.dims.is_empty() => given.clone(),
            Some(given) => ModelInput {
                dims: describe::dims(spec, has_batch),
                ..given.clone()
            },
            None => describe::input(spec, has_batch),
        }
    }
}

fn output(given: &ModelConfig, spec: &TensorSpec, has_batch: bool) -> ModelOutput {
    let given = given.output.iter().find(|output| output.name == spec.name);
    ModelOutput {
        data_type: data_type(spec.dtype).into(),
        ..match given {
            Some(given) if !given.dims.is_empty() => given.clone(),
            Some(given) => ModelOutput {
                dims: describe::dims(spec, has_batch),
                ..given.clone()
            },
            None => describe::output(spec, has_batch),
        }
    }
}

#[cfg(test)]
mod tests {
    use nav_package_format::DType;

    use super::*;
    use crate::repository::config::{check, of_text, to_text};

    fn signature(first: &[Dim]) -> Signature {
        let spec = |first: &Dim| TensorSpec {
            name: format!("of {first}"),
            dtype: DType::Fp32,
            dims: Some(vec![first.clone(), Dim::Fixed(3)]),
            optional: false,
        };
        Signature {
            inputs: first.iter().map(spec).collect(),
            outputs: Vec::new(),
        }
    }

    #[test]
    fn batches_are_assumed_where_every_tensor_has_the_same_open_axis() {
        let n = || Dim::Symbolic("n".to_owned());
        let check = |first: &[Dim], expected| {
            let (config, _) = assumed(&signature(first));
            assert_eq!(config.max_batch_size, expected, "{first:?}");
        };
        check(&[n(), Dim::Unknown, n()], ASSUMED_BATCH);
        check(&[n(), Dim::Symbolic("m".to_owned())], 0);
        check(&[n(), Dim::Fixed(1)], 0);
        check(&[], 0);
    }

    #[test]
    fn every_default_is_spelled_out() {
        let text = "backend: 'b' max_batch_size: 2 dynamic_batching { } parameters { key: 'k' value { string_value: 'v' } } output { name: 'of ?' label_filename: 'l' }";
        let given = of_text(text.as_bytes()).unwrap();
        let options = check(&given, "m").unwrap().options;
        let own = Signature {
            outputs: signature(&[Dim::Unknown]).inputs,
            ..signature(&[Dim::Unknown])
        };
        let told = to_text(&completed(&given, "m", (&own, &options))).unwrap();
        for expected in [
            r#"name:"m""#,
            "version_policy{latest{num_versions:1}}",
            "preferred_batch_size:[2]",
            r#"input:[{name:"of ?",data_type:TYPE_FP32,dims:[3]}]"#,
            r#"output:[{name:"of ?",data_type:TYPE_FP32,dims:[3],label_filename:"l"}]"#,
            r#"instance_group:[{name:"m_0",count:1}]"#,
            r#"parameters:[{key:"k",value{string_value:"v"}}]"#,
            "input_pinned_memory{enable:true}",
            "model_transaction_policy{}",
        ] {
            assert!(told.contains(expected), "{expected} is not in {told}");
        }
    }
}
