//! What the process of a step may take of the machine. A backstop: the parent watches its memory too.

use nav_package_format::Device;
use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};

use super::file::StepFile;

/// The most files that may be open.
const OPEN_FILES: u64 = 1024;

/// Limits this process. What the system does not grant stays as it is: the parent's watch remains.
pub(super) fn apply(step: &StepFile) {
    limit(Resource::Core, 0);
    limit(Resource::Nofile, OPEN_FILES);
    // Drivers of accelerators reserve far more than they ever touch.
    if step.options.device == Device::Cpu {
        // What is reserved and not touched counts here, and not for the parent.
        limit(
            Resource::Data,
            step.memory_limit.saturating_add(step.memory_limit / 4),
        );
    }
}

/// Lets this process end with its parent, even where the parent has no time to say so.
pub fn die_with_parent() {
    let _unsupported = rustix::process::set_parent_process_death_signal(Some(Signal::KILL));
}

fn limit(resource: Resource, most: u64) {
    let maximum = getrlimit(resource).maximum;
    let current = Some(maximum.map_or(most, |maximum| maximum.min(most)));
    let _refused = setrlimit(resource, Rlimit { current, maximum });
}
