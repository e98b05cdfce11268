//! Bounds around a child process that the kernel keeps from its first instruction on: what it may read and write, which calls it may
//! make, how much it may take. They hold for all that it starts, and nobody in it can lift them.
//!
//! Knows nothing of what runs in it. Landlock says which files; as it does not see metadata of files, sockets of every kind, or
//! sessions, the calls for these are refused by a filter of system calls (`calls.rs`).

mod calls;

use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, LandlockStatus,
    PathBeneath, PathFd, RestrictSelf, Ruleset, RulesetAttr, RulesetCreated, RulesetCreatedAttr,
    RulesetError, Scope,
};
use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};
use seccompiler::BpfProgram;

/// The first interface of Landlock that sees a file being cut off, without which files that must not be written could be emptied.
const LEAST: ABI = ABI::V3;

/// What a child may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Files and folders that it may read and run. Those that are not there are passed over.
    pub reads: Vec<PathBuf>,
    /// Files and folders that it may write too, but run nothing of.
    pub writes: Vec<PathBuf>,
    /// How many files it may have open.
    pub open_files: u64,
    /// How much memory it may have; as much as this process, if none.
    pub memory: Option<u64>,
}

/// Why a child cannot be kept within bounds.
#[derive(Debug, thiserror::Error)]
pub enum ConfineError {
    /// Landlock is missing, or too old.
    #[error("this kernel cannot keep a process to its files: {reason}")]
    Kernel {
        /// What it has instead.
        reason: String,
    },
    /// There is no filter for this processor.
    #[error("system calls cannot be filtered on this processor: {0}")]
    Calls(#[from] seccompiler::BackendError),
    /// The kernel refused a rule.
    #[error("the kernel did not take the rules")]
    Rules(#[from] RulesetError),
    /// A place to write to is not there.
    #[error("cannot let it write to {}", path.display())]
    Place {
        /// The place.
        path: PathBuf,
        /// The system's reason.
        source: landlock::PathFdError,
    },
}

/// Whether this kernel can keep a child within bounds.
pub fn is_possible() -> Result<(), ConfineError> {
    // Restricts nothing, and so tells what there is.
    let status = RestrictSelf::default().no_new_privs(false).apply()?;
    let reason = match status.landlock {
        LandlockStatus::Available { effective_abi, .. } if effective_abi >= LEAST => return Ok(()),
        LandlockStatus::Available { effective_abi, .. } => format!(
            "its Landlock is of version {}, and version {} is the first that will do",
            effective_abi as i32, LEAST as i32
        ),
        LandlockStatus::NotEnabled => "its Landlock is switched off".to_owned(),
        LandlockStatus::NotImplemented => "it has no Landlock".to_owned(),
    };
    Err(ConfineError::Kernel { reason })
}

impl Bounds {
    /// Has the process that this command starts begin within these bounds, in a group of its own, and end with the thread that
    /// starts it. It can open no more connections, change no metadata of files and leave its group.
    pub fn surround(&self, command: &mut Command) -> Result<(), ConfineError> {
        is_possible()?;
        let inside = Inside {
            rules: self.rules()?,
            calls: calls::filter()?,
            open_files: self.open_files,
            memory: self.memory,
        };
        // What the child takes out of its copy stays here, for a command that is started again.
        let mut inside = Some(inside);
        let begin = move || inside.take().map_or(Ok(()), Inside::begin);
        command.process_group(0);
        // SAFETY: between fork and exec only what a signal handler may do is safe in general. `begin` makes system calls, opens one
        // path, and drops what it was handed over, all of it made before; it takes no lock of ours. glibc keeps its allocator usable
        // in a forked child, for the few bytes that an error or a path may take.
        unsafe { command.pre_exec(begin) };
        Ok(())
    }

    fn rules(&self) -> Result<RulesetCreated, RulesetOrPlace> {
        let rules = Ruleset::default()
            .set_compatibility(CompatLevel::HardRequirement)
            .handle_access(AccessFs::from_all(LEAST))?
            // What later kernels can keep it from besides. The filter of calls has most of that too.
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(AccessFs::from_all(ABI::V5))?
            .handle_access(AccessNet::from_all(ABI::V4))?
            .scope(Scope::from_all(ABI::V6))?
            .create()?;
        let mut rules = rules;
        for path in &self.reads {
            if let Ok(place) = PathFd::new(path) {
                rules = rules.add_rule(rule(place, path, reading()))?;
            }
        }
        for path in &self.writes {
            let place = PathFd::new(path).map_err(|source| RulesetOrPlace::Place {
                path: path.clone(),
                source,
            })?;
            rules = rules.add_rule(rule(place, path, writing()))?;
        }
        Ok(rules)
    }
}

/// What can be wrong with rules.
enum RulesetOrPlace {
    Ruleset(RulesetError),
    Place {
        path: PathBuf,
        source: landlock::PathFdError,
    },
}

impl From<RulesetError> for RulesetOrPlace {
    fn from(error: RulesetError) -> Self {
        Self::Ruleset(error)
    }
}

impl From<RulesetOrPlace> for ConfineError {
    fn from(error: RulesetOrPlace) -> Self {
        match error {
            RulesetOrPlace::Ruleset(error) => Self::Rules(error),
            RulesetOrPlace::Place { path, source } => Self::Place { path, source },
        }
    }
}

fn reading() -> BitFlags<AccessFs> {
    AccessFs::Execute | AccessFs::ReadFile | AccessFs::ReadDir
}

/// Files and folders only: no devices, no sockets, no pipes, and nothing to run.
fn writing() -> BitFlags<AccessFs> {
    let content = AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::Truncate;
    let made = AccessFs::MakeReg | AccessFs::MakeDir | AccessFs::MakeSym | AccessFs::Refer;
    content | made | AccessFs::ReadDir | AccessFs::RemoveFile | AccessFs::RemoveDir
}

/// The rule for a place, with the rights that there are to files, where it is one.
fn rule(place: PathFd, path: &Path, access: BitFlags<AccessFs>) -> PathBeneath<PathFd> {
    if path.is_dir() {
        PathBeneath::new(place, access)
    } else {
        PathBeneath::new(place, access & AccessFs::from_file(ABI::V5))
    }
}

/// What a child takes with it into its bounds.
struct Inside {
    rules: RulesetCreated,
    calls: BpfProgram,
    open_files: u64,
    memory: Option<u64>,
}

impl Inside {
    /// Bounds this process, which is the child and about to become another program. Whatever fails keeps it from that.
    fn begin(self) -> io::Result<()> {
        rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
        close_inherited()?;
        limit(Resource::Core, 0)?;
        limit(Resource::Nofile, self.open_files)?;
        if let Some(memory) = self.memory {
            limit(Resource::Data, memory)?;
        }
        // What the system tells a process of itself: only the child can name it, since it stays this process.
        let own = PathFd::new("/proc/self").map_err(|_| io::ErrorKind::NotFound)?;
        let rules = self.rules.add_rule(PathBeneath::new(own, reading()));
        let restricted = rules.and_then(RulesetCreated::restrict_self);
        restricted.map_err(|_| io::ErrorKind::PermissionDenied)?;
        seccompiler::apply_filter(&self.calls).map_err(|_| io::ErrorKind::Unsupported)?;
        Ok(())
    }
}

/// Files that whoever started this process left open go no further than here.
fn close_inherited() -> io::Result<()> {
    const FIRST: libc::c_uint = 3;
    const LAST: libc::c_uint = libc::c_uint::MAX;
    // SAFETY: it marks numbers of files, takes no pointer, and closes nothing now.
    let marked = unsafe {
        libc::syscall(
            libc::SYS_close_range,
            FIRST,
            LAST,
            libc::CLOSE_RANGE_CLOEXEC,
        )
    };
    if marked == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

fn limit(resource: Resource, most: u64) -> io::Result<()> {
    let maximum = getrlimit(resource).maximum;
    let most = Some(maximum.map_or(most, |maximum| maximum.min(most)));
    Ok(setrlimit(
        resource,
        Rlimit {
            current: most,
            maximum: most,
        },
    )?)
}

#[cfg(test)]
mod tests;
