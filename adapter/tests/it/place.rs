//! A folder for packages, runtimes and models, and small packages in it.

use std::path::PathBuf;

use nav_adapter::{Host, Package};
use nav_package_format::onnx::build::{dims, node, tensor};
use nav_package_format::onnx::proto::{GraphProto, ModelProto};
use nav_package_format::onnx::{self, ModelFacts};
use nav_package_format::package::manifest::{CURRENT, Model, Provenance};
use nav_package_format::package::record::{CORRECTNESS, PERFORMANCE};
use nav_package_format::package::{
    BuiltFor, Latency, Manifest, Measurement, Outcome, PackageWriter, PackedModel, Record, Serving,
    Variant,
};
use nav_package_format::trust::TrustPolicy;
use nav_package_format::{DType, Device, Digest, Format, RunnerSettings};
use nav_runners::VendorRuntime;
use nav_runners::library::LibraryError;
use nav_worker::packaged::Home;
use tempfile::TempDir;

/// A folder that is deleted in the end.
#[derive(Debug)]
pub(crate) struct Place {
    folder: TempDir,
}

/// What there is to say of a variant: name, runner, device, the machine that it was built for, and how long a batch of
/// these sizes takes.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) name: &'static str,
    pub(crate) runner: &'static str,
    pub(crate) format: &'static str,
    pub(crate) device: Device,
    pub(crate) built_for: Option<BuiltFor>,
    pub(crate) instances: usize,
    pub(crate) threads: Option<usize>,
    pub(crate) took_ms: &'static [(Option<usize>, f64)],
}

/// A variant that runs everywhere.
pub(crate) const TRACT: Told = Told {
    name: "onnx",
    runner: "TractCPU",
    format: "onnx",
    device: Device::Cpu,
    built_for: None,
    instances: 2,
    threads: None,
    took_ms: &[(Some(1), 0.2), (Some(8), 0.4), (Some(32), 4.0)],
};

/// `y = x w` for rows of four: their sum, and twice the first.
pub(crate) fn line() -> ModelProto {
    let weights = [1.0_f32, 2.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0];
    GraphProto::named("line")
        .takes("x", DType::Fp32, &dims("batch,4"))
        .gives("y", DType::Fp32, &dims("batch,2"))
        .holds(tensor("w", &[4, 2], &weights))
        .with(node("MatMul", &["x", "w"], &["y"]))
        .into_model()
}

/// `y = x + x` for three numbers, without batches.
pub(crate) fn twice() -> ModelProto {
    GraphProto::named("twice")
        .takes("x", DType::Fp32, &dims("3"))
        .gives("y", DType::Fp32, &dims("3"))
        .with(node("Add", &["x", "x"], &["y"]))
        .into_model()
}

/// The machine that an engine was built for.
pub(crate) fn another_machine() -> BuiltFor {
    BuiltFor {
        device: "NVIDIA H9000".to_owned(),
        compute_capability: "42.0".to_owned(),
        driver: "999.1".to_owned(),
        runtime: "99.0".to_owned(),
        cuda: "42.0".to_owned(),
        source: Digest::of(b"source"),
    }
}

impl Place {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A host without any runtime that is not part of this program.
    pub(crate) fn host(&self) -> Host {
        Host::at(Home::at(&self.path("home")).unwrap())
    }

    /// Writes a package of this model with these variants.
    pub(crate) fn pack(
        &self,
        name: &str,
        proto: &ModelProto,
        (variants, serving): (&[Told], Option<Serving>),
    ) -> PathBuf {
        let path = self.path(name);
        let source = self.path("source.onnx");
        proto.write(&source).unwrap();
        let mut writer = PackageWriter::create(&path).unwrap();
        let packed = PackedModel {
            format: Format::Onnx,
            path: &source,
            others: &[],
        };
        let files = writer.add_model("onnx", &packed, &mut |_| {}).unwrap();
        let read = onnx::read(
            std::io::Cursor::new(proto.to_bytes()),
            &onnx::Limits::default(),
        );
        let facts = ModelFacts::new(&read.unwrap(), Vec::new()).unwrap();
        let of = |told: &Told| Variant {
            name: told.name.to_owned(),
            format: told.format.to_owned(),
            runner: told.runner.to_owned(),
            device: told.device,
            settings: RunnerSettings {
                intra_threads: told.threads,
                ..RunnerSettings::default()
            },
            instances: told.instances,
            files: files.clone(),
            built_for: told.built_for.clone(),
        };
        let has_batch = variants
            .iter()
            .flat_map(|told| told.took_ms)
            .any(|(batch, _)| batch.is_some());
        let manifest = Manifest {
            format: CURRENT,
            model: Model {
                name: "line".to_owned(),
                format: Format::Onnx.name().to_owned(),
                files: files.clone(),
                signature: facts.signature,
                batch_axis: has_batch.then_some(0),
            },
            variants: variants.iter().map(of).collect(),
            records: variants.iter().flat_map(records).collect(),
            decisions: Vec::new(),
            serving,
            provenance: Provenance::default(),
            files: Vec::new(),
        };
        writer.finish(manifest).unwrap();
        path
    }

    /// The same, opened.
    pub(crate) fn package(&self, proto: &ModelProto, variants: &[Told]) -> Package {
        let path = self.pack("line.nav", proto, (variants, None));
        Package::open_on(path, &self.host()).unwrap()
    }

    /// The same under a policy, opened.
    pub(crate) fn package_under(&self, policy: TrustPolicy, variants: &[Told]) -> Package {
        let path = self.pack("line.nav", &line(), (variants, None));
        Package::open_on(path, &self.host().trusting(policy)).unwrap()
    }
}

fn records(told: &Told) -> [Record; 2] {
    let record = |step| Record::new(step, told.name, told.runner, Outcome::Ok);
    let measured = told.took_ms.iter().map(|&(batch, took)| Measurement {
        batch,
        latency: Latency {
            mean_ms: took,
            p50_ms: took,
            p90_ms: took,
            p95_ms: took,
            p99_ms: took,
            ..Latency::default()
        },
        throughput: 1e3 * f64::from(u32::try_from(batch.unwrap_or(1)).unwrap()) / took,
        requests: 100,
        uncertainty: Some(0.01),
        ..Measurement::default()
    });
    let measurements = measured.collect();
    [
        record(CORRECTNESS),
        Record {
            measurements,
            ..record(PERFORMANCE)
        },
    ]
}

#[expect(
    clippy::disallowed_methods,
    reason = "tests find the runtimes where users have them, which the environment says"
)]
fn required() -> bool {
    std::env::var_os("NAV_REQUIRE_RUNNERS")
        .is_some_and(|names| names.to_string_lossy().contains("OnnxCPU"))
}

/// A host with the ONNX Runtime that this user has; an error where there is none, which must not be where it is required.
pub(crate) fn host_with_onnxruntime(place: &Place) -> Result<Host, LibraryError> {
    let user = Host::from_environment().unwrap();
    let library = user.home().libraries().find(VendorRuntime::Onnxruntime);
    match library {
        Ok(library) => {
            let home = Home::at(&place.path("home")).unwrap();
            Ok(Host::at(home).with_library(VendorRuntime::Onnxruntime, library))
        }
        Err(error) => {
            assert!(!required(), "{error}");
            Err(error)
        }
    }
}
