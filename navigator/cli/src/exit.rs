//! From errors to exit codes and hints: the one table of either.

use std::process::ExitCode;

use nav_navigator::convert::ConvertError;
use nav_navigator::declare::DeclareError;
use nav_navigator::inspect::InspectError;
use nav_navigator::optimize::OptimizeError;
use nav_navigator::plan::PlanError;
use nav_navigator::runtime::RuntimeError;
use nav_navigator::samples::DimensionError;
use nav_package_format::archive::ArchiveError;
use nav_package_format::numpy::NumpyError;
use nav_package_format::package::PackageError;
use nav_package_format::signing::{ContentsError, KeyError, SignatureError};
use nav_package_format::trust::{BuiltHereError, PolicyError, Refusal, Rule};
use nav_perf::{PerfError, TlsError};
use nav_runners::LoadError;
use nav_runners::handle::InferError;
use nav_worker::NoneReady;
use nav_worker::packaged::PackagedError;

use crate::printer::Printer;

/// What an exit code means. `--help` prints these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Something failed that no other code names.
    Failure,
    /// The command line is wrong.
    Usage,
    /// No variant met the goals.
    NoVariant,
    /// A file is malformed, hostile or not what it should be.
    Integrity,
    /// This host lacks something.
    Environment,
}

impl Exit {
    /// Every code but 0, which is success.
    pub(crate) const ALL: &'static [Self] = &[
        Self::Failure,
        Self::Usage,
        Self::NoVariant,
        Self::Integrity,
        Self::Environment,
    ];

    /// The number.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Failure => 1,
            Self::Usage => 2,
            Self::NoVariant => 3,
            Self::Integrity => 4,
            Self::Environment => 5,
        }
    }

    /// Its meaning in a few words.
    pub(crate) const fn meaning(self) -> &'static str {
        match self {
            Self::Failure => "failure",
            Self::Usage => "wrong usage",
            Self::NoVariant => "no variant met the goals",
            Self::Integrity => "a file is malformed, hostile or not what it should be",
            Self::Environment => "this host lacks something",
        }
    }

    /// The code that an error ends the program with.
    pub(crate) fn of(error: &anyhow::Error) -> Self {
        error
            .chain()
            .find_map(Self::of_cause)
            .unwrap_or(Self::Failure)
    }

    fn of_cause(cause: &(dyn std::error::Error + 'static)) -> Option<Self> {
        if cause.is::<UsageError>() || cause.is::<crate::config::ConfigError>() {
            return Some(Self::Usage);
        }
        if cause.is::<NoneReady>()
            || matches!(cause.downcast_ref(), Some(ConvertError::Unconfined(_)))
        {
            return Some(Self::Environment);
        }
        if let Some(error) = cause.downcast_ref::<RuntimeError>() {
            return Some(if error.is_integrity() {
                Self::Integrity
            } else {
                Self::Environment
            });
        }
        if let Some(error) = cause.downcast_ref::<InspectError>() {
            return Some(Self::of_fault(error.is_integrity()));
        }
        if let Some(error) = cause.downcast_ref::<NumpyError>() {
            return Some(Self::of_fault(error.is_integrity()));
        }
        if let Some(error) = cause.downcast_ref::<ArchiveError>() {
            return Some(Self::of_fault(error.is_integrity()));
        }
        if let Some(error) = cause.downcast_ref::<PackageError>() {
            return Some(Self::of_fault(error.is_integrity()));
        }
        if let Some(error) = cause.downcast_ref::<PackagedError>() {
            return Some(Self::of_packaged(error));
        }
        if let Some(exit) = Self::of_trust(cause) {
            return Some(exit);
        }
        if cause.is::<NoChoiceError>() {
            return Some(Self::NoVariant);
        }
        if let Some(error) = cause.downcast_ref::<OptimizeError>() {
            return Some(Self::of_optimize(error));
        }
        if cause.is::<DimensionError>() {
            return Some(Self::Usage);
        }
        if let Some(error) = cause.downcast_ref::<DeclareError>() {
            return Some(Self::of_declare(error));
        }
        if let Some(error) = cause.downcast_ref::<LoadError>() {
            return Some(Self::of_load(error));
        }
        if let Some(error) = cause.downcast_ref::<PerfError>() {
            return Some(Self::of_perf(error));
        }
        if matches!(cause.downcast_ref::<InferError>(), Some(InferError::Run(_))) {
            return Some(Self::Failure);
        }
        None
    }

    /// What signatures, keys and trust policies fail of.
    fn of_trust(cause: &(dyn std::error::Error + 'static)) -> Option<Self> {
        let integrity = if let Some(error) = cause.downcast_ref::<SignatureError>() {
            error.is_integrity()
        } else if let Some(error) = cause.downcast_ref::<ContentsError>() {
            error.is_integrity()
        } else if let Some(error) = cause.downcast_ref::<KeyError>() {
            if matches!(error, KeyError::Exists { .. }) {
                return Some(Self::Usage);
            }
            error.is_integrity()
        } else if let Some(error) = cause.downcast_ref::<PolicyError>() {
            if matches!(error, PolicyError::NoKeys) {
                return Some(Self::Usage);
            }
            error.is_integrity()
        } else if cause.is::<BuiltHereError>() {
            false
        } else if cause.is::<Refusal>() {
            true
        } else {
            return None;
        };
        Some(Self::of_fault(integrity))
    }

    /// Either the file is at fault, or something that no other code names.
    const fn of_fault(is_integrity: bool) -> Self {
        if is_integrity {
            Self::Integrity
        } else {
            Self::Failure
        }
    }

    fn of_packaged(error: &PackagedError) -> Self {
        match error {
            PackagedError::NoChoice(_) => Self::NoVariant,
            PackagedError::NoVariant { .. } => Self::Usage,
            PackagedError::Unknown { .. }
            | PackagedError::NotReady { .. }
            | PackagedError::NoneRuns { .. } => Self::Environment,
            PackagedError::Refused(_) => Self::Integrity,
            PackagedError::Package(error) => Self::of_fault(error.is_integrity()),
        }
    }

    fn of_optimize(error: &OptimizeError) -> Self {
        match error {
            OptimizeError::Plan(PlanError::NoRunner { .. }) => Self::Environment,
            OptimizeError::Plan(PlanError::NoSignature { .. } | PlanError::NotATensor { .. }) => {
                Self::Failure
            }
            OptimizeError::Plan(_) => Self::Usage,
            OptimizeError::Samples(error) if error.is_integrity() => Self::Integrity,
            _ => Self::Failure,
        }
    }

    const fn of_perf(error: &PerfError) -> Self {
        match error {
            PerfError::Address { .. }
            | PerfError::Unspeakable { .. }
            | PerfError::NoJson { .. }
            | PerfError::Tls(TlsError::Plain { .. } | TlsError::Name { .. }) => Self::Usage,
            PerfError::Tls(TlsError::NoAuthorities) => Self::Environment,
            _ => Self::Failure,
        }
    }

    fn of_declare(error: &DeclareError) -> Self {
        match error {
            DeclareError::Plan(PlanError::NoRunner { .. }) => Self::Environment,
            DeclareError::NoInputs { .. } | DeclareError::Samples | DeclareError::Plan(_) => {
                Self::Usage
            }
            DeclareError::Unreadable(error) if error.is_integrity() => Self::Integrity,
            DeclareError::Load(error) => Self::of_load(error),
            _ => Self::Failure,
        }
    }

    fn of_load(error: &LoadError) -> Self {
        match error {
            LoadError::Unavailable { .. }
            | LoadError::Device { .. }
            | LoadError::BuiltElsewhere { .. }
            | LoadError::Provider { .. } => Self::Environment,
            LoadError::Unacceptable { .. } => Self::Integrity,
            LoadError::Format { .. } | LoadError::Setting { .. } => Self::Usage,
            LoadError::Unreadable { .. }
            | LoadError::DType { .. }
            | LoadError::Model { .. }
            | LoadError::WorkerLost { .. } => Self::Failure,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// The command line asks for something that makes no sense.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct UsageError(pub String);

/// Nothing met the goals of an optimization.
#[derive(Debug, thiserror::Error)]
#[error("no variant met the goals: {reasons}")]
pub(crate) struct NoChoiceError {
    /// Why each strategy chose nothing.
    pub(crate) reasons: String,
}

/// Says what went wrong, and what can be done about it. What it ends the program with.
pub(crate) fn tell(error: &anyhow::Error) -> Exit {
    Printer::error(&format!("error: {error:#}"));
    if let Some(hint) = hint(error) {
        Printer::error(&format!("hint: {hint}"));
    }
    Exit::of(error)
}

/// What the user can do about an error, if we know.
fn hint(error: &anyhow::Error) -> Option<String> {
    error.chain().find_map(|cause| {
        if let Some(LoadError::Unavailable { how_to_get_it, .. }) = cause.downcast_ref() {
            return Some(how_to_get_it.clone());
        }
        if let Some(how) = cause.downcast_ref().and_then(PackagedError::how_to_get_it) {
            return Some(how.to_owned());
        }
        if cause.is::<NoneReady>() {
            return Some("`nav doctor` says what each runner lacks".to_owned());
        }
        if let Some(SignatureError::Unsigned { .. }) = cause.downcast_ref() {
            return Some(
                "name the signature with --signature, or make one with `nav sign`".to_owned(),
            );
        }
        if let Some(OptimizeError::Plan(error)) = cause.downcast_ref() {
            return of_plan(error);
        }
        if let Some(error) = cause.downcast_ref::<DeclareError>() {
            return of_declare(error);
        }
        if let Some(error) = cause.downcast_ref::<ConvertError>() {
            return of_convert(error);
        }
        if let Some(refusal) = cause.downcast_ref::<Refusal>() {
            return of_refusal(refusal.rule);
        }
        match cause.downcast_ref::<RuntimeError>()? {
            RuntimeError::Offline { runtime } => Some(format!(
                "allow downloads, or `{} --from WHEEL`",
                runtime.install_command()
            )),
            RuntimeError::NoWheels { runtime } => Some(runtime.how_to_get_it()),
            RuntimeError::Python { .. } => {
                Some("install Python 3 with pip, or name one with NAV_PYTHON".to_owned())
            }
            RuntimeError::Machine { runtime, .. } => Some(format!(
                "point at a library of your own with --library {runtime}=PATH"
            )),
            _ => None,
        }
    })
}

fn of_declare(error: &DeclareError) -> Option<String> {
    match error {
        DeclareError::NoInputs { .. } => Some(
            "say each input, as --input x:f32:batch,3,224,224, or give samples by name with --data"
                .to_owned(),
        ),
        DeclareError::Plan(error) => of_plan(error),
        _ => None,
    }
}

fn of_convert(error: &ConvertError) -> Option<String> {
    match error {
        ConvertError::Unconfined(_) => Some(
            "if you trust the model with all that you may do, say so with --unconfined-python"
                .to_owned(),
        ),
        ConvertError::Python { reason, .. } if reason.contains("ermission") => Some(
            "Python may read itself and the model's file: name what else with --python-reads"
                .to_owned(),
        ),
        _ => None,
    }
}

fn of_refusal(rule: Rule) -> Option<String> {
    match rule {
        Rule::NativeCodeBuiltOrSigned => Some(
            "a model of your own: `nav optimize MODEL --built-here` records that; one of somebody you trust: have it \
             signed and name the key with --trusted-key, or load it this once with --allow-native-code always"
                .to_owned(),
        ),
        _ => None,
    }
}

fn of_plan(error: &PlanError) -> Option<String> {
    match error {
        PlanError::OpenDimensions { names } => {
            let flags = names.iter().map(|name| format!("--dim {name}=MIN..MAX"));
            let flags: Vec<String> = flags.collect();
            let flags = flags.join(" ");
            Some(format!("say them, as {flags}, or give samples with --data"))
        }
        PlanError::NamelessDimensions { .. } => Some("give samples with --data".to_owned()),
        PlanError::NoReference { other, .. } => {
            let other = other.as_ref()?;
            Some(format!(
                "have it compared with {other}: --runner {other} besides"
            ))
        }
        PlanError::NoRunner { .. } => Some("`nav doctor` says what each runner lacks".to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn the_cause_decides_however_much_context_there_is() {
        let check = |error: anyhow::Error, expected: Exit| assert_eq!(Exit::of(&error), expected);
        let missing = LoadError::Unavailable {
            runner: "OnnxCPU".to_owned(),
            reason: "not installed".to_owned(),
            how_to_get_it: "install it".to_owned(),
        };
        let wrapped = Err::<(), _>(missing).context("cannot run").unwrap_err();
        assert_eq!(hint(&wrapped).as_deref(), Some("install it"));
        check(wrapped, Exit::Environment);
        check(UsageError("what".to_owned()).into(), Exit::Usage);
        check(anyhow::anyhow!("anything"), Exit::Failure);
    }

    #[test]
    fn codes_are_distinct_and_count_from_one() {
        let codes: Vec<u8> = Exit::ALL.iter().map(|exit| exit.code()).collect();
        assert_eq!(codes, [1, 2, 3, 4, 5]);
    }
}
