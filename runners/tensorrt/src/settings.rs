//! How runner settings become what TensorRT does, each refused by its own name where it cannot be honoured.

use std::collections::BTreeMap;

use nav_package_format::RunnerSettings;
use nav_runners::LoadError;

use crate::profile::DimExtents;

/// The entries that say what a dimension of this name is built for: `1:8:32`, or one number.
const EXTENT: &str = "tensorrt.extent.";
/// Whether products of FP32 may be computed with ten bits of mantissa: `on` or `off`.
const TF32: &str = "tensorrt.tf32";
/// How hard the builder tries: from 0 to 5.
const LEVEL: &str = "tensorrt.builder_level";
/// The most scratch memory, in MiB.
const WORKSPACE: &str = "tensorrt.workspace_mib";
/// That runs of the same shapes are recorded and launched as one: `1`, as with other runners.
const CUDA_GRAPH: &str = "cuda.graph";

/// What is done with a model: how its engine is built, where it is, and how it is run. Of an engine that is there, the former tells
/// how it was built.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Treatment {
    /// What is known of open dimensions.
    pub(crate) extents: BTreeMap<String, DimExtents>,
    /// Whether products of FP32 may be computed with ten bits of mantissa.
    pub(crate) tf32: bool,
    /// How hard the builder tries.
    pub(crate) level: Option<i32>,
    /// The most scratch memory, in bytes.
    pub(crate) workspace: Option<u64>,
    /// Whether runs of the same shapes are recorded.
    pub(crate) cuda_graph: bool,
}

/// What these settings ask for.
pub(crate) fn treatment(settings: &RunnerSettings, runner: &str) -> Result<Treatment, LoadError> {
    let refuse = |setting: &str, reason: &str| LoadError::Setting {
        runner: runner.to_owned(),
        setting: setting.to_owned(),
        reason: reason.to_owned(),
    };
    let unknown = [
        ("intra_threads", settings.intra_threads.is_some()),
        ("inter_threads", settings.inter_threads.is_some()),
        ("execution_mode", settings.execution_mode.is_some()),
        ("graph_level", settings.graph_level.is_some()),
        ("arena", settings.arena.is_some()),
        ("memory_pattern", settings.memory_pattern.is_some()),
        ("spinning", settings.spinning.is_some()),
    ];
    if let Some((setting, _)) = unknown.iter().find(|(_, given)| *given) {
        return Err(refuse(setting, "TensorRT has no such setting"));
    }
    let mut treatment = Treatment::default();
    for (key, value) in &settings.config_entries {
        let on_or_off = || match value.as_str() {
            "on" => Ok(true),
            "off" => Ok(false),
            _ => Err(refuse(key, "it can be on or off")),
        };
        match key.as_str() {
            TF32 => treatment.tf32 = on_or_off()?,
            CUDA_GRAPH if value == "1" => treatment.cuda_graph = true,
            CUDA_GRAPH => return Err(refuse(key, "it can be 1")),
            LEVEL => {
                let level = value.parse().ok().filter(|level| (0..=5).contains(level));
                treatment.level =
                    Some(level.ok_or_else(|| refuse(key, "it is a number from 0 to 5"))?);
            }
            WORKSPACE => {
                let bytes = value.parse::<u64>().ok().filter(|&mib| mib > 0);
                let bytes = bytes.and_then(|mib| mib.checked_mul(1 << 20));
                treatment.workspace =
                    Some(bytes.ok_or_else(|| refuse(key, "it is a number of MiB"))?);
            }
            _ => {
                let Some(name) = key.strip_prefix(EXTENT).filter(|name| !name.is_empty()) else {
                    return Err(refuse(key, "TensorRT is not told of such an entry"));
                };
                let extents = DimExtents::parse(value).ok_or_else(|| {
                    refuse(
                        key,
                        "it is the least, the usual and the most extent, as 1:8:32",
                    )
                })?;
                treatment.extents.insert(name.to_owned(), extents);
            }
        }
    }
    Ok(treatment)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(entries: &[(&str, &str)]) -> RunnerSettings {
        let entries = entries.iter();
        RunnerSettings {
            config_entries: entries
                .map(|&(key, value)| (key.to_owned(), value.to_owned()))
                .collect(),
            ..RunnerSettings::default()
        }
    }

    #[test]
    fn entries_say_how_an_engine_is_built_and_run() {
        let found = treatment(
            &settings(&[
                ("tensorrt.extent.batch", "1:8:32"),
                ("tensorrt.tf32", "on"),
                ("tensorrt.builder_level", "4"),
                ("tensorrt.workspace_mib", "512"),
                ("cuda.graph", "1"),
            ]),
            "T",
        );
        let expected = Treatment {
            extents: BTreeMap::from([("batch".to_owned(), DimExtents::parse("1:8:32").unwrap())]),
            tf32: true,
            level: Some(4),
            workspace: Some(512 << 20),
            cuda_graph: true,
        };
        assert_eq!(found, Ok(expected));
        assert_eq!(treatment(&settings(&[]), "T"), Ok(Treatment::default()));
    }

    #[test]
    fn what_cannot_be_honoured_is_refused_by_name() {
        let check = |entry: (&str, &str), reason: &str| {
            let error = treatment(&settings(&[entry]), "T").unwrap_err();
            let start = format!("runner T cannot honour setting {}: ", entry.0);
            assert_eq!(error.to_string(), format!("{start}{reason}"));
        };
        check(("tensorrt.tf32", "1"), "it can be on or off");
        check(("cuda.graph", "on"), "it can be 1");
        check(
            ("tensorrt.builder_level", "6"),
            "it is a number from 0 to 5",
        );
        check(("tensorrt.workspace_mib", "0"), "it is a number of MiB");
        check(
            ("tensorrt.workspace_mib", "99999999999999999"),
            "it is a number of MiB",
        );
        check(
            ("tensorrt.extent.n", "8:1:2"),
            "it is the least, the usual and the most extent, as 1:8:32",
        );
        check(
            ("tensorrt.timing_cache", "/etc/passwd"),
            "TensorRT is not told of such an entry",
        );
        let threads = RunnerSettings {
            intra_threads: Some(2),
            ..RunnerSettings::default()
        };
        assert!(treatment(&threads, "T").is_err());
    }
}
