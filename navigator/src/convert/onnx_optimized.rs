//! The graph as ONNX Runtime rewrites it, saved: loading it again takes less time and less memory.

use std::collections::BTreeMap;

use nav_package_format::onnx::{self, RewriteError};
use nav_package_format::{Format, GraphLevel, RunnerSettings};
use nav_runners::{LoadOptions, onnx_cpu};

use super::{Conversion, ConvertError, Job};
use crate::plan::Extents;

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
    fn settings(&self, _: &str, _: &BTreeMap<String, Extents>) -> RunnerSettings {
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
        onnx_cpu::save_optimized(job.model, &options, job.to)?;
        // Old models name each weight as an input too. ONNX Runtime folds weights into others and leaves their names,
        // which nothing would fill.
        let asked_for: Vec<&str> = job
            .signature
            .inputs
            .iter()
            .map(|input| input.name.as_str())
            .collect();
        let kept = job.to.with_extension("kept");
        if onnx::keep_inputs(job.to, &asked_for, &kept)? {
            std::fs::rename(&kept, job.to)
                .map_err(|source| RewriteError::Io { path: kept, source })?;
        }
        Ok(())
    }
}
