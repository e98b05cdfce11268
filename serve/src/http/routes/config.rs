//! How a model is served, under the names that the model configuration of this protocol has.

use hyper::Response;
use nav_engine::{BatchPolicy, Model, ModelOptions, QueuePolicy, TimeoutAction};
use nav_package_format::{DType, TensorSpec};
use serde_json::{Map, Value, json};

use super::Target;
use super::model::{extents, find, platform, serialized};
use crate::http::body::Frames;
use crate::http::refusal::Refusal;
use crate::state::State;

/// The configuration of this model.
pub(super) fn config(state: &State, target: Target<'_>) -> Result<Response<Frames>, Refusal> {
    let model = find(state, target)?;
    serialized(&of(state, &model))
}

fn of(state: &State, model: &Model) -> Value {
    let options = model.options();
    let has_batch = options.max_batch > 0;
    let inputs = &model.signature().inputs;
    let outputs = &model.signature().outputs;
    let parameters = state.catalog.facts(model.name()).into_iter();
    let parameters = parameters.flat_map(|facts| &facts.parameters);
    let parameters: Map<String, Value> = parameters
        .map(|(name, value)| (name.clone(), json!({ "string_value": value })))
        .collect();
    let mut config = json!({
        "name": model.name(),
        "platform": platform(state, model),
        "backend": "",
        "runtime": "",
        "version_policy": { "latest": { "num_versions": 1 } },
        "max_batch_size": options.max_batch,
        "input": inputs.iter().map(|spec| input(spec, has_batch)).collect::<Vec<_>>(),
        "output": outputs.iter().map(|spec| output(spec, has_batch)).collect::<Vec<_>>(),
        "batch_input": [],
        "batch_output": [],
        "optimization": {},
        "instance_group": [{
            "name": format!("{}_0", model.name()),
            "kind": "KIND_AUTO",
            "count": options.instances,
            "gpus": [],
        }],
        "default_model_filename": "",
        "cc_model_filenames": {},
        "metric_tags": {},
        "parameters": parameters,
        "model_warmup": [],
        "model_transaction_policy": { "decoupled": options.decoupled },
        "response_cache": { "enable": options.cache },
    });
    if let Value::Object(members) = &mut config {
        if let Some(policy) = &options.batching {
            members.insert("dynamic_batching".to_owned(), batching(options, policy));
        }
        if model.steps().next().is_some() {
            let step = |(name, version): (&str, Option<u64>)| {
                let version = version.and_then(|it| i64::try_from(it).ok());
                json!({ "model_name": name, "model_version": version.unwrap_or(-1) })
            };
            let steps: Vec<Value> = model.steps().map(step).collect();
            members.insert("ensemble_scheduling".to_owned(), json!({ "step": steps }));
        }
    }
    config
}

fn input(spec: &TensorSpec, has_batch: bool) -> Value {
    json!({
        "name": spec.name,
        "data_type": data_type(spec.dtype),
        "format": "FORMAT_NONE",
        "dims": dims(spec, has_batch),
        "is_shape_tensor": false,
        "allow_ragged_batch": false,
        "optional": spec.optional,
        "is_non_linear_format_io": false,
    })
}

fn output(spec: &TensorSpec, has_batch: bool) -> Value {
    json!({
        "name": spec.name,
        "data_type": data_type(spec.dtype),
        "dims": dims(spec, has_batch),
        "label_filename": "",
        "is_shape_tensor": false,
        "is_non_linear_format_io": false,
    })
}

/// The dimensions of one row.
fn dims(spec: &TensorSpec, has_batch: bool) -> Vec<i64> {
    let dims = spec.dims.as_deref().unwrap_or_default();
    extents(dims.get(usize::from(has_batch)..).unwrap_or_default())
}

fn data_type(dtype: DType) -> String {
    match dtype {
        DType::Bytes => "TYPE_STRING".to_owned(),
        other => format!("TYPE_{other}"),
    }
}

fn batching(options: &ModelOptions, policy: &BatchPolicy) -> Value {
    let preferred = if policy.preferred_sizes.is_empty() {
        &[options.max_batch][..]
    } else {
        &policy.preferred_sizes
    };
    let levels: Map<String, Value> = options
        .level_queues
        .iter()
        .map(|(level, policy)| (level.to_string(), queue(policy)))
        .collect();
    let has_levels = options.priority_levels > 1;
    json!({
        "preferred_batch_size": preferred,
        "max_queue_delay_microseconds": microseconds(policy.delay),
        "preserve_ordering": policy.preserve_ordering,
        "priority_levels": if has_levels { options.priority_levels } else { 0 },
        "default_priority_level": if has_levels { options.default_priority } else { 0 },
        "default_queue_policy": queue(&options.queue),
        "priority_queue_policy": levels,
    })
}

fn queue(policy: &QueuePolicy) -> Value {
    json!({
        "timeout_action": match policy.timeout_action {
            TimeoutAction::Reject => "REJECT",
            TimeoutAction::Delay => "DELAY",
        },
        "default_timeout_microseconds": policy.default_timeout.map_or(0, microseconds),
        "allow_timeout_override": policy.allow_timeout_override,
        "max_queue_size": policy.max_queue_size.unwrap_or(0),
    })
}

fn microseconds(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
