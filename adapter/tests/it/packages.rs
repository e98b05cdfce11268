//! `PyTritonAdapter` over packages of ours: what is chosen, what it says, and what its runner does.

use std::path::PathBuf;

use nav_adapter::{AdapterError, Package, PyTritonAdapter};
use nav_package_format::package::{
    MaxThroughput, MaxThroughputWithLatencyBudget, MinLatency, Percentile, Runtime,
    SelectedRuntime, Serving, Strategy,
};
use nav_package_format::trust::{AllowNativeCode, Overrides, TrustPolicy};
use nav_package_format::{DType, Device, Shape, TensorData};
use nav_runners::handle::InferError;
use nav_runners::{InputError, LoadError, RunError};

use crate::place::{Place, TRACT, Told, another_machine, host_with_onnxruntime, line, twice};

fn floats(shape: impl Into<Shape>, numbers: &[f32]) -> TensorData {
    let bytes = numbers.iter().flat_map(|it| it.to_le_bytes()).collect();
    TensorData::new(DType::Fp32, shape.into(), bytes).unwrap()
}

fn budget(budget_ms: f64) -> MaxThroughputWithLatencyBudget {
    MaxThroughputWithLatencyBudget {
        budget_ms,
        percentile: Percentile::P99,
    }
}

#[test]
fn a_config_carries_what_was_measured() {
    let place = Place::new();
    let package = place.package(&line(), &[TRACT]);
    // The most rows, the preferred sizes, the delay.
    let check = |strategies: &[&dyn Strategy], expected: (usize, &[usize], u64)| {
        let adapter = PyTritonAdapter::new(&package, strategies).unwrap();
        let config = adapter.config();
        let batcher = &config.batcher;
        let found = (
            config.max_batch_size,
            &*batcher.preferred_batch_size,
            batcher.max_queue_delay_microseconds,
        );
        assert_eq!(found, expected, "{strategies:?}");
        assert!(config.batching && adapter.batching());
        assert_eq!(config.instances, 2);
    };
    check(&[&MaxThroughput], (8, &[8], 200));
    check(&[&MinLatency], (1, &[], 0));
    // The largest batch that keeps to the budget, though a smaller one does more.
    check(&[&budget(5.0)], (32, &[8], 200));
    check(&[&budget(1.0)], (8, &[8], 200));
    check(&[&budget(0.3)], (1, &[], 0));
    // The first strategy that chooses decides.
    check(&[&budget(0.1), &MinLatency], (1, &[], 0));
}

#[test]
fn without_strategies_it_is_served_as_the_package_says() {
    let place = Place::new();
    let serving = Serving {
        variant: "onnx".to_owned(),
        runner: "TractCPU".to_owned(),
        max_batch: Some(16),
        preferred_batches: vec![4, 16],
        queue_delay_us: 77,
        instances: 3,
        threads: None,
    };
    let path = place.pack("line.nav", &line(), (&[TRACT], Some(serving.clone())));
    let package = Package::open_on(path, &place.host()).unwrap();
    let adapter = PyTritonAdapter::new(&package, &[]).unwrap();
    assert_eq!(adapter.serving(), &serving);
    let config = adapter.config();
    assert_eq!((config.max_batch_size, config.instances), (16, 3));
    assert_eq!(config.batcher.preferred_batch_size, [4, 16]);
    assert_eq!(config.batcher.max_queue_delay_microseconds, 77);
    assert_eq!(adapter.why(), "onnx on TractCPU, as the package says");
    assert!(adapter.instead_of().is_none());
}

#[test]
fn where_that_does_not_run_here_it_is_said_what_is_taken_instead() {
    let place = Place::new();
    let engine = Told {
        name: "engine",
        runner: "OnnxCUDA",
        device: Device::Cuda(0),
        ..TRACT
    };
    let serving = Serving {
        variant: "engine".to_owned(),
        runner: "OnnxCUDA".to_owned(),
        max_batch: Some(64),
        preferred_batches: Vec::new(),
        queue_delay_us: 0,
        instances: 1,
        threads: None,
    };
    let path = place.pack("line.nav", &line(), (&[engine, TRACT], Some(serving)));
    let package = Package::open_on(path, &place.host()).unwrap();
    let adapter = PyTritonAdapter::new(&package, &[]).unwrap();
    let why = adapter.why();
    let expected =
        "onnx on TractCPU, chosen from what was measured, as engine on OnnxCUDA cannot run here: ";
    assert!(why.starts_with(expected), "{why}");
    assert!(adapter.instead_of().is_some());
    // Served as this one was measured, and not as the other.
    assert_eq!(adapter.config().max_batch_size, 8);
}

#[test]
fn tensors_are_told_without_the_dimension_of_the_batch() {
    let place = Place::new();
    let adapter = PyTritonAdapter::new(&place.package(&line(), &[TRACT]), &[]).unwrap();
    let (inputs, outputs) = (adapter.inputs(), adapter.outputs());
    assert_eq!(
        (inputs[0].name(), inputs[0].dtype, &*inputs[0].shape),
        ("x", DType::Fp32, &[4][..])
    );
    assert_eq!((outputs[0].name(), &*outputs[0].shape), ("y", &[2][..]));
    let alone = Told {
        took_ms: &[(None, 0.2)],
        ..TRACT
    };
    let adapter = PyTritonAdapter::new(&place.package(&twice(), &[alone]), &[]).unwrap();
    assert!(!adapter.batching() && !adapter.config().batching);
    assert_eq!(adapter.inputs()[0].shape, [3]);
}

#[test]
fn a_runner_is_activated_asked_and_deactivated() {
    let place = Place::new();
    let adapter = PyTritonAdapter::new(&place.package(&line(), &[TRACT]), &[]).unwrap();
    let mut runner = adapter.runner();
    let x = floats([2, 4], &[1.0, 2.0, 3.0, 4.0, 10.0, 0.0, 0.0, 0.0]);
    let ask = [("x", x.view())];
    let not_activated = InferError::NotActivated { runner: "TractCPU" };
    assert_eq!(runner.infer(&ask).unwrap_err(), not_activated);
    runner.activate().unwrap();
    let outputs = runner.infer(&ask).unwrap();
    let expected = floats([2, 2], &[10.0, 2.0, 10.0, 20.0]);
    assert_eq!(outputs.get("y").unwrap().bytes, expected.bytes());
    runner.deactivate();
    assert_eq!(runner.infer(&ask).unwrap_err(), not_activated);
    runner.activate().unwrap();
    assert!(runner.infer(&ask).is_ok());
}

#[test]
fn wrong_inputs_are_told_by_kind_and_name() {
    let place = Place::new();
    let adapter = PyTritonAdapter::new(&place.package(&line(), &[TRACT]), &[]).unwrap();
    let mut runner = adapter.runner();
    runner.activate().unwrap();
    let mut check = |inputs: &[(&str, &TensorData)], expected: InputError| {
        let views: Vec<_> = inputs.iter().map(|(name, it)| (*name, it.view())).collect();
        let error = runner.infer(&views).unwrap_err();
        assert_eq!(error, InferError::Run(RunError::Input(expected)));
    };
    let x = floats([1, 4], &[0.0; 4]);
    let name = "x".to_owned();
    check(&[], InputError::Missing { name: name.clone() });
    let extra = "z".to_owned();
    check(&[("x", &x), ("z", &x)], InputError::Unknown { name: extra });
    let twice = InputError::Duplicate { name: name.clone() };
    check(&[("x", &x), ("x", &x)], twice);
    let whole = TensorData::new(DType::Int32, Shape::from([1, 4]), vec![0; 16]).unwrap();
    let wrong = InputError::DType {
        name: name.clone(),
        expected: DType::Fp32,
        found: DType::Int32,
    };
    check(&[("x", &whole)], wrong);
    let wrong = InputError::Shape {
        name,
        expected: "[batch,4]".to_owned(),
        found: Shape::from([1, 5]),
    };
    check(&[("x", &floats([1, 5], &[0.0; 5]))], wrong);
}

#[test]
fn what_does_not_run_here_is_passed_over_and_named_with_its_reason_where_nothing_does() {
    let place = Place::new();
    let elsewhere = Told {
        name: "engine",
        device: Device::Cuda(0),
        built_for: Some(another_machine()),
        took_ms: &[(Some(8), 0.01)],
        ..TRACT
    };
    let here = Told {
        name: "here",
        built_for: Some(another_machine()),
        took_ms: &[(Some(8), 0.02)],
        ..TRACT
    };
    let unknown = Told {
        name: "future",
        runner: "QuantumQPU",
        took_ms: &[(Some(8), 0.03)],
        ..TRACT
    };
    let uninstalled = Told {
        name: "fast",
        runner: "OnnxCUDA",
        device: Device::Cuda(0),
        took_ms: &[(Some(8), 0.04)],
        ..TRACT
    };
    let others = [elsewhere, here, unknown, uninstalled];
    let all = [&others[..], &[TRACT]].concat();
    let package = place.package(&line(), &all);
    let adapter = PyTritonAdapter::new(&package, &[&MaxThroughput]).unwrap();
    assert_eq!(adapter.runtime().to_string(), "onnx on TractCPU");

    let slow = Told {
        name: "slow",
        took_ms: &[(Some(1), 90.0)],
        ..TRACT
    };
    let package = place.package(&line(), &[&others[..], &[slow]].concat());
    let error = PyTritonAdapter::new(&package, &[&budget(1.0)]).unwrap_err();
    let text = error.to_string();
    for reason in [
        "engine on TractCPU cannot run here: there is no device like cuda:0",
        "here on TractCPU cannot run here: it was built for NVIDIA H9000 (compute capability 42.0), and is to run on cpu",
        "future on QuantumQPU needs QuantumQPU, which this program does not know",
        "fast on OnnxCUDA cannot run here: ",
        "slow on TractCPU: no batch has a latency within 1 ms at p99",
    ] {
        assert!(text.contains(reason), "{reason}: {text}");
    }
}

#[test]
fn every_variant_of_a_package_answers_the_same() {
    let place = Place::new();
    let host = match host_with_onnxruntime(&place) {
        Ok(host) => host,
        Err(error) => {
            eprintln!("not tested: {error}");
            return;
        }
    };
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let path = path.join("../package-format/tests/data/packages/v1.0.nav");
    let package = Package::open_on(path, &host).unwrap();
    let x = floats(
        [3, 4],
        &[1.0, 2.0, 3.0, 4.0, 0.5, 0.0, -1.0, 2.0, 0.0, 9.0, 0.0, 1.0],
    );
    let mut answers = Vec::new();
    for variant in package.contents().variants() {
        let selected = SelectedRuntime(Runtime {
            variant: variant.name.clone(),
            runner: variant.runner.clone(),
        });
        let adapter = PyTritonAdapter::new(&package, &[&selected]).unwrap();
        assert_eq!(adapter.runtime(), &selected.0);
        let threads = variant.settings.intra_threads;
        let mut runner = adapter.runner();
        assert_eq!(runner.options().settings.intra_threads, threads);
        runner.activate().unwrap();
        let outputs = runner.infer(&[("x", x.view())]).unwrap();
        answers.push(outputs.get("y").unwrap().bytes.clone());
    }
    assert_eq!(answers.len(), 3);
    // The weights are quarters, so that no runner rounds.
    assert!(
        answers.iter().all(|answer| *answer == answers[0]),
        "{answers:?}"
    );
}

#[test]
fn where_no_strategy_chooses_each_candidate_is_named() {
    let place = Place::new();
    let package = place.package(&line(), &[TRACT]);
    let selected = SelectedRuntime(Runtime {
        variant: "onnx".to_owned(),
        runner: "OnnxCPU".to_owned(),
    });
    let error = PyTritonAdapter::new(&package, &[&selected, &budget(0.1)]).unwrap_err();
    let text = error.to_string();
    let reason = "onnx on TractCPU: no batch has a latency within 0.1 ms at p99";
    assert!(text.contains(reason), "{text}");
}

#[test]
fn activating_checks_the_files_again() {
    let place = Place::new();
    let adapter = PyTritonAdapter::new(&place.package(&line(), &[TRACT]), &[]).unwrap();
    let mut runner = adapter.runner();
    let path = runner.model().path.clone();
    std::fs::write(&path, b"something else").unwrap();
    runner.activate().unwrap();
    let x = floats([1, 4], &[1.0, 1.0, 1.0, 1.0]);
    assert!(runner.infer(&[("x", x.view())]).is_ok());
    assert_ne!(std::fs::read(&path).unwrap(), b"something else");
}

#[test]
fn what_the_policy_does_not_admit_is_not_loaded() {
    let place = Place::new();
    let overrides = Overrides {
        allow_native_code: Some(AllowNativeCode::Never),
        ..Overrides::default()
    };
    let policy = TrustPolicy::default().with(overrides).unwrap();
    let native = Told {
        name: "script",
        runner: "TorchScriptCPU",
        format: "torch-script",
        ..TRACT
    };
    let package = place.package_under(policy.clone(), &[native]);
    let error = PyTritonAdapter::new(&package, &[&MaxThroughput]).unwrap_err();
    assert!(
        matches!(
            &error,
            AdapterError::Package(nav_worker::packaged::PackagedError::Refused(_))
        ),
        "{error}"
    );
    // Data only is another matter.
    let package = place.package_under(policy, &[TRACT]);
    assert!(PyTritonAdapter::new(&package, &[&MaxThroughput]).is_ok());
}

#[test]
fn a_package_that_changed_after_it_was_opened_is_not_loaded() {
    let place = Place::new();
    let package = place.package(&line(), &[TRACT]);
    let adapter = PyTritonAdapter::new(&package, &[]).unwrap();
    let mut runner = adapter.runner();
    // Neither what was extracted nor what it came from is right any more.
    std::fs::write(&runner.model().path, b"something else").unwrap();
    let path = place.path("line.nav");
    let mut bytes = std::fs::read(&path).unwrap();
    let model = line().to_bytes();
    let start = bytes
        .windows(model.len())
        .position(|window| window == model)
        .unwrap();
    bytes[start + model.len() / 2] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let error = runner.activate().unwrap_err();
    assert!(matches!(error, LoadError::Unacceptable { .. }), "{error}");
}

#[test]
fn a_package_that_is_replaced_after_it_was_opened_runs_as_it_was() {
    let place = Place::new();
    let package = place.package(&line(), &[TRACT]);
    let adapter = PyTritonAdapter::new(&package, &[]).unwrap();
    let mut runner = adapter.runner();
    // Neither what was extracted nor the package is there any more where it was.
    std::fs::remove_file(&runner.model().path).unwrap();
    std::fs::remove_file(place.path("line.nav")).unwrap();
    place.pack("line.nav", &twice(), (&[TRACT], None));
    runner.activate().unwrap();
    let x = floats([1, 4], &[1.0, 2.0, 3.0, 4.0]);
    let outputs = runner.infer(&[("x", x.view())]).unwrap();
    let expected = floats([1, 2], &[10.0, 2.0]);
    assert_eq!(outputs.get("y").unwrap().bytes, expected.bytes());
}

#[test]
fn a_package_that_was_cut_off_after_it_was_opened_is_not_loaded() {
    let place = Place::new();
    let package = place.package(&line(), &[TRACT]);
    let adapter = PyTritonAdapter::new(&package, &[]).unwrap();
    let mut runner = adapter.runner();
    std::fs::remove_file(&runner.model().path).unwrap();
    std::fs::write(place.path("line.nav"), b"cut").unwrap();
    let error = runner.activate().unwrap_err();
    assert!(matches!(error, LoadError::Unacceptable { .. }), "{error}");
    assert!(matches!(
        runner.infer(&[]).unwrap_err(),
        InferError::NotActivated { .. }
    ));
}
