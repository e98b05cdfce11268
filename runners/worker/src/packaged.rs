//! A variant of a package as a runner: the one way from a package to something that runs.
//!
//! Knows packages by what they say of their variants, and no policy: who opens a package says what it admits.

use std::path::PathBuf;

use nav_package_format::cache::Cache;
use nav_package_format::package::{NoChoice, Package, PackageError, Runtime, Strategy, Variant};
use nav_package_format::trust::Refusal;
use nav_package_format::{Device, TrustClass};
use nav_runners::{Libraries, LoadOptions, ModelFile, Probe, Runner, RunnerHandle};

use crate::external::all_runners;

/// What a variant needs of this host.
pub struct Host<'a> {
    /// Where models are extracted to.
    pub cache: &'a Cache,
    /// Where vendor libraries are.
    pub libraries: &'a Libraries,
    /// Whether a variant that may do this much may be loaded.
    pub admit: &'a dyn Fn(&Variant, TrustClass) -> Result<(), Refusal>,
    /// Turns a runner into what is to be used, as one in a process of its own.
    pub hosted: &'a dyn Fn(&'static dyn Runner) -> Box<dyn Runner>,
}

impl std::fmt::Debug for Host<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host")
            .field("cache", self.cache)
            .field("libraries", self.libraries)
            .finish_non_exhaustive()
    }
}

/// Why a variant cannot be run here.
#[derive(Debug, thiserror::Error)]
pub enum PackagedError {
    /// The strategies chose none.
    #[error(transparent)]
    NoChoice(#[from] NoChoice),
    /// The package has no such variant.
    #[error("the package has no variant {runtime}")]
    NoVariant {
        /// The variant and the runner that were asked for.
        runtime: Runtime,
    },
    /// Its format or its runner is none that is known here.
    #[error("{runtime} needs {needed}, which this program does not know")]
    Unknown {
        /// The variant and its runner.
        runtime: Runtime,
        /// The format or the runner.
        needed: String,
    },
    /// Its runner does not work on this host.
    #[error("{runtime} cannot run here: {reason}")]
    NotReady {
        /// The variant and its runner.
        runtime: Runtime,
        /// Why the runner does not work.
        reason: String,
        /// What mends it.
        how_to_get_it: String,
    },
    /// It may not be loaded here.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Its files cannot be had.
    #[error(transparent)]
    Package(#[from] PackageError),
}

/// A runner for what the strategies choose, not activated yet. Each is tried in order; among what it may
/// choose, only variants whose runners work on this host count.
pub fn get_runner(
    package: &Package,
    strategies: &[&dyn Strategy],
    host: &Host<'_>,
) -> Result<(Runtime, RunnerHandle), PackagedError> {
    let mut evaluations = package.evaluations();
    let mut hindrance = None;
    loop {
        let choice = match nav_package_format::package::choose(strategies, &evaluations) {
            Ok(choice) => choice,
            Err(no_choice) => return Err(hindrance.unwrap_or_else(|| no_choice.into())),
        };
        match runner_for(package, &choice.runtime, host) {
            Ok(handle) => return Ok((choice.runtime, handle)),
            Err(error @ (PackagedError::NotReady { .. } | PackagedError::Unknown { .. })) => {
                evaluations.retain(|evaluation| Runtime::of(evaluation) != choice.runtime);
                // The first hindrance is that of the best variant.
                hindrance.get_or_insert(error);
            }
            Err(error) => return Err(error),
        }
    }
}

/// A runner for this variant, not activated yet. Its files are in the cache and checked.
pub fn runner_for(
    package: &Package,
    runtime: &Runtime,
    host: &Host<'_>,
) -> Result<RunnerHandle, PackagedError> {
    let variant = package
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
    let entry = variant.model_entry().unwrap_or_default();
    (host.admit)(variant, package.trust_class(&variant.format, entry))?;
    let hosted = (host.hosted)(runner);
    let device = device_of(hosted.as_ref(), variant, runtime, host)?;
    let path: PathBuf = package.model_path(variant, host.cache, &mut |_| {})?;
    let options = LoadOptions {
        device,
        settings: variant.settings.clone(),
        libraries: host.libraries.clone(),
    };
    Ok(RunnerHandle::new(
        hosted,
        ModelFile { path, format },
        options,
    ))
}

/// The device of the variant if this host has it, or the runner's first one of the same kind.
fn device_of(
    runner: &dyn Runner,
    variant: &Variant,
    runtime: &Runtime,
    host: &Host<'_>,
) -> Result<Device, PackagedError> {
    let not_ready = |reason: String, how_to_get_it: String| PackagedError::NotReady {
        runtime: runtime.clone(),
        reason,
        how_to_get_it,
    };
    match runner.probe(host.libraries) {
        Probe::Ready { devices, .. } => {
            let same_kind = |device: &&Device| {
                matches!(device, Device::Cpu) == matches!(variant.device, Device::Cpu)
            };
            let found = devices
                .iter()
                .find(|device| **device == variant.device)
                .or_else(|| devices.iter().find(same_kind));
            found.copied().ok_or_else(|| {
                let reason = format!("there is no device like {}", variant.device);
                not_ready(reason, "`nav doctor` lists the devices".to_owned())
            })
        }
        Probe::Missing {
            reason,
            how_to_get_it,
        } => Err(not_ready(reason, how_to_get_it)),
    }
}
