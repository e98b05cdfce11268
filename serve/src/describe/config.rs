//! How a model is served, under the names that the model configuration of this protocol has.

use std::collections::BTreeMap;
use std::time::Duration;

use nav_engine::{BatchPolicy, Engine, Model, ModelOptions, QueuePolicy, TimeoutAction};
use nav_package_format::{DType, Device, TensorSpec};

use super::find;
use super::metadata::extents;
use crate::facts::ModelFacts;
use crate::proto::model_config::SchedulingChoice;
use crate::proto::{
    DataType, ModelConfig, ModelDynamicBatching, ModelEnsembling, ModelInput, ModelInstanceGroup,
    ModelOptimizationPolicy, ModelOutput, ModelParameter, ModelQueuePolicy, ModelResponseCache,
    ModelTransactionPolicy, ModelVersionPolicy, model_ensembling, model_instance_group,
    model_optimization_policy, model_queue_policy, model_version_policy,
};
use crate::refusal::Refusal;

/// The configuration of this model.
pub(crate) fn config(
    engine: &Engine,
    name: &str,
    version: Option<u64>,
) -> Result<ModelConfig, Refusal> {
    let model = find(engine, name, version)?;
    Ok(config_of(&model))
}

/// The same of a model that was found.
pub(crate) fn config_of(model: &Model) -> ModelConfig {
    let options = model.options();
    let facts = ModelFacts::of(model);
    if let Some(configured) = &facts.configured {
        return configured.config().clone();
    }
    let has_batch = options.max_batch > 0;
    let signature = model.signature();
    let latest = model_version_policy::Latest { num_versions: 1 };
    let mut group = ModelInstanceGroup {
        name: format!("{}_0", model.name()),
        count: saturated(options.instances),
        ..ModelInstanceGroup::default()
    };
    place(&mut group, facts.device);
    ModelConfig {
        name: model.name().to_owned(),
        platform: facts.platform.clone(),
        version_policy: Some(ModelVersionPolicy {
            policy_choice: Some(model_version_policy::PolicyChoice::Latest(latest)),
        }),
        max_batch_size: saturated(options.max_batch),
        input: signature
            .inputs
            .iter()
            .map(|it| input(it, has_batch))
            .collect(),
        output: signature
            .outputs
            .iter()
            .map(|it| output(it, has_batch))
            .collect(),
        optimization: Some(optimization()),
        scheduling_choice: scheduling(model),
        instance_group: vec![group],
        parameters: facts.parameters.iter().map(parameter).collect(),
        model_transaction_policy: Some(ModelTransactionPolicy {
            decoupled: options.decoupled,
        }),
        response_cache: Some(ModelResponseCache {
            enable: options.cache,
        }),
        ..ModelConfig::default()
    }
}

/// Says where instances are that may be anywhere. Clients of PyTriton need to be told.
pub(crate) fn place(group: &mut ModelInstanceGroup, device: Device) {
    if group.kind() != model_instance_group::Kind::Auto {
        return;
    }
    match device {
        Device::Cpu => group.set_kind(model_instance_group::Kind::Cpu),
        Device::Cuda(number) => {
            group.set_kind(model_instance_group::Kind::Gpu);
            if group.gpus.is_empty() {
                group.gpus = vec![i32::try_from(number).unwrap_or(i32::MAX)];
            }
        }
    }
}

fn parameter((name, value): (&String, &String)) -> (String, ModelParameter) {
    let string_value = value.clone();
    (name.clone(), ModelParameter { string_value })
}

pub(crate) fn optimization() -> ModelOptimizationPolicy {
    let pinned = Some(model_optimization_policy::PinnedMemoryBuffer { enable: true });
    ModelOptimizationPolicy {
        input_pinned_memory: pinned,
        output_pinned_memory: pinned,
        ..ModelOptimizationPolicy::default()
    }
}

fn scheduling(model: &Model) -> Option<SchedulingChoice> {
    let steps: Vec<model_ensembling::Step> = model.steps().map(step).collect();
    if !steps.is_empty() {
        return Some(SchedulingChoice::EnsembleScheduling(ModelEnsembling {
            step: steps,
        }));
    }
    let options = model.options();
    let policy = options.batching.as_ref()?;
    Some(SchedulingChoice::DynamicBatching(batching(options, policy)))
}

fn step((name, version): (&str, Option<u64>)) -> model_ensembling::Step {
    let version = version.and_then(|it| i64::try_from(it).ok());
    model_ensembling::Step {
        model_name: name.to_owned(),
        model_version: version.unwrap_or(-1),
        ..model_ensembling::Step::default()
    }
}

pub(crate) fn input(spec: &TensorSpec, has_batch: bool) -> ModelInput {
    ModelInput {
        name: spec.name.clone(),
        data_type: data_type(spec.dtype).into(),
        dims: dims(spec, has_batch),
        optional: spec.optional,
        ..ModelInput::default()
    }
}

pub(crate) fn output(spec: &TensorSpec, has_batch: bool) -> ModelOutput {
    ModelOutput {
        name: spec.name.clone(),
        data_type: data_type(spec.dtype).into(),
        dims: dims(spec, has_batch),
        ..ModelOutput::default()
    }
}

/// The dimensions of one row.
pub(crate) fn dims(spec: &TensorSpec, has_batch: bool) -> Vec<i64> {
    let dims = spec.dims.as_deref().unwrap_or_default();
    extents(dims.get(usize::from(has_batch)..).unwrap_or_default())
}

/// A type as configurations name it.
pub(crate) const fn data_type(dtype: DType) -> DataType {
    match dtype {
        DType::Bool => DataType::TypeBool,
        DType::Uint8 => DataType::TypeUint8,
        DType::Uint16 => DataType::TypeUint16,
        DType::Uint32 => DataType::TypeUint32,
        DType::Uint64 => DataType::TypeUint64,
        DType::Int8 => DataType::TypeInt8,
        DType::Int16 => DataType::TypeInt16,
        DType::Int32 => DataType::TypeInt32,
        DType::Int64 => DataType::TypeInt64,
        DType::Fp16 => DataType::TypeFp16,
        DType::Bf16 => DataType::TypeBf16,
        DType::Fp32 => DataType::TypeFp32,
        DType::Fp64 => DataType::TypeFp64,
        DType::Bytes => DataType::TypeString,
    }
}

pub(crate) fn batching(options: &ModelOptions, policy: &BatchPolicy) -> ModelDynamicBatching {
    let preferred = if policy.preferred_sizes.is_empty() {
        &[options.max_batch][..]
    } else {
        &policy.preferred_sizes
    };
    let levels = options.level_queues.iter();
    let levels: BTreeMap<u64, ModelQueuePolicy> = levels
        .map(|(level, policy)| (u64::from(*level), queue(policy)))
        .collect();
    let of_levels = |value: u32| {
        if options.priority_levels > 1 {
            value.into()
        } else {
            0
        }
    };
    ModelDynamicBatching {
        preferred_batch_size: preferred.iter().map(|size| saturated(*size)).collect(),
        max_queue_delay_microseconds: microseconds(policy.delay),
        preserve_ordering: policy.preserve_ordering,
        priority_levels: of_levels(options.priority_levels),
        default_priority_level: of_levels(options.default_priority),
        default_queue_policy: Some(queue(&options.queue)),
        priority_queue_policy: levels,
    }
}

fn queue(policy: &QueuePolicy) -> ModelQueuePolicy {
    let action = match policy.timeout_action {
        TimeoutAction::Reject => model_queue_policy::TimeoutAction::Reject,
        TimeoutAction::Delay => model_queue_policy::TimeoutAction::Delay,
    };
    ModelQueuePolicy {
        timeout_action: action.into(),
        default_timeout_microseconds: policy.default_timeout.map_or(0, microseconds),
        allow_timeout_override: policy.allow_timeout_override,
        max_queue_size: policy
            .max_queue_size
            .map_or(0, |most| u32::try_from(most).unwrap_or(u32::MAX)),
    }
}

pub(crate) fn saturated(size: usize) -> i32 {
    i32::try_from(size).unwrap_or(i32::MAX)
}

pub(crate) fn microseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
