//! Which variant is run: the one that a package says, or the first that strategies choose and that runs here.

use std::path::PathBuf;

use nav_package_format::package::{Package, Runtime, Serving, Strategy, first_choice, strategy};
use nav_runners::{Declaration, LoadOptions, ModelFile, Runner, RunnerHandle};

use super::error::PackagedError;
use super::host::Host;
use super::trials::Trials;
use super::verified::Verified;
use super::vetted::VettedPackage;
use crate::external::all_runners;

/// A variant that runs here, and how.
#[derive(Debug)]
pub struct Prepared {
    /// The variant and its runner.
    pub runtime: Runtime,
    /// The runner, not activated yet. Whenever it is, the package and the host are checked again.
    pub handle: RunnerHandle,
    /// How a server should run it, as it was measured.
    pub serving: Serving,
    /// Why the package's own choice was not taken, where it was to be.
    pub instead_of: Option<PackagedError>,
    /// Why this one is.
    pub why: String,
}

/// A runner for what these strategies choose. Without any, for what the package says; and where it says nothing, or what
/// does not run here, for what the default strategies choose.
pub fn prepare(
    package: &VettedPackage,
    strategies: Option<&[&dyn Strategy]>,
    host: &Host,
) -> Result<Prepared, PackagedError> {
    let serving = package.package().manifest().serving.clone();
    let serving = serving.filter(|_| strategies.is_none());
    let strategies = strategies.unwrap_or(strategy::DEFAULT);
    let trials = &mut Trials::on(host);
    let Some(serving) = serving else {
        return choose(package, strategies, trials);
    };
    let runtime = serving.runtime();
    match runner_for(package, &runtime, trials) {
        Ok(handle) => Ok(Prepared {
            handle: threaded(handle, &serving),
            why: format!("{runtime}, as the package says"),
            runtime,
            serving,
            instead_of: None,
        }),
        Err(error) if error.is_of_host() => {
            let other = choose(package, strategies, trials)?;
            Ok(Prepared {
                why: format!("{}, as {error}", other.why),
                instead_of: Some(error),
                ..other
            })
        }
        Err(error) => Err(error),
    }
}

/// A runner for what the strategies choose, not activated yet. Each is tried in order; among what it may
/// choose, only variants that run on this host count.
pub fn get_runner(
    package: &VettedPackage,
    strategies: &[&dyn Strategy],
    host: &Host,
) -> Result<Prepared, PackagedError> {
    choose(package, strategies, &mut Trials::on(host))
}

fn choose(
    package: &VettedPackage,
    strategies: &[&dyn Strategy],
    trials: &mut Trials<'_>,
) -> Result<Prepared, PackagedError> {
    let manifest = package.package().manifest();
    let mut evaluations = manifest.evaluations();
    let mut hindrances = Vec::new();
    loop {
        let (strategy, choice) = match first_choice(strategies, &evaluations) {
            Ok(chosen) => chosen,
            Err(no_choice) if hindrances.is_empty() => return Err(no_choice.into()),
            Err(no_choice) => {
                return Err(PackagedError::NoneRuns {
                    hindrances,
                    passed_over: no_choice.passed_over,
                });
            }
        };
        let runtime = choice.runtime.clone();
        match runner_for(package, &runtime, trials) {
            Ok(handle) => {
                let (variants, records) = (&manifest.variants, &manifest.records);
                let serving = Serving::of_choice(&choice, &strategy.name(), variants, records);
                let serving = serving.ok_or_else(|| PackagedError::NoVariant {
                    runtime: runtime.clone(),
                })?;
                return Ok(Prepared {
                    handle: threaded(handle, &serving),
                    why: format!("{runtime}, chosen from what was measured"),
                    runtime,
                    serving,
                    instead_of: None,
                });
            }
            Err(error) if error.is_of_host() => {
                evaluations.retain(|evaluation| Runtime::of(evaluation) != runtime);
                hindrances.push(error);
            }
            Err(error) => return Err(error),
        }
    }
}

fn threaded(handle: RunnerHandle, serving: &Serving) -> RunnerHandle {
    match serving.threads {
        Some(threads) => handle.with_intra_threads(threads),
        None => handle,
    }
}

/// A runner for this variant, not activated yet. Its files are in the cache and checked, and checked again whenever it is
/// activated.
fn runner_for(
    package: &VettedPackage,
    runtime: &Runtime,
    trials: &mut Trials<'_>,
) -> Result<RunnerHandle, PackagedError> {
    let opened: &Package = package.package();
    let variant = opened
        .variant(runtime)
        .ok_or_else(|| PackagedError::NoVariant {
            runtime: runtime.clone(),
        })?;
    let unknown = |needed: &str| PackagedError::Unknown {
        runtime: runtime.clone(),
        needed: needed.to_owned(),
    };
    let format = variant
        .known_format()
        .ok_or_else(|| unknown(&variant.format))?;
    let runner = all_runners()
        .find(|runner| runner.name() == variant.runner)
        .ok_or_else(|| unknown(&variant.runner))?;
    package.admit(variant)?;
    let host = trials.host;
    let hosted = host.hosted(runner);
    let device = trials.device(hosted.as_ref(), variant, runtime)?;
    let path: PathBuf = opened.model_path(variant, &host.cache, &mut |_| {})?;
    let options = LoadOptions {
        device,
        settings: variant.settings.clone(),
        libraries: host.libraries.clone(),
        declared: (!format.says_signature()).then(|| Declaration {
            signature: opened.manifest().model.signature.clone(),
            ..Declaration::default()
        }),
        save_to: None,
    };
    let verified = Verified {
        runner: hosted,
        package: package.clone(),
        variant: variant.clone(),
        cache: host.cache.clone(),
    };
    let model = ModelFile { path, format };
    Ok(RunnerHandle::new(Box::new(verified), model, options))
}
