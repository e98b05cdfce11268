//! An engine made of an ONNX file, for one device: with what earlier builds measured there, and for the extents that are known.

use nav_package_format::Signature;
use nav_runners::cuda::{DeviceFacts, Driver};
use nav_runners::{LoadError, LoadOptions, ModelFile};

use crate::native::{Build, BuiltEngine, Library};
use crate::profile;
use crate::settings::Treatment;
use crate::timing;

/// Where and by what an engine is built.
#[derive(Debug)]
pub(crate) struct Site<'a> {
    pub(crate) runner: &'a str,
    pub(crate) library: Library,
    pub(crate) driver: &'a Driver,
    pub(crate) device: &'a DeviceFacts,
}

impl Site<'_> {
    /// Builds an engine of a model of this signature.
    pub(crate) fn build(
        &self,
        (model, signature): (&ModelFile, &Signature),
        treatment: &Treatment,
        options: &LoadOptions,
    ) -> Result<BuiltEngine, LoadError> {
        let refused = |reason: String| LoadError::Model {
            runner: self.runner.to_owned(),
            path: model.path.clone(),
            reason,
        };
        let ranges = profile::ranges(&signature.inputs, &treatment.extents);
        let ranges = ranges.map_err(|error| refused(error.to_string()))?;
        let version = self.library.version();
        // What cannot be told is part of no file's name.
        let cuda = self.driver.cuda_version().ok();
        let place =
            cuda.and_then(|cuda| timing::path(&options.libraries, self.device, (&version, &cuda)));
        // Until the end of this build.
        let _turn = timing::turn(place.as_deref());
        let measured = timing::read(place.as_deref());
        let build = Build {
            model: &model.path,
            ranges: &ranges,
            tf32: treatment.tf32,
            level: treatment.level,
            workspace: treatment.workspace,
            timing: &measured,
        };
        let ran = build.run(self.library);
        let engine = ran.map_err(|error| refused(error.to_string()))?;
        if let Some(timing) = &engine.timing {
            timing::keep(place.as_deref(), timing.as_ref());
        }
        Ok(engine)
    }
}
