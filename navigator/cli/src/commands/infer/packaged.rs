//! A package run once: the variant that a strategy takes, on its runner, as far as the policy admits it.

use nav_navigator::inspect::{self, Facts};
use nav_package_format::archive::{Archive, Limits};
use nav_package_format::package::{Package, Variant};
use nav_package_format::trust::Refusal;
use nav_package_format::{Digest, TrustClass, file};
use nav_runners::{Runner, RunnerHandle, VendorRuntime};
use nav_worker::packaged::{Host, get_runner};

use super::{InferArgs, runner};
use crate::commands::runtime;
use crate::exit::UsageError;
use crate::printer::Printer;
use crate::settings::Settings;
use crate::trust::Gate;

/// The variant of the package that is to run, and the facts of the model.
pub(super) fn prepare(
    args: &InferArgs,
    settings: &Settings,
    printer: Printer,
) -> anyhow::Result<(RunnerHandle, Facts)> {
    if !args.setting.is_empty() || args.device.is_some() || args.runner.is_some() {
        let text = "a variant of a package has its runner, device and settings with it";
        return Err(UsageError(text.to_owned()).into());
    }
    let strategies = args.strategy.strategies()?;
    let (open, _) = file::open(&args.model)?;
    let gate = Gate::of(&args.trust, settings, &args.model, &open)?;
    let package = Package::from_archive(Archive::from_file(open, &Limits::default())?)?;
    ensure_runtimes(&package, settings, printer)?;
    let cache = settings.models()?;
    let admit = |variant: &Variant, trust_class: TrustClass| -> Result<(), Refusal> {
        let digests: Vec<Digest> = package.digests(&variant.files).copied().collect();
        let known = digests.len() == variant.files.len();
        gate.admit(trust_class, if known { &digests } else { &[] })
    };
    let hosted = |plain: &'static dyn Runner| -> Box<dyn Runner> {
        // A command that cannot be found is told when the worker is started.
        runner::host(plain, args.isolate).unwrap_or_else(|_| Box::new(plain))
    };
    let host = Host {
        cache: &cache,
        libraries: &settings.libraries,
        admit: &admit,
        hosted: &hosted,
    };
    let (runtime, handle) = get_runner(&package, &strategies.strategies(), &host)?;
    printer.note(&format!("running {runtime}"));
    let facts = inspect::facts(&handle.model().path)?;
    Ok((handle, facts))
}

/// What the runners of the variants need is installed on the way, where it may be.
fn ensure_runtimes(package: &Package, settings: &Settings, printer: Printer) -> anyhow::Result<()> {
    let needed = nav_worker::all_runners()
        .filter(|runner| {
            let mut variants = package.variants().iter();
            variants.any(|variant| variant.runner == runner.name())
        })
        .filter_map(Runner::vendor_runtime);
    for runtime in needed {
        // Only the plain build is small; the others are there if the user wanted them.
        if runtime == VendorRuntime::Onnxruntime {
            match runtime::ensure(runtime, settings, printer) {
                Err(error) if settings.offline => printer.note(&format!("{error}")),
                ensured => ensured?,
            }
        }
    }
    Ok(())
}
