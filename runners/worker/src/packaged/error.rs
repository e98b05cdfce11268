//! Why a variant cannot be run here.

use nav_package_format::package::{NoChoice, PackageError, PassedOver, Runtime};
use nav_package_format::trust::Refusal;

/// Why a variant cannot be run here.
#[derive(Debug, thiserror::Error)]
pub enum PackagedError {
    /// The strategies chose none.
    #[error(transparent)]
    NoChoice(#[from] NoChoice),
    /// What the strategies would choose does not run here.
    #[error(
        "no variant that may be chosen runs here ({})",
        listed(hindrances, passed_over)
    )]
    NoneRuns {
        /// Why each of those does not that a strategy chose, the best one first.
        hindrances: Vec<PackagedError>,
        /// The others, and why none of the strategies chose them.
        passed_over: Vec<PassedOver>,
    },
    /// The package has no such variant.
    #[error("the package has no variant {runtime}")]
    NoVariant {
        /// The variant and the runner that were asked for.
        runtime: Runtime,
    },
    /// Its format or its runner is none that is known here.
    #[error("{runtime} needs {needed}, which this program does not know")]
    Unknown {
        /// The variant and its runner.
        runtime: Runtime,
        /// The format or the runner.
        needed: String,
    },
    /// It does not run on this host.
    #[error("{runtime} cannot run here: {reason}")]
    NotReady {
        /// The variant and its runner.
        runtime: Runtime,
        /// Why it does not run.
        reason: String,
        /// What mends it.
        how_to_get_it: String,
    },
    /// It may not be loaded here.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Its files cannot be had.
    #[error(transparent)]
    Package(#[from] PackageError),
}

impl PackagedError {
    /// What mends it, where it is the host that lacks something.
    pub fn how_to_get_it(&self) -> Option<&str> {
        match self {
            Self::NotReady { how_to_get_it, .. } => Some(how_to_get_it),
            Self::NoneRuns { hindrances, .. } => hindrances.iter().find_map(Self::how_to_get_it),
            _ => None,
        }
    }

    /// Whether another variant may be taken instead.
    pub(super) const fn is_of_host(&self) -> bool {
        matches!(self, Self::NotReady { .. } | Self::Unknown { .. })
    }
}

fn listed(hindrances: &[PackagedError], passed_over: &[PassedOver]) -> String {
    let hindrances = hindrances.iter().map(ToString::to_string);
    let passed_over = passed_over
        .iter()
        .map(|one| format!("{}: {}", one.runtime, one.reason));
    let all: Vec<String> = hindrances.chain(passed_over).collect();
    all.join("; ")
}
