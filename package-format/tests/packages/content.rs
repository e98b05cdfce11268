//! A small package with everything in it.

use std::path::{Path, PathBuf};

use nav_package_format::archive::Limits;
use nav_package_format::onnx::build::{dims, node, tensor};
use nav_package_format::onnx::proto::{GraphProto, ModelProto};
use nav_package_format::onnx::{self, ModelFacts};
use nav_package_format::package::manifest::{CURRENT, MeasuredOn, Model, Provenance};
use nav_package_format::package::record::{CORRECTNESS, PERFORMANCE};
use nav_package_format::package::{
    Comparison, Decision, Latency, Manifest, MaxThroughput, Measurement, Outcome, Package,
    PackageWriter, PackedModel, PercentileBounds, Record, Serving, Strategy, Tolerance, Variant,
    VariantFile,
};
use nav_package_format::{
    DType, Device, Digest, Format, GraphLevel, RunnerSettings, Shape, TensorData,
};

/// `y = x w`, with as many weights as wanted.
pub(crate) fn model(width: u16) -> ModelProto {
    let weights: Vec<f32> = (0..2 * u32::from(width))
        .map(|index| f32::from(u8::try_from(index % 251).unwrap()) * 0.25)
        .collect();
    GraphProto::named("line")
        .takes("x", DType::Fp32, &dims(&format!("batch,{width}")))
        .gives("y", DType::Fp32, &dims("batch,2"))
        .holds(tensor("w", &[width.into(), 2], &weights))
        .with(node("MatMul", &["x", "w"], &["y"]))
        .into_model()
}

fn variant(name: &str, runner: &str, files: &[VariantFile], threads: usize) -> Variant {
    Variant {
        name: name.to_owned(),
        format: Format::Onnx.name().to_owned(),
        runner: runner.to_owned(),
        device: Device::Cpu,
        settings: match threads {
            0 => RunnerSettings::default(),
            threads => RunnerSettings {
                intra_threads: Some(threads),
                graph_level: Some(GraphLevel::All),
                ..RunnerSettings::default()
            },
        },
        instances: 1,
        files: files.to_vec(),
        built_for: None,
    }
}

fn measured(batch: u32, p50_ms: f64) -> Measurement {
    Measurement {
        batch: usize::try_from(batch).ok(),
        latency: Latency {
            mean_ms: p50_ms * 1.01,
            deviation_ms: p50_ms * 0.05,
            p50_ms,
            p90_ms: p50_ms * 1.1,
            p95_ms: p50_ms * 1.2,
            p99_ms: p50_ms * 1.5,
        },
        throughput: 1e3 * f64::from(batch) / (p50_ms * 1.01),
        requests: 200,
        uncertainty: Some(0.004),
        at_most: Some(PercentileBounds {
            p50_ms: p50_ms * 1.004,
            p90_ms: p50_ms * 1.15,
            p95_ms: p50_ms * 1.3,
            p99_ms: p50_ms * 1.8,
        }),
        noisy: false,
    }
}

fn records_of(variant: &Variant, milliseconds: f64) -> [Record; 2] {
    let record = |step| Record {
        inputs: Some(Digest::of(variant.name.as_bytes())),
        took_ms: Some(12.5),
        ..Record::new(step, &variant.name, &variant.runner, Outcome::Ok)
    };
    let comparison = Comparison {
        output: "y".to_owned(),
        dtype: DType::Fp32,
        tolerance: Tolerance {
            name: "fp32".to_owned(),
            absolute: 1e-5,
            relative: 1e-4,
        },
        largest_absolute: Some(3e-7),
        largest_relative: Some(1e-7),
        within: true,
        worst: Some("sample 0, batch 8".to_owned()),
    };
    let correct = Record {
        comparisons: vec![comparison],
        ..record(CORRECTNESS)
    };
    let fast = Record {
        measurements: vec![measured(1, milliseconds), measured(8, milliseconds * 4.0)],
        peak_memory_bytes: Some(30 << 20),
        ..record(PERFORMANCE)
    };
    [correct, fast]
}

/// The manifest of a package whose model is in these files.
pub(crate) fn manifest(proto: &ModelProto, files: &[VariantFile]) -> Manifest {
    let read = onnx::read(
        std::io::Cursor::new(proto.to_bytes()),
        &onnx::Limits::default(),
    )
    .unwrap();
    let facts = ModelFacts::new(&read, Vec::new()).unwrap();
    let variants = vec![
        variant("onnx", "OnnxCPU", files, 0),
        variant("onnx-all-2", "OnnxCPU", files, 2),
        variant("onnx", "TractCPU", files, 0),
    ];
    let times = [0.05, 0.04, 0.2];
    let records = variants.iter().zip(times);
    let records = records.flat_map(|(variant, time)| records_of(variant, time));
    let mut manifest = Manifest {
        format: CURRENT,
        model: Model {
            name: "line".to_owned(),
            format: Format::Onnx.name().to_owned(),
            files: files.to_vec(),
            signature: facts.signature,
            batch_axis: Some(0),
        },
        records: records.collect(),
        variants,
        decisions: Vec::new(),
        serving: None,
        provenance: Provenance {
            tool: "nav".to_owned(),
            version: "0.1.0".to_owned(),
            created: None,
            host: Some(MeasuredOn {
                system: "linux 6.1".to_owned(),
                processor: "Some Processor".to_owned(),
                architecture: "x86_64".to_owned(),
                cores: 2,
                threads: 2,
                memory_bytes: 8 << 30,
                ..MeasuredOn::default()
            }),
        },
        files: Vec::new(),
    };
    let choice = MaxThroughput.choose(&manifest.evaluations()).unwrap();
    manifest.serving = Some(Serving {
        variant: choice.runtime.variant.clone(),
        runner: choice.runtime.runner.clone(),
        max_batch: choice.measurement.batch,
        preferred_batches: vec![8],
        queue_delay_us: 100,
        instances: 1,
        threads: Some(2),
    });
    manifest.decisions.push(Decision {
        strategy: MaxThroughput.name(),
        choice: Some(choice),
        refusal: None,
    });
    manifest
}

/// Writes a package at this path, of a model this wide.
pub(crate) fn write(path: &Path, width: u16) {
    let folder = tempfile::tempdir().unwrap();
    let proto = model(width);
    let source = folder.path().join("line.onnx");
    proto.write(&source).unwrap();
    let mut writer = PackageWriter::create(path).unwrap();
    let packed = PackedModel {
        format: Format::Onnx,
        path: &source,
        others: &[],
    };
    let files = writer.add_model("onnx", &packed, &mut |_| {}).unwrap();
    let bytes = 1f32.to_le_bytes().repeat(width.into());
    let sample = TensorData::new(DType::Fp32, Shape::from([width.into()]), bytes).unwrap();
    writer
        .add_tensors("model_input/profiling/0.npz", [("x", sample.view())])
        .unwrap();
    writer.finish(manifest(&proto, &files)).unwrap();
}

/// The same, opened.
pub(crate) fn package(folder: &Path) -> (PathBuf, Package) {
    let path = folder.join("line.nav");
    write(&path, 4);
    let package = Package::open(&path, &Limits::default()).unwrap();
    (path, package)
}
