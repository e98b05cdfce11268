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
pub(super) fn die_with_parent() {
    let _unsupported = rustix::process::set_parent_process_death_signal(Some(Signal::KILL));
}

fn limit(resource: Resource, most: u64) {
    let maximum = getrlimit(resource).maximum;
    let current = Some(maximum.map_or(most, |maximum| maximum.min(most)));
    let _refused = setrlimit(resource, Rlimit { current, maximum });
}

/// The most memory that a process has held, from the text of its `/proc/PID/status`.
pub(crate) fn peak_memory(status: &str) -> Option<u64> {
    field(status, "VmHWM:")
}

/// The memory that a process holds, from the same text.
pub(crate) fn held_memory(status: &str) -> Option<u64> {
    field(status, "VmRSS:")
}

fn field(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

/// The most memory that this process has held.
pub(super) fn own_peak_memory() -> Option<u64> {
    peak_memory(&std::fs::read_to_string("/proc/self/status").ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_from_the_status_of_a_process() {
        let status = "Name:\tnav\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n";
        assert_eq!(peak_memory(status), Some(2 << 20));
        assert_eq!(held_memory(status), Some(1 << 20));
        assert_eq!(held_memory("Name:\tnav\n"), None);
    }
}
