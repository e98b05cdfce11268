//! How busy the machine is, and the memory of it and of this process, as the system tells.

use std::sync::{Mutex, PoisonError};

use super::gpus::Gpus;
use super::text::gauge;

/// What is told of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Machine<'a> {
    /// How busy its processors are, and its memory.
    pub(crate) processors: Option<&'a Processors>,
    /// The same of its graphics processors.
    pub(crate) gpus: Option<&'a Gpus>,
}

/// The time that the processors spent, as it was when somebody last looked.
#[derive(Debug, Default)]
pub(crate) struct Processors {
    last: Mutex<Spent>,
}

/// Ticks of all processors together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Spent {
    busy: u64,
    all: u64,
}

impl Processors {
    /// How busy they were since somebody last looked, from 0 to 1.
    fn utilization(&self) -> Option<f64> {
        let now = Spent::read(&std::fs::read_to_string("/proc/stat").ok()?)?;
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *last, now);
        Some(now.since(before))
    }
}

impl Spent {
    /// From the first line of the system's statistics: user, nice, system, idle, waiting, interrupts.
    fn read(text: &str) -> Option<Self> {
        let line = text.lines().next()?.strip_prefix("cpu ")?;
        let ticks: Vec<u64> = line
            .split_whitespace()
            .take(8)
            .flat_map(str::parse)
            .collect();
        let idle = ticks.get(3)? + ticks.get(4).copied().unwrap_or(0);
        let all = ticks.iter().sum();
        let busy = all - idle;
        Some(Self { busy, all })
    }

    #[expect(clippy::cast_precision_loss, reason = "a share needs no more digits")]
    fn since(self, before: Self) -> f64 {
        let busy = self.busy.saturating_sub(before.busy);
        let all = self.all.saturating_sub(before.all);
        busy as f64 / all.max(1) as f64
    }
}

/// A value of a file of lines `Name: 123 kB`, in bytes.
fn kilobytes(text: &str, name: &str) -> Option<u64> {
    let mut lines = text.lines();
    let line = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    let number: u64 = line.split_whitespace().next()?.parse().ok()?;
    number.checked_mul(1024)
}

/// What the system tells; what it does not tell is left out.
pub(super) fn write(out: &mut String, processors: &Processors) {
    if let Some(share) = processors.utilization() {
        let help = "CPU utilization rate [0.0 - 1.0]";
        gauge(out, "nv_cpu_utilization", help, share);
    }
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = kilobytes(&memory, "MemTotal");
    let free = kilobytes(&memory, "MemAvailable");
    if let (Some(total), Some(free)) = (total, free) {
        let used = total.saturating_sub(free);
        let help = "CPU total memory (RAM), in bytes";
        gauge(out, "nv_cpu_memory_total_bytes", help, total);
        let help = "CPU used memory (RAM), in bytes";
        gauge(out, "nv_cpu_memory_used_bytes", help, used);
    }
    let own = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    if let Some(resident) = kilobytes(&own, "VmRSS") {
        let help = "Memory of this process that is resident, in bytes";
        gauge(out, "process_resident_memory_bytes", help, resident);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_is_understood() {
        let before = Spent::read("cpu  10 0 10 70 10 0 0 0 0 0\ncpu0 1 2 3").unwrap();
        assert_eq!(before, Spent { busy: 20, all: 100 });
        let after = Spent { busy: 50, all: 140 };
        assert!((after.since(before) - 0.75).abs() < 1e-9);
        assert_eq!(Spent::read("intr 5"), None);
        let text = "MemTotal:       24 kB\nMemFree: 3 kB\nVmRSS:\t 7 kB\n";
        assert_eq!(kilobytes(text, "MemTotal"), Some(24 << 10));
        assert_eq!(kilobytes(text, "VmRSS"), Some(7 << 10));
        assert_eq!(kilobytes(text, "Mem"), None);
    }
}
