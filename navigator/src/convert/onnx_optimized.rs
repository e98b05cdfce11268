//! The graph as ONNX Runtime rewrites it, saved: loading it again takes less time and less memory.

use nav_package_format::{Format, GraphLevel, RunnerSettings};
use nav_runners::{LoadOptions, onnx_cpu};

use super::{Conversion, ConvertError, Job};

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

    fn convert(&self, job: &Job<'_>) -> Result<(), ConvertError> {
        let options = LoadOptions {
            settings: RunnerSettings {
                graph_level: Some(GraphLevel::Extended),
                ..RunnerSettings::default()
            },
            libraries: job.libraries.clone(),
            ..LoadOptions::default()
        };
        Ok(onnx_cpu::save_optimized(job.model, &options, job.to)?)
    }
}
