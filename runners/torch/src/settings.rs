//! How runner settings become what libtorch does, each refused by its own name where it cannot be honoured.

use nav_package_format::{Device, GraphLevel, RunnerSettings};
use nav_runners::LoadError;

/// The entry that says how memory is laid out: `channels_last`.
const MEMORY_FORMAT: &str = "torch.memory_format";

/// The entry that says what precision operators may choose: `bf16` or `fp16`.
const AUTOCAST: &str = "torch.autocast";

/// The entry that lets products of FP32 be computed with ten bits of mantissa: `on`.
const TF32: &str = "torch.tf32";

/// What is done with a module before it is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Treatment {
    /// How far it is rewritten.
    pub(crate) rewriting: Rewriting,
    /// Whether weights and inputs of four dimensions are laid out with the channels last.
    pub(crate) channels_last: bool,
    /// What precision its operators may choose.
    pub(crate) autocast: Autocast,
    /// Whether products of FP32 may be computed with ten bits of mantissa.
    pub(crate) tf32: bool,
    /// Threads for one operator.
    pub(crate) threads: Option<i32>,
}

/// How far a module is rewritten when it is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rewriting {
    /// Not at all.
    Eager = 0,
    /// Weights become constants.
    Frozen = 1,
    /// What follows from constants alone is computed once: normalizations go into the convolutions before them.
    Folded = 2,
    /// All of that, and what only helps inference on this device.
    Inference = 3,
}

/// What precision operators on a GPU may choose by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Autocast {
    /// The one that the model has.
    Off = 0,
    /// Brain floating point.
    Bf16 = 1,
    /// Half precision.
    Fp16 = 2,
}

/// What these settings ask for.
pub(crate) fn treatment(
    settings: &RunnerSettings,
    device: Device,
    runner: &str,
) -> Result<Treatment, LoadError> {
    let refuse = |setting: &str, reason: &str| LoadError::Setting {
        runner: runner.to_owned(),
        setting: setting.to_owned(),
        reason: reason.to_owned(),
    };
    let unknown = [
        ("inter_threads", settings.inter_threads.is_some()),
        ("execution_mode", settings.execution_mode.is_some()),
        ("arena", settings.arena.is_some()),
        ("memory_pattern", settings.memory_pattern.is_some()),
        ("spinning", settings.spinning.is_some()),
    ];
    if let Some((setting, _)) = unknown.iter().find(|(_, given)| *given) {
        return Err(refuse(setting, "libtorch has no such setting"));
    }
    let threads = settings.intra_threads.map(|threads| {
        i32::try_from(threads)
            .ok()
            .filter(|&threads| threads > 0)
            .ok_or_else(|| refuse("intra_threads", "it must be at least 1"))
    });
    let mut treatment = Treatment {
        rewriting: rewriting(settings.graph_level),
        channels_last: false,
        autocast: Autocast::Off,
        tf32: false,
        threads: threads.transpose()?,
    };
    for (key, value) in &settings.config_entries {
        match (key.as_str(), value.as_str()) {
            (MEMORY_FORMAT, "channels_last") => treatment.channels_last = true,
            (MEMORY_FORMAT, _) => return Err(refuse(key, "it can be channels_last")),
            (AUTOCAST | TF32, _) if device == Device::Cpu => {
                return Err(refuse(key, "it has a meaning only on a GPU"));
            }
            (AUTOCAST, "bf16") => treatment.autocast = Autocast::Bf16,
            (AUTOCAST, "fp16") => treatment.autocast = Autocast::Fp16,
            (AUTOCAST, _) => return Err(refuse(key, "it can be bf16 or fp16")),
            (TF32, "on") => treatment.tf32 = true,
            (TF32, _) => return Err(refuse(key, "it can be on")),
            _ => {
                let known = "only torch.memory_format, torch.autocast and torch.tf32 are known";
                return Err(refuse(key, known));
            }
        }
    }
    Ok(treatment)
}

const fn rewriting(level: Option<GraphLevel>) -> Rewriting {
    match level {
        None | Some(GraphLevel::None) => Rewriting::Eager,
        Some(GraphLevel::Basic) => Rewriting::Frozen,
        Some(GraphLevel::Extended) => Rewriting::Folded,
        Some(GraphLevel::All) => Rewriting::Inference,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(json: &[(&str, &str)]) -> RunnerSettings {
        RunnerSettings {
            config_entries: json
                .iter()
                .map(|&(key, value)| (key.to_owned(), value.to_owned()))
                .collect(),
            ..RunnerSettings::default()
        }
    }

    #[test]
    fn entries_are_honoured_or_refused_by_name() {
        let gpu = Device::Cuda(0);
        let check = |entries: &[(&str, &str)], device, expected: Result<(bool, Autocast), &str>| {
            let found = treatment(&settings(entries), device, "T");
            let found = found.map(|found| (found.channels_last, found.autocast));
            let found = found.map_err(|error| error.to_string());
            assert_eq!(found, expected.map_err(str::to_owned));
        };
        let last = (MEMORY_FORMAT, "channels_last");
        check(&[], Device::Cpu, Ok((false, Autocast::Off)));
        check(&[last], Device::Cpu, Ok((true, Autocast::Off)));
        check(&[last, (AUTOCAST, "bf16")], gpu, Ok((true, Autocast::Bf16)));
        check(&[(AUTOCAST, "fp16")], gpu, Ok((false, Autocast::Fp16)));
        check(
            &[(TF32, "1")],
            gpu,
            Err("runner T cannot honour setting torch.tf32: it can be on"),
        );
        check(
            &[(TF32, "on")],
            Device::Cpu,
            Err("runner T cannot honour setting torch.tf32: it has a meaning only on a GPU"),
        );
        check(
            &[(AUTOCAST, "fp16")],
            Device::Cpu,
            Err("runner T cannot honour setting torch.autocast: it has a meaning only on a GPU"),
        );
        check(
            &[("torch.compile", "1")],
            gpu,
            Err(
                "runner T cannot honour setting torch.compile: only torch.memory_format, torch.autocast and torch.tf32 are known",
            ),
        );
    }

    #[test]
    fn threads_are_counted_from_one_and_the_knobs_of_others_refused() {
        let with = |intra_threads, spinning| RunnerSettings {
            intra_threads,
            spinning,
            ..RunnerSettings::default()
        };
        let found = treatment(&with(Some(3), None), Device::Cpu, "T").unwrap();
        assert_eq!(
            (found.threads, found.rewriting),
            (Some(3), Rewriting::Eager)
        );
        assert!(treatment(&with(Some(0), None), Device::Cpu, "T").is_err());
        assert!(treatment(&with(None, Some(true)), Device::Cpu, "T").is_err());
    }
}
