//! A list of runners, bound as one model: each of them runs, wherever it is, and all must be of one model.

use std::sync::{Condvar, Mutex};

use bytes::Bytes;
use nav_adapter::{DType, ModelConfig, RunnerHandle, Triton};
use nav_package_format::{Device, TensorSpec};

use crate::place::{Place, TRACT, line};
use crate::scripted::{scripted, spec};
use crate::triton::{PATIENCE, answer, asked, triton};

/// Where those who come wait for each other.
#[derive(Default)]
struct Meeting {
    present: Mutex<usize>,
    came: Condvar,
}

impl Meeting {
    /// Waits until so many are there, or nobody believes any more that they come.
    fn wait_for(&self, count: usize) {
        let mut present = self.present.lock().unwrap();
        *present += 1;
        self.came.notify_all();
        let is_waiting = |present: &mut usize| *present < count;
        drop(self.came.wait_timeout_while(present, PATIENCE, is_waiting));
    }
}

fn x() -> TensorSpec {
    spec("x", DType::Int32, &[None, Some(1)])
}

fn y() -> TensorSpec {
    spec("y", DType::Int32, &[None, Some(1)])
}

/// A runner that says on which GPU it is, once as many of them run side by side.
fn meeting(count: usize) -> RunnerHandle {
    let meeting = Meeting::default();
    scripted((x(), y()), move |given| {
        meeting.wait_for(count);
        let Device::Cuda(number) = given.device else {
            return Bytes::new();
        };
        Bytes::copy_from_slice(&number.to_le_bytes())
    })
}

/// One request at a time for each instance.
fn config(instances: usize) -> ModelConfig {
    ModelConfig {
        max_batch_size: 1,
        instances,
        ..ModelConfig::default()
    }
}

fn instances(triton: &Triton) -> usize {
    let model = triton.engine().unwrap().model("m", None).unwrap();
    model.options().instances
}

/// The same runner on so many GPUs, each with so many instances, of which all must run side by side to give an answer.
fn check(devices: u32, each: usize) {
    let all = usize::try_from(devices).unwrap() * each;
    let runner = meeting(all);
    let on = |number| runner.afresh().on(Device::Cuda(number));
    let runners: Vec<_> = (0..devices).map(on).collect();
    let triton = triton();
    triton.bind("m", runners, [], [], config(each)).unwrap();
    triton.run().unwrap();
    assert_eq!(instances(&triton), all);
    let replies: Vec<_> = (0..all).map(|_| asked(&triton, "m", &[7])).collect();
    let mut places: Vec<i32> = replies
        .into_iter()
        .flat_map(|reply| answer(reply).unwrap())
        .collect();
    places.sort_unstable();
    let expected = (0..i32::try_from(devices).unwrap()).flat_map(|place| vec![place; each]);
    assert_eq!(places, expected.collect::<Vec<_>>());
}

#[test]
fn each_runner_of_a_list_runs_side_by_side_with_the_others_on_its_device() {
    check(1, 1);
    check(3, 1);
    check(2, 2);
}

#[test]
fn runners_of_different_models_are_refused_with_the_tensor() {
    let work = |_: &crate::scripted::Given<'_>| Bytes::new();
    let check = |other: (TensorSpec, TensorSpec), expected: &str| {
        let runners = vec![scripted((x(), y()), work), scripted(other, work)];
        let error = triton().bind("m", runners, [], [], config(1)).unwrap_err();
        let expected = format!("model `m` cannot be bound: infer_func[1].{expected}");
        assert_eq!(nav_engine::with_causes(&error), expected);
    };
    check(
        (spec("z", DType::Int32, &[None, Some(1)]), y()),
        "inputs[z]: it is `z: INT32 [?,1]`, and that of the first runner `x: INT32 [?,1]`",
    );
    check(
        (spec("x", DType::Fp32, &[None, Some(1)]), y()),
        "inputs[x]: it is `x: FP32 [?,1]`, and that of the first runner `x: INT32 [?,1]`",
    );
    check(
        (x(), spec("y", DType::Int32, &[None, Some(2)])),
        "outputs[y]: it is `y: INT32 [?,2]`, and that of the first runner `y: INT32 [?,1]`",
    );
}

#[test]
fn a_runner_that_cannot_load_its_model_is_told_by_its_place() {
    let place = Place::new();
    let package = place.package(&line(), &[TRACT]);
    let adapter = nav_adapter::PyTritonAdapter::new(&package, &[]).unwrap();
    let bound = |runners: Vec<RunnerHandle>| {
        let error = triton().bind("m", runners, [], [], adapter.config());
        nav_engine::with_causes(&error.unwrap_err())
    };
    let elsewhere = || adapter.runner().on(Device::Cuda(1));
    let reason = "runner TractCPU does not run on cuda:1";
    assert_eq!(
        bound(vec![adapter.runner(), elsewhere()]),
        format!("model `m` cannot be bound: infer_func[1]: {reason}")
    );
    assert_eq!(
        bound(vec![elsewhere()]),
        format!("model `m` cannot be bound: infer_func: {reason}")
    );
    assert_eq!(
        bound(Vec::new()),
        "model `m` cannot be bound: infer_func: the list of runners is empty"
    );
}

#[test]
fn the_runners_of_a_package_are_a_list_like_any_other() {
    let place = Place::new();
    let package = place.package(&line(), &[TRACT]);
    let adapter = nav_adapter::PyTritonAdapter::new(&package, &[]).unwrap();
    let mut active = adapter.runner();
    active.activate().unwrap();
    let runners = vec![active, adapter.runner()];
    let triton = triton();
    let (inputs, outputs) = (adapter.inputs(), adapter.outputs());
    triton
        .bind("m", runners, inputs, outputs, adapter.config())
        .unwrap();
    triton.run().unwrap();
    assert_eq!(instances(&triton), 2 * adapter.config().instances);
}
