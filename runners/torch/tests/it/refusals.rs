//! What cannot be loaded or run is refused with a reason that helps.

use nav_package_format::{Device, RunnerSettings};
use nav_runners::{LoadError, Runner};

use crate::support::{external, handle, model, options};

fn refusal(name: &str, inputs: &[&str]) -> String {
    let options = options(inputs, RunnerSettings::default());
    let error = external("TorchScriptCPU").load(&model(name), &options);
    match error.unwrap_err() {
        LoadError::Model { reason, .. } => reason,
        other => other.to_string(),
    }
}

#[test]
fn inputs_must_be_those_of_forward() {
    let check = |name: &str, inputs: &[&str], expected: &str| {
        assert_eq!(refusal(name, inputs), expected);
    };
    check(
        "mlp",
        &["y:FP32:batch,8"],
        "it has no input `y`: it takes `x: Tensor`",
    );
    check(
        "pair",
        &["tokens:INT64:batch,length"],
        "its input `mask` was not declared: it takes `tokens: Tensor`, `mask: Tensor`",
    );
    check(
        "mlp",
        &["x:BYTES:batch,8"],
        "runner TorchScriptCPU cannot handle BYTES (of `x`)",
    );
}

#[test]
fn inputs_that_do_not_fit_the_model_say_so_when_it_is_first_run() {
    let reason = refusal("mlp", &["x:FP32:batch,9"]);
    assert!(
        reason.contains("mat1 and mat2 shapes cannot be multiplied"),
        "{reason}"
    );
}

#[test]
fn a_model_that_nobody_declared_is_refused() {
    let mut options = options(&["x:FP32:batch,8"], RunnerSettings::default());
    options.declared = None;
    let error = external("TorchScriptCPU").load(&model("mlp"), &options);
    let reason = error.unwrap_err().to_string();
    assert!(reason.contains("nobody declared that"), "{reason}");
}

#[test]
fn the_processor_is_no_gpu() {
    let mut options = options(&["x:FP32:batch,8"], RunnerSettings::default());
    options.device = Device::Cuda(0);
    let error = external("TorchScriptCPU").load(&model("mlp"), &options);
    assert!(matches!(error.unwrap_err(), LoadError::Device { .. }));
}

#[test]
fn outputs_are_found_by_name_type_and_rank() {
    let pair = handle(
        "pair",
        &["tokens:INT64:batch,length", "mask:BOOL:batch,length"],
        RunnerSettings::default(),
    );
    let outputs = &pair.signature().unwrap().outputs;
    let outputs: Vec<String> = outputs.iter().map(ToString::to_string).collect();
    assert_eq!(
        outputs,
        ["scores: FP32 [?,?]", "best: INT64 [?]", "any: BOOL [?]"]
    );
}
