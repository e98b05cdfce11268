//! `PyTritonAdapter` over the packages that Model Navigator wrote, against what its own adapter says of them.

use std::path::PathBuf;

use nav_adapter::{DType, Package, PyTritonAdapter, Tensor};
use nav_package_format::{Dim, Shape, Signature, TensorData};
use serde_json::Value;

use crate::place::{Place, host_with_onnxruntime};

fn data() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../package-format/tests/data/model_navigator")
}

/// Names, types and extents, by name: where Model Navigator's order differs from the graph's, the graph is right.
fn told(tensors: &[Tensor]) -> Vec<(String, &'static str, Vec<i64>)> {
    let mut told: Vec<_> = tensors
        .iter()
        .map(|tensor| {
            (
                tensor.name().to_owned(),
                tensor.dtype.name(),
                tensor.shape.clone(),
            )
        })
        .collect();
    told.sort();
    told
}

fn expected(tensors: &Value) -> Vec<(String, &'static str, Vec<i64>)> {
    let tensors = tensors.as_array().unwrap().iter();
    let mut told: Vec<_> = tensors
        .map(|tensor| {
            let dtype = match tensor["dtype"].as_str().unwrap() {
                "float32" => "FP32",
                "float16" => "FP16",
                "int64" => "INT64",
                other => panic!("{other}"),
            };
            let shape = tensor["shape"].as_array().unwrap();
            (
                tensor["name"].as_str().unwrap().to_owned(),
                dtype,
                shape.iter().map(|it| it.as_i64().unwrap()).collect(),
            )
        })
        .collect();
    told.sort();
    told
}

/// Ones for every input, with two rows where there is a batch.
fn ones(signature: &Signature, rows: usize) -> Vec<(String, TensorData)> {
    let inputs = signature.inputs.iter().map(|spec| {
        let dims = spec.dims.as_deref().unwrap();
        let extents = dims.iter().map(|dim| match dim {
            Dim::Fixed(extent) => *extent,
            _ => rows,
        });
        let shape = Shape::new(extents);
        let one: &[u8] = match spec.dtype {
            DType::Fp32 => &[0, 0, 128, 63],
            DType::Fp16 => &[0, 60],
            other => panic!("{other}"),
        };
        let bytes = one.repeat(shape.element_count().unwrap());
        (
            spec.name.clone(),
            TensorData::new(spec.dtype, shape, bytes).unwrap(),
        )
    });
    inputs.collect()
}

#[test]
fn its_packages_are_described_as_it_does_and_run() {
    let place = Place::new();
    let host = match host_with_onnxruntime(&place) {
        Ok(host) => host,
        Err(error) => {
            eprintln!("not tested: {error}");
            return;
        }
    };
    let golden = std::fs::read_to_string(data().join("golden.json")).unwrap();
    let golden: serde_json::Map<String, Value> = serde_json::from_str(&golden).unwrap();
    let mut ran = 0;
    for (name, answers) in golden {
        let package = Package::open_on(data().join(&name), &host).unwrap();
        let theirs = &answers["adapter_when_forced_to_cpu"];
        let adapter = match PyTritonAdapter::new(&package, &[]) {
            Ok(adapter) => adapter,
            Err(error) => {
                assert!(theirs["error"].is_string(), "{name}: {error}");
                continue;
            }
        };
        assert_eq!(theirs["batching"], adapter.batching(), "{name}");
        // It records the shapes of one output as those of another.
        if name != "out_order.nav" {
            assert_eq!(
                told(&adapter.outputs()),
                expected(&theirs["outputs"]),
                "{name}"
            );
        }
        assert_eq!(
            told(&adapter.inputs()),
            expected(&theirs["inputs"]),
            "{name}"
        );
        let largest = theirs["config_max_batch_size"].as_u64();
        if let Some(largest) = largest {
            let most = u64::try_from(adapter.config().max_batch_size).unwrap();
            assert!((1..=largest).contains(&most), "{name}: {most}");
        }
        let mut runner = adapter.runner();
        runner
            .activate()
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let inputs = ones(package.contents().signature(), 2);
        let views: Vec<_> = inputs
            .iter()
            .map(|(name, it)| (&**name, it.view()))
            .collect();
        let outputs = runner.infer(&views);
        let outputs = outputs.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(outputs.iter().count(), adapter.outputs().len(), "{name}");
        ran += 1;
    }
    assert_eq!(ran, 10);
}
