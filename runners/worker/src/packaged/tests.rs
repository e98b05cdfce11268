//! What is asked of runners and of the machine on the way from a package to something that runs.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use nav_package_format::cache::Cache;
use nav_package_format::package::{BuiltFor, Runtime, Variant};
use nav_package_format::trust::TrustPolicy;
use nav_package_format::{Device, Digest, Format};
use nav_runners::{Libraries, LoadError, LoadOptions, Loaded, ModelFile, Probe, Runner};
use tempfile::TempDir;

use super::host::Host;
use super::trials::Trials;
use super::verified::Verified;
use super::vetted::VettedPackage;

/// A runner that only says that it works, and counts how often it does.
#[derive(Debug, Default)]
struct Counting {
    probes: AtomicUsize,
}

impl Runner for Counting {
    fn name(&self) -> &'static str {
        "Counting"
    }

    fn formats(&self) -> &'static [Format] {
        &[Format::Onnx]
    }

    fn probe(&self, _: &Libraries) -> Probe {
        self.probes.fetch_add(1, Ordering::Relaxed);
        Probe::Ready {
            version: "1".to_owned(),
            library: None,
            devices: vec![Device::Cpu, Device::Cuda(0)],
        }
    }

    fn load(&self, model: &ModelFile, _: &LoadOptions) -> Result<Arc<dyn Loaded>, LoadError> {
        Err(model.refusal(&std::fmt::Error, false))
    }
}

fn package() -> VettedPackage {
    let data = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../package-format/tests/data/packages/v1.0.nav"
    );
    VettedPackage::open(&PathBuf::from(data), &TrustPolicy::default(), None).unwrap()
}

fn host(folder: &TempDir) -> Host {
    Host {
        cache: Arc::new(Cache::open(&folder.path().join("models")).unwrap()),
        libraries: Libraries::default(),
        worker: None,
    }
}

fn of_another_machine(variant: &Variant) -> Variant {
    Variant {
        device: Device::Cuda(0),
        built_for: Some(BuiltFor {
            device: "NVIDIA H9000".to_owned(),
            compute_capability: "42.0".to_owned(),
            driver: "999.1".to_owned(),
            runtime: "1".to_owned(),
            cuda: "42.0".to_owned(),
            source: Digest::of(b"source"),
        }),
        ..variant.clone()
    }
}

#[test]
fn a_runner_is_tried_once_however_many_variants_it_has() {
    let (folder, package) = (tempfile::tempdir().unwrap(), package());
    let host = host(&folder);
    let (runner, mut trials) = (Counting::default(), Trials::on(&host));
    for variant in package.package().variants() {
        let runtime = Runtime {
            variant: variant.name.clone(),
            runner: variant.runner.clone(),
        };
        let device = trials.device(&runner, variant, &runtime).unwrap();
        assert_eq!(device, Device::Cpu);
        let elsewhere = of_another_machine(variant);
        let error = trials.device(&runner, &elsewhere, &runtime).unwrap_err();
        let expected = format!("{runtime} cannot run here: it was built for NVIDIA H9000");
        assert!(error.to_string().starts_with(&expected), "{error}");
    }
    assert!(package.package().variants().len() > 1);
    assert_eq!(runner.probes.load(Ordering::Relaxed), 1);
}

#[test]
fn what_was_built_for_another_machine_is_refused_when_it_is_loaded() {
    let (folder, package) = (tempfile::tempdir().unwrap(), package());
    let variant = &package.package().variants()[0];
    let load = |variant: Variant| {
        let verified = Verified {
            runner: Box::new(Counting::default()),
            package: package.clone(),
            variant,
            cache: host(&folder).cache,
        };
        let model = ModelFile {
            path: folder.path().join("model"),
            format: Format::Onnx,
        };
        let options = LoadOptions {
            device: Device::Cuda(0),
            ..LoadOptions::default()
        };
        verified.load(&model, &options).unwrap_err()
    };
    let error = load(of_another_machine(variant));
    let LoadError::BuiltElsewhere { runner, reason } = &error else {
        panic!("{error}");
    };
    assert_eq!(runner, "Counting");
    let expected = "it was built for NVIDIA H9000 (compute capability 42.0), and ";
    assert!(reason.starts_with(expected), "{reason}");
    // What was built for no machine gets as far as the runner, which reads nothing.
    let error = load(variant.clone());
    assert!(matches!(error, LoadError::Unreadable { .. }), "{error}");
}
