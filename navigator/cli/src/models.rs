//! From a path to a runner for it: a model file, or the variant of a package, as far as the policy admits it.
//! Commands that run models open them here.

use std::path::Path;
use std::sync::Arc;

use nav_navigator::inspect::{self, Facts};
use nav_package_format::package::Package;
use nav_package_format::{Device, file};
use nav_runners::{LoadOptions, ModelFile, RunnerHandle, VendorRuntime};
use nav_worker::packaged::{Host, Prepared, VettedError, VettedPackage, prepare};

use crate::commands::runtime;
use crate::exit::UsageError;
use crate::printer::Printer;
use crate::runner;
use crate::settings::Settings;
use crate::strategy::StrategyArgs;
use crate::trust::{self, TrustArgs};

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
    trust::gate(wish.trust, settings, (path, &open))?.admit(facts.trust(), &[])?;
    let runner_settings = runner::parse_settings(wish.settings)?;
    let format = facts.format();
    if !format.says_signature() {
        let text = format!(
            "a {format} model does not say what it takes; `nav optimize` makes a package of it that does"
        );
        return Err(UsageError(text).into());
    }
    let (chosen, found) = runner::choose(wish.runner, format, settings, printer)?;
    let hosted = nav_worker::hosted(chosen, runner::worker_of(wish.isolate)?.as_ref());
    let device = match wish.device.or(found) {
        Some(device) => device,
        None => runner::first_device(hosted.as_ref(), settings)?,
    };
    let options = LoadOptions {
        device,
        settings: runner_settings,
        libraries: settings.libraries.clone(),
        ..LoadOptions::default()
    };
    let model = ModelFile {
        path: path.to_owned(),
        format,
    };
    Ok((RunnerHandle::new(hosted, model, options), facts))
}

/// What a package is to be run as: what was asked for, otherwise what it says.
pub(crate) fn open_package(
    path: &Path,
    wish: Wish<'_>,
    (settings, printer): (&Settings, Printer),
) -> anyhow::Result<Prepared> {
    if !wish.settings.is_empty() || wish.device.is_some() || wish.runner.is_some() {
        let text = "a variant of a package has its runner, device and settings with it";
        return Err(UsageError(text.to_owned()).into());
    }
    let strategies = wish.strategy.strategies()?;
    let policy = wish.trust.policy()?.unwrap_or_default();
    let opened = VettedPackage::open(path, &policy, settings.built_here().as_deref());
    let package = opened.map_err(|error| match error {
        VettedError::File(error) => error.into(),
        VettedError::Gate(error) => trust::cause(error),
        VettedError::Package(error) => anyhow::Error::from(error),
    })?;
    ensure_runtimes(package.package(), settings, printer)?;
    let host = Host {
        cache: Arc::new(settings.models()?),
        libraries: settings.libraries.clone(),
        worker: runner::worker_of(wish.isolate)?,
    };
    let strategies = strategies.strategies();
    let asked = wish.strategy.is_given().then_some(&*strategies);
    let prepared = prepare(&package, asked, &host)?;
    if let Some(error) = &prepared.instead_of {
        printer.note(&format!("not as the package says: {error}"));
    }
    Ok(prepared)
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
