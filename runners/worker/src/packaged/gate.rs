//! Whether the models of one file may be loaded: what the policy, the file's signature, the record of what was built
//! here and the present day come to.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use nav_package_format::signing::{self, Target};
use nav_package_format::trust::{
    BuiltHere, BuiltHereError, Date, Question, Refusal, SignatureState, TrustPolicy,
};
use nav_package_format::{Digest, TrustClass};

/// The answer to whether models of one file may be loaded.
#[derive(Debug)]
pub struct Gate {
    policy: TrustPolicy,
    state: SignatureState,
    today: Date,
    path: PathBuf,
    built_here: Option<PathBuf>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum GateError {
    /// It cannot be told where its signature would be.
    #[error("cannot resolve {path}", path = .path.display())]
    Resolve {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// A file without a name has no signature beside it.
    #[error("{path} has no name", path = .path.display())]
    Nameless {
        /// The file.
        path: PathBuf,
    },
    /// Nobody knows the day.
    #[error("the clock of this machine shows no possible date")]
    Clock,
}

impl Gate {
    /// The answer for this file, which is open already, so that what is checked is what is used. `built_here` is the
    /// folder with the record of what this machine built, if there is one.
    pub fn of(
        policy: &TrustPolicy,
        (path, file): (&Path, &File),
        built_here: Option<&Path>,
    ) -> Result<Self, GateError> {
        let place = || path.to_owned();
        let beside = signing::beside(path);
        let beside = beside.map_err(|source| GateError::Resolve {
            path: place(),
            source,
        })?;
        let signature = beside.ok_or_else(|| GateError::Nameless { path: place() })?;
        let target = Target::File(file, path);
        Ok(Self {
            policy: policy.clone(),
            state: SignatureState::of(policy, target, &signature, &mut |_| {}),
            today: today().ok_or(GateError::Clock)?,
            path: place(),
            built_here: built_here.map(Path::to_owned),
        })
    }

    /// Whether a model that may do this much may be loaded. Its digests are all of its files', or none when
    /// they are not known.
    pub fn admit(&self, trust_class: TrustClass, digests: &[Digest]) -> Result<(), Refusal> {
        // A record that cannot be read vouches for nothing.
        let built_here =
            !digests.is_empty() && built_here(self.built_here.as_deref(), digests).unwrap_or(false);
        let question = Question {
            path: &self.path,
            trust_class,
            built_here,
            // It may be another one than when the signature was checked.
            today: today().unwrap_or(self.today),
        };
        self.policy.admit(&question, &self.state)
    }
}

/// The present day, in UTC; none where the clock shows no possible one.
#[expect(
    clippy::disallowed_methods,
    reason = "keys are trusted up to a day, and files may be loaded or not by it"
)]
pub fn today() -> Option<Date> {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let days = since.map(|since| since.as_secs() / 86_400);
    let days = days.ok().and_then(|days| u32::try_from(days).ok());
    days.and_then(Date::of_unix_days)
}

/// Whether this machine built all of these files, by the record in this folder. Asking makes no record where there is
/// none.
pub fn built_here(folder: Option<&Path>, digests: &[Digest]) -> Result<bool, BuiltHereError> {
    let Some(folder) = folder.filter(|folder| folder.symlink_metadata().is_ok()) else {
        return Ok(false);
    };
    BuiltHere::open(folder)?.has_all(digests)
}
