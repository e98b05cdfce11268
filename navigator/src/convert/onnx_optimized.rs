//! The graph as ONNX Runtime rewrites it, saved: loading it again takes less time and less memory.

use std::path::Path;

use nav_package_format::{Format, GraphLevel, RunnerSettings};
use nav_runners::{Libraries, LoadError, LoadOptions, ModelFile, onnx_cpu};

use super::Conversion;

/// ONNX to ONNX, with operators fused.
#[derive(Debug)]
pub(super) struct OnnxOptimized;

impl Conversion for OnnxOptimized {
    fn name(&self) -> &'static str {
        "onnx-optimized"
    }

    fn from(&self) -> Format {
        Format::Onnx
    }

    fn to(&self) -> Format {
        Format::Onnx
    }

    fn runs_on(&self, runner: &str) -> bool {
        runner == "OnnxCPU"
    }

    /// What runs it rewrites the rest: memory layouts depend on the processor, and are not saved.
    fn settings(&self) -> RunnerSettings {
        RunnerSettings::default()
    }

    fn convert(
        &self,
        model: &ModelFile,
        to: &Path,
        libraries: &Libraries,
    ) -> Result<(), LoadError> {
        let options = LoadOptions {
            settings: RunnerSettings {
                graph_level: Some(GraphLevel::Extended),
                ..RunnerSettings::default()
            },
            libraries: libraries.clone(),
            ..LoadOptions::default()
        };
        onnx_cpu::save_optimized(model, &options, to)
    }
}
