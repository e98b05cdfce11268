//! Writes what Model Navigator 0.14 would have recorded, so that it opens a package of ours: the untouched
//! model under its key `onnx`, on the runners that it knows, with what was measured of each. It has no words
//! for the rest, which is in the manifest.

use serde_json::{Map, Value, json};

use super::metadata::dtype_name;
use super::status::StatusError;
use crate::package::evaluation::Evaluation;
use crate::package::manifest::{Manifest, StoredFile};
use crate::package::measurement::Measurement;
use crate::package::record::{CORRECTNESS, Comparison, Outcome, PERFORMANCE, Record};
use crate::package::variant::Variant;
use crate::{Dim, Format, RunnerSettings, TensorSpec};

/// The format that is written.
const FORMAT: &str = "0.3.2";
/// The version whose loader was tried with it.
const VERSION: &str = "0.14.0";
/// The runners it knows for an ONNX model. One that it does not know breaks it when that one wins.
const RUNNERS: &[&str] = &["OnnxCPU", "OnnxCUDA", "OnnxTensorRT"];
/// What it takes for the time of a package that does not tell.
const NO_TIME: &str = "1970-01-01T00:00:00.000000";

/// The text of `status.yaml`. JSON is YAML too, but its small numbers are text to YAML 1.1.
pub(in crate::package) fn write(
    manifest: &Manifest,
    files: &[StoredFile],
) -> Result<String, StatusError> {
    let model = &manifest.model;
    let batched = model.batch_axis.is_some();
    let evaluations = manifest.evaluations();
    let untouched = untouched(manifest, &evaluations);
    let largest = untouched
        .iter()
        .filter_map(|evaluation| evaluation.largest_batch())
        .max()
        .unwrap_or(1);
    let is_onnx = model.format == Format::Onnx.name();
    let models = if is_onnx {
        json!({ "onnx": onnx(manifest, &untouched) })
    } else {
        json!({})
    };
    let runners: Vec<&str> = untouched.iter().map(|one| one.runner.as_str()).collect();
    let document = json!({
        "format_version": FORMAT,
        "model_navigator_version": VERSION,
        "uuid": uuid(files),
        "environment": {},
        "config": {
            "framework": if is_onnx { "onnx" } else { "torch" },
            "target_formats": if is_onnx { json!(["onnx"]) } else { json!([]) },
            "target_device": if runners.contains(&"OnnxCPU") { "cpu" } else { "cuda" },
            "sample_count": 1,
            "runner_names": runners,
            "batch_dim": model.batch_axis,
            "custom_configs": {},
        },
        "models_status": models,
        "input_metadata": metadata(&model.signature.inputs),
        "output_metadata": metadata(&model.signature.outputs),
        "dataloader_trt_profile": trt_profile(&model.signature.inputs, largest),
        "dataloader_max_batch_size": if batched { largest } else { 0 },
        "status": {},
        "timestamp": manifest.provenance.created.as_deref().unwrap_or(NO_TIME),
    });
    serde_saphyr::to_string(&document).map_err(|error| StatusError::Malformed {
        reason: error.to_string(),
    })
}

/// For each runner that it knows, the variant of the untouched model that is closest to what it would run:
/// with default settings if there is one.
fn untouched<'a>(manifest: &'a Manifest, evaluations: &'a [Evaluation]) -> Vec<&'a Evaluation> {
    let pairs = || manifest.variants.iter().zip(evaluations);
    let same = |variant: &Variant| variant.files == manifest.model.files;
    let plain =
        |variant: &Variant| variant.settings == RunnerSettings::default() && variant.instances == 1;
    let of_runner = |runner: &&str| {
        let own = || pairs().filter(|(variant, _)| variant.runner == *runner && same(variant));
        let best = own().find(|(variant, _)| plain(variant)).or(own().next());
        best.map(|(_, evaluation)| evaluation)
    };
    RUNNERS.iter().filter_map(of_runner).collect()
}

fn onnx(manifest: &Manifest, evaluations: &[&Evaluation]) -> Value {
    let runners: Map<String, Value> = evaluations
        .iter()
        .map(|evaluation| (evaluation.runner.clone(), runner(manifest, evaluation)))
        .collect();
    json!({
        "model_config": {
            "format": "onnx",
            "key": "onnx",
            "path": "onnx/model.onnx",
            "parent_path": null,
            "parent_key": null,
            "log_path": "onnx/format.log",
            "custom_args": {},
            "quantized": false,
        },
        "runners_status": runners,
    })
}

fn runner(manifest: &Manifest, evaluation: &Evaluation) -> Value {
    let word = |step| match evaluation.outcome(step) {
        Some(Outcome::Ok) => "OK",
        Some(Outcome::Failed) => "FAIL",
        Some(Outcome::Skipped) | None => "SKIPPED",
    };
    let profiles: Vec<Value> = evaluation.measurements.iter().map(profile).collect();
    json!({
        "runner_name": evaluation.runner,
        "status": { "Correctness": word(CORRECTNESS), "Performance": word(PERFORMANCE) },
        "result": {
            "Correctness": {
                "execution_time": seconds(manifest, evaluation, CORRECTNESS),
                "per_output_tolerance": tolerances(manifest, evaluation),
            },
            "Performance": {
                "execution_time": seconds(manifest, evaluation, PERFORMANCE),
                "profiling_results": profiles,
            },
        },
    })
}

fn record<'a>(manifest: &'a Manifest, evaluation: &Evaluation, step: &str) -> Option<&'a Record> {
    manifest
        .records
        .iter()
        .find(|record| record.step == step && record.is_of(&evaluation.variant, &evaluation.runner))
}

fn seconds(manifest: &Manifest, evaluation: &Evaluation, step: &str) -> f64 {
    let took = record(manifest, evaluation, step).and_then(|record| record.took_ms);
    took.unwrap_or_default() / 1e3
}

fn tolerances(manifest: &Manifest, evaluation: &Evaluation) -> Vec<Value> {
    let compared = record(manifest, evaluation, CORRECTNESS).map(|record| &record.comparisons);
    let tolerance = |comparison: &Comparison| {
        json!({
            "output_name": comparison.output,
            "atol": comparison.tolerance.absolute,
            "rtol": comparison.tolerance.relative,
        })
    };
    compared.into_iter().flatten().map(tolerance).collect()
}

fn profile(measurement: &Measurement) -> Value {
    let latency = &measurement.latency;
    json!({
        "sample_id": 0,
        "batch_size": measurement.batch,
        "avg_latency": latency.mean_ms,
        "std_latency": latency.deviation_ms,
        "p50_latency": latency.p50_ms,
        "p90_latency": latency.p90_ms,
        "p95_latency": latency.p95_ms,
        "p99_latency": latency.p99_ms,
        "throughput": measurement.throughput,
        "request_count": measurement.requests,
    })
}

/// Open extents are -1. Names stand for themselves in the tree of a dictionary.
fn metadata(specs: &[TensorSpec]) -> Value {
    let tensors: Vec<Value> = specs
        .iter()
        .map(|spec| {
            json!({
                "name": spec.name,
                "shape": extents(spec, |_, _| json!(-1)),
                "dtype": dtype_name(spec.dtype),
            })
        })
        .collect();
    let names: Map<String, Value> = specs
        .iter()
        .map(|spec| (spec.name.clone(), json!(spec.name)))
        .collect();
    json!({
        "metadata": tensors,
        "pytree_metadata": { "metadata": names, "tensor_type": "numpy" },
        "is_legacy": false,
    })
}

/// The range of each input's extents: open ones from 1, the first one to the largest batch.
fn trt_profile(specs: &[TensorSpec], largest: usize) -> Value {
    let profile = |spec: &TensorSpec| {
        let most = |axis, _: &Dim| json!(if axis == 0 { largest } else { 1 });
        let shapes = json!({
            "min": extents(spec, |_, _| json!(1)),
            "opt": extents(spec, most),
            "max": extents(spec, most),
        });
        (spec.name.clone(), shapes)
    };
    Value::Object(specs.iter().map(profile).collect())
}

fn extents(spec: &TensorSpec, open: impl Fn(usize, &Dim) -> Value) -> Vec<Value> {
    let dims = spec.dims.iter().flatten().enumerate();
    dims.map(|(axis, dim)| match dim {
        Dim::Fixed(extent) => json!(extent),
        other => open(axis, other),
    })
    .collect()
}

/// A name of its own for each content, in the form of a UUID of version 8.
fn uuid(files: &[StoredFile]) -> String {
    let mut hasher = crate::Hasher::default();
    for file in files {
        hasher.update(file.sha256.as_bytes());
    }
    let digest = hasher.finish();
    let mut bytes = [0; 16];
    for (byte, digest) in bytes.iter_mut().zip(digest.as_bytes()) {
        *byte = *digest;
    }
    bytes[6] = (bytes[6] & 0x0f) | 0x80;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let number = u128::from_be_bytes(bytes);
    let hex = format!("{number:032x}");
    let parts = [(0, 8), (8, 12), (12, 16), (16, 20), (20, 32)];
    let parts = parts.map(|(from, to)| hex.get(from..to).unwrap_or_default());
    parts.join("-")
}
