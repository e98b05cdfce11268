//! Whether models give what `PyTorch` gives for them, however they are treated when they are loaded.

use nav_package_format::{DType, GraphLevel, RunnerSettings, TensorData, TensorView};
use nav_runners::{Probe, Runner};

use crate::support::{arrays, external, handle, libraries};

const MODELS: &[(&str, &[&str])] = &[
    ("mlp", &["x:FP32:batch,8"]),
    ("cnn", &["image:FP32:batch,3,h,w"]),
    (
        "pair",
        &["tokens:INT64:batch,length", "mask:BOOL:batch,length"],
    ),
    ("nested", &["x:FP32:batch,3"]),
];

fn floats(tensor: &TensorData) -> Vec<f32> {
    let words = tensor.bytes().as_chunks::<4>().0;
    words.iter().copied().map(f32::from_le_bytes).collect()
}

fn assert_close(name: &str, found: &TensorView<'_>, expected: &TensorData) {
    assert_eq!(found.dtype(), expected.dtype(), "{name}");
    assert_eq!(found.shape(), expected.shape(), "{name}");
    if expected.dtype() != DType::Fp32 {
        assert_eq!(found.bytes(), expected.bytes(), "{name}");
        return;
    }
    let owned = TensorData::new(DType::Fp32, found.shape().clone(), found.bytes().to_vec());
    for (found, expected) in floats(&owned.unwrap()).iter().zip(floats(expected)) {
        let difference = (found - expected).abs();
        assert!(
            difference <= 1e-5 * expected.abs().max(1.0),
            "{name}: {found} {expected}"
        );
    }
}

fn check(name: &str, inputs: &[&str], settings: RunnerSettings) {
    let mut handle = handle(name, inputs, settings);
    let given = arrays(name, "inputs");
    let views: Vec<(&str, TensorView<'_>)> = given
        .iter()
        .map(|(name, tensor)| (name.as_str(), tensor.view()))
        .collect();
    let expected = arrays(name, "outputs");
    // A graph is rewritten again after it was watched: the first runs and later ones must agree.
    for _ in 0..4 {
        let outputs = handle.infer(&views).unwrap();
        let outputs = outputs.views().unwrap();
        assert_eq!(outputs.len(), expected.len(), "{name}");
        for ((found, tensor), (known, right)) in outputs.iter().zip(&expected) {
            assert_eq!(found, known, "{name}");
            assert_close(found, tensor, right);
        }
    }
}

#[test]
fn every_model_gives_what_pytorch_gives_however_far_it_is_rewritten() {
    let levels = [
        None,
        Some(GraphLevel::Basic),
        Some(GraphLevel::Extended),
        Some(GraphLevel::All),
    ];
    for &(name, inputs) in MODELS {
        for graph_level in levels {
            let settings = RunnerSettings {
                graph_level,
                ..RunnerSettings::default()
            };
            check(name, inputs, settings);
        }
    }
}

#[test]
fn images_may_have_their_channels_last_and_threads_may_be_counted() {
    let entry = ("torch.memory_format", "channels_last");
    for graph_level in [None, Some(GraphLevel::Extended)] {
        let settings = RunnerSettings {
            graph_level,
            intra_threads: Some(1),
            config_entries: [entry].map(|(a, b)| (a.to_owned(), b.to_owned())).into(),
            ..RunnerSettings::default()
        };
        check("cnn", &["image:FP32:batch,3,h,w"], settings);
    }
}

#[test]
fn the_processor_is_ready_and_a_gpu_is_ready_or_says_what_it_lacks() {
    let probe = external("TorchScriptCPU").probe(&libraries());
    let Probe::Ready {
        version, library, ..
    } = probe
    else {
        panic!("{probe:?}");
    };
    assert_eq!(version, "2.11.0");
    assert!(library.unwrap().ends_with("libtorch_cpu.so"));
    match external("TorchScriptCUDA").probe(&libraries()) {
        Probe::Ready { devices, .. } => assert!(!devices.is_empty()),
        Probe::Missing { reason, .. } => {
            assert!(
                reason.starts_with("libtorch-cuda 2.11.0 is not installed"),
                "{reason}"
            );
        }
    }
}
