//! From a path to a runner for it: a model file, or the variant of a package, as far as the policy admits it.
//! Commands that run models open them here.

use std::path::Path;

use nav_navigator::inspect::{self, Facts};
use nav_package_format::archive::{Archive, Limits};
use nav_package_format::package::{Package, Runtime, Variant};
use nav_package_format::trust::Refusal;
use nav_package_format::{Device, Digest, TrustClass, file};
use nav_runners::{LoadOptions, ModelFile, RunnerHandle, VendorRuntime};
use nav_worker::packaged::{Host, PackagedError, get_runner, runner_for};

use crate::commands::runtime;
use crate::exit::UsageError;
use crate::printer::Printer;
use crate::runner;
use crate::settings::Settings;
use crate::strategy::StrategyArgs;
use crate::trust::{Gate, TrustArgs};

/// What is asked of whatever is opened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish<'a> {
    /// How a variant of a package is chosen.
    pub(crate) strategy: &'a StrategyArgs,
    /// Whom to trust.
    pub(crate) trust: &'a TrustArgs,
    /// The runner, for a model file.
    pub(crate) runner: Option<&'a str>,
    /// The device, for a model file.
    pub(crate) device: Option<Device>,
    /// Settings of the runner, for a model file.
    pub(crate) settings: &'a [String],
    /// Whether to run it in a process of its own.
    pub(crate) isolate: bool,
}

/// A variant of a package, and how it is to be run.
#[derive(Debug)]
pub(crate) struct Opened {
    /// The package.
    pub(crate) package: Package,
    /// The variant and its runner.
    pub(crate) runtime: Runtime,
    /// The runner, not activated yet.
    pub(crate) handle: RunnerHandle,
}

/// Whether this is a package, by its name.
pub(crate) fn is_package(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "nav")
}

/// A model file, on the runner that was asked for or the best one.
pub(crate) fn open_file(
    path: &Path,
    wish: Wish<'_>,
    settings: &Settings,
    printer: Printer,
) -> anyhow::Result<(RunnerHandle, Facts)> {
    if wish.strategy.is_given() {
        let text = "a strategy chooses among the variants of a package, and this is a model";
        return Err(UsageError(text.to_owned()).into());
    }
    let facts = inspect::facts(path)?;
    let (open, _) = file::open(path)?;
    Gate::of(wish.trust, settings, path, &open)?.admit(facts.trust(), &[])?;
    let runner_settings = runner::parse_settings(wish.settings)?;
    let format = facts.format();
    let (chosen, found) = runner::choose(wish.runner, format, settings, printer)?;
    let hosted = runner::host(chosen, runner::worker_of(wish.isolate)?.as_ref());
    let device = match wish.device.or(found) {
        Some(device) => device,
        None => runner::first_device(hosted.as_ref(), settings)?,
    };
    let options = LoadOptions {
        device,
        settings: runner_settings,
        libraries: settings.libraries.clone(),
    };
    let model = ModelFile {
        path: path.to_owned(),
        format,
    };
    Ok((RunnerHandle::new(hosted, model, options), facts))
}

/// The variant of a package that `preferred` takes of it, if it takes one that runs here; otherwise the one
/// that the strategies choose.
pub(crate) fn open_package(
    path: &Path,
    wish: Wish<'_>,
    preferred: &dyn Fn(&Package) -> Option<Runtime>,
    (settings, printer): (&Settings, Printer),
) -> anyhow::Result<Opened> {
    if !wish.settings.is_empty() || wish.device.is_some() || wish.runner.is_some() {
        let text = "a variant of a package has its runner, device and settings with it";
        return Err(UsageError(text.to_owned()).into());
    }
    let strategies = wish.strategy.strategies()?;
    let (open, _) = file::open(path)?;
    let gate = Gate::of(wish.trust, settings, path, &open)?;
    let package = Package::from_archive(Archive::from_file(open, &Limits::default())?)?;
    ensure_runtimes(&package, settings, printer)?;
    let cache = settings.models()?;
    let admit = |variant: &Variant, trust_class: TrustClass| -> Result<(), Refusal> {
        let digests: Vec<Digest> = package.digests(&variant.files).copied().collect();
        let known = digests.len() == variant.files.len();
        gate.admit(trust_class, if known { &digests } else { &[] })
    };
    let worker = runner::worker_of(wish.isolate)?;
    let hosted = |plain| runner::host(plain, worker.as_ref());
    let host = Host {
        cache: &cache,
        libraries: &settings.libraries,
        admit: &admit,
        hosted: &hosted,
    };
    let choose = || get_runner(&package, &strategies.strategies(), &host);
    let (runtime, handle) = match preferred(&package) {
        None => choose()?,
        Some(runtime) => match runner_for(&package, &runtime, &host) {
            Ok(handle) => (runtime, handle),
            Err(error @ (PackagedError::NotReady { .. } | PackagedError::Unknown { .. })) => {
                printer.note(&format!("not as the package says: {error}"));
                choose()?
            }
            Err(error) => return Err(error.into()),
        },
    };
    Ok(Opened {
        package,
        runtime,
        handle,
    })
}

/// What the runners of the variants need is installed on the way, where it may be. Only the plain build of ONNX
/// Runtime is small; the others are there if the user wanted them.
fn ensure_runtimes(package: &Package, settings: &Settings, printer: Printer) -> anyhow::Result<()> {
    let is_needed = nav_worker::all_runners().any(|runner| {
        let mut variants = package.variants().iter();
        runner.vendor_runtime() == Some(VendorRuntime::Onnxruntime)
            && variants.any(|variant| variant.runner == runner.name())
    });
    if is_needed {
        runtime::ensure_onnxruntime(settings, printer)?;
    }
    Ok(())
}
