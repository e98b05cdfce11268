//! A runner that checks, each time before it loads a variant, that it still may and still can: the policy is asked, the
//! machine compared, and the files are hashed unless they are the ones that were.

use std::sync::Arc;

use nav_package_format::Format;
use nav_package_format::cache::Cache;
use nav_package_format::package::{BuiltFor, Variant};
use nav_runners::{Libraries, LoadError, LoadOptions, Loaded, ModelFile, Probe, Runner, gpu};

use super::built_for;
use super::vetted::VettedPackage;

/// A runner of one variant.
#[derive(Debug)]
pub(super) struct Verified {
    pub(super) runner: Box<dyn Runner>,
    pub(super) package: VettedPackage,
    pub(super) variant: Variant,
    pub(super) cache: Arc<Cache>,
}

impl Verified {
    /// Whether this machine, as it is now, runs what was built for that one.
    fn compare(&self, built: &BuiltFor, options: &LoadOptions) -> Result<(), LoadError> {
        let runner = self.name().to_owned();
        let version = match self.probe(&options.libraries) {
            Probe::Ready { version, .. } => version,
            Probe::Missing {
                reason,
                how_to_get_it,
            } => {
                return Err(LoadError::Unavailable {
                    runner,
                    reason,
                    how_to_get_it,
                });
            }
        };
        match built_for::objection(built, (options.device, &version), &gpu::gpus()) {
            Some(reason) => Err(LoadError::BuiltElsewhere { runner, reason }),
            None => Ok(()),
        }
    }
}

impl Runner for Verified {
    fn name(&self) -> &'static str {
        self.runner.name()
    }

    fn formats(&self) -> &'static [Format] {
        self.runner.formats()
    }

    fn vendor_runtime(&self) -> Option<nav_runners::VendorRuntime> {
        self.runner.vendor_runtime()
    }

    fn probe(&self, libraries: &Libraries) -> Probe {
        self.runner.probe(libraries)
    }

    fn load(&self, model: &ModelFile, options: &LoadOptions) -> Result<Arc<dyn Loaded>, LoadError> {
        self.package
            .admit(&self.variant)
            .map_err(|refusal| model.refusal(&refusal, true))?;
        if let Some(built) = &self.variant.built_for {
            self.compare(built, options)?;
        }
        let path = self
            .package
            .package()
            .model_path(&self.variant, &self.cache, &mut |_| {})
            .map_err(|error| model.refusal(&error, error.is_integrity()))?;
        let format = model.format;
        self.runner.load(&ModelFile { path, format }, options)
    }
}
