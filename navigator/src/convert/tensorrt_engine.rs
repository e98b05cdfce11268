//! An engine that TensorRT builds of a graph, for one kind of device and the extents that are known of its open dimensions.

use std::collections::BTreeMap;

use nav_package_format::{Format, RunnerSettings};
use nav_runners::{LoadOptions, Runner};

use super::{Conversion, ConvertError, Job};
use crate::plan::Extents;

/// What builds engines and runs them.
pub(super) const RUNNER: &str = "TensorRT";

/// ONNX to an engine. Its types are those of the graph.
#[derive(Debug)]
pub(super) struct TensorRtEngine {
    name: &'static str,
    tf32: bool,
}

/// Products of FP32 computed as such.
pub(super) static FP32: TensorRtEngine = TensorRtEngine {
    name: "engine",
    tf32: false,
};

/// Products of FP32 computed with ten bits of mantissa.
pub(super) static TF32: TensorRtEngine = TensorRtEngine {
    name: "engine-tf32",
    tf32: true,
};

impl Conversion for TensorRtEngine {
    fn name(&self) -> &'static str {
        self.name
    }

    fn from(&self) -> Format {
        Format::Onnx
    }

    fn to(&self) -> Format {
        Format::TensorRt
    }

    fn runs_on(&self, runner: &str) -> bool {
        runner == RUNNER
    }

    fn settings(&self, _: &str, extents: &BTreeMap<String, Extents>) -> RunnerSettings {
        settings(self.tf32, extents)
    }

    fn replaces_untouched(&self) -> bool {
        true
    }

    /// Loading it builds the engine, and shows that it can be loaded.
    fn convert(&self, job: &Job<'_>) -> Result<(), ConvertError> {
        let mut runners = nav_worker::all_runners();
        let runner = runners.find(|runner| runner.name() == RUNNER);
        let runner = runner.ok_or(ConvertError::NoRunner { runner: RUNNER })?;
        let options = LoadOptions {
            device: job.device,
            settings: job.settings.clone(),
            libraries: job.libraries.clone(),
            save_to: Some(job.to.to_owned()),
            ..LoadOptions::default()
        };
        runner.load(job.model, &options)?;
        Ok(())
    }
}

/// What TensorRT is told: how the engine is built, and so from what it can be built again.
pub(super) fn settings(tf32: bool, extents: &BTreeMap<String, Extents>) -> RunnerSettings {
    let extents = extents.iter().map(|(name, extents)| {
        let Extents { least, usual, most } = extents;
        (
            format!("tensorrt.extent.{name}"),
            format!("{least}:{usual}:{most}"),
        )
    });
    let precision = tf32.then(|| ("tensorrt.tf32".to_owned(), "on".to_owned()));
    RunnerSettings {
        config_entries: extents.chain(precision).collect(),
        ..RunnerSettings::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_runner_is_told_what_the_engine_is_built_for() {
        let batch = Extents {
            least: 1,
            usual: 8,
            most: 32,
        };
        let extents = BTreeMap::from([("batch".to_owned(), batch)]);
        let told = |conversion: &TensorRtEngine| {
            let settings = conversion.settings(RUNNER, &extents);
            let entries = settings.config_entries.into_iter();
            let texts = entries.map(|(key, value)| format!("{key}={value}"));
            texts.collect::<Vec<String>>()
        };
        assert_eq!(told(&FP32), ["tensorrt.extent.batch=1:8:32"]);
        assert_eq!(
            told(&TF32),
            ["tensorrt.extent.batch=1:8:32", "tensorrt.tf32=on"]
        );
    }
}
