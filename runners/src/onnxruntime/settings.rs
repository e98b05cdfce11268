//! How runner settings become session options of ONNX Runtime.

use nav_package_format::{ExecutionMode, GraphLevel, RunnerSettings};
use ort::ep::{self, ExecutionProvider};
use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};

use crate::error::LoadError;

/// Groups of free-form entries that only tune how a model runs.
const ENTRY_GROUPS: &[&str] = &["session.", "optimization.", "mlas.", "memory."];

/// Words in the names of entries that make the runtime read or write files of a caller's choosing.
/// Settings travel in packages, and opening a package must not do that.
const FILE_WORDS: &[&str] = &["file", "path", "folder", "library"];

/// Applies the settings, each by its own name, so that an error can say which one failed.
pub fn apply(
    mut builder: SessionBuilder,
    settings: &RunnerSettings,
    runner: &str,
) -> Result<SessionBuilder, LoadError> {
    let refuse = |setting: &str, reason: String| LoadError::Setting {
        runner: runner.to_owned(),
        setting: setting.to_owned(),
        reason,
    };
    if let Some(threads) = settings.intra_threads {
        let set = builder.with_intra_threads(threads);
        builder = set.map_err(|error| refuse("intra_threads", error.to_string()))?;
    }
    if let Some(threads) = settings.inter_threads {
        if settings.execution_mode != Some(ExecutionMode::Parallel) {
            let reason = "it has a meaning only with execution mode parallel".to_owned();
            return Err(refuse("inter_threads", reason));
        }
        let set = builder.with_inter_threads(threads);
        builder = set.map_err(|error| refuse("inter_threads", error.to_string()))?;
    }
    if let Some(mode) = settings.execution_mode {
        let set = builder.with_parallel_execution(mode == ExecutionMode::Parallel);
        builder = set.map_err(|error| refuse("execution_mode", error.to_string()))?;
    }
    if let Some(level) = settings.graph_level {
        let set = builder.with_optimization_level(graph_level(level));
        builder = set.map_err(|error| refuse("graph_level", error.to_string()))?;
    }
    if let Some(enabled) = settings.memory_pattern {
        let set = builder.with_memory_pattern(enabled);
        builder = set.map_err(|error| refuse("memory_pattern", error.to_string()))?;
    }
    if let Some(enabled) = settings.arena {
        let provider = ep::CPU::default().with_arena_allocator(enabled);
        let set = provider.register(&mut builder);
        set.map_err(|error| refuse("arena", error.to_string()))?;
    }
    if let Some(enabled) = settings.spinning {
        let set = builder.with_intra_op_spinning(enabled);
        builder = set.map_err(|error| refuse("spinning", error.to_string()))?;
        let set = builder.with_inter_op_spinning(enabled);
        builder = set.map_err(|error| refuse("spinning", error.to_string()))?;
    }
    for (key, value) in &settings.config_entries {
        check_entry(key).map_err(|reason| refuse(key, reason))?;
        let set = builder.with_config_entry(key, value);
        builder = set.map_err(|error| refuse(key, error.to_string()))?;
    }
    Ok(builder)
}

fn check_entry(key: &str) -> Result<(), String> {
    if !ENTRY_GROUPS.iter().any(|group| key.starts_with(group)) {
        return Err(format!(
            "only entries of {} are accepted",
            ENTRY_GROUPS.join(", ")
        ));
    }
    match FILE_WORDS.iter().find(|word| key.contains(**word)) {
        Some(word) => Err(format!("entries that name a {word} are not accepted")),
        None => Ok(()),
    }
}

fn graph_level(level: GraphLevel) -> GraphOptimizationLevel {
    match level {
        GraphLevel::None => GraphOptimizationLevel::Disable,
        GraphLevel::Basic => GraphOptimizationLevel::Level1,
        GraphLevel::Extended => GraphOptimizationLevel::Level2,
        GraphLevel::All => GraphOptimizationLevel::All,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_that_tune_pass_and_entries_that_reach_for_files_do_not() {
        let check = |key: &str, accepted: bool| {
            assert_eq!(check_entry(key).is_ok(), accepted, "{key}");
        };
        check("session.intra_op.allow_spinning", true);
        check("mlas.enable_gemm_fastmath_arm64_bfloat16", true);
        check(
            "session.model_external_initializers_file_folder_path",
            false,
        );
        check("session.collect_node_memory_stats_to_file", false);
        check("ep.context_enable", false);
        check("", false);
    }
}
