//! The memory of a process and of those that it started: a runner may have its model in a process of its own.

use std::path::Path;

use serde::{Deserialize, Serialize};

/// How deep families are looked at.
const GENERATIONS: usize = 4;

/// The memory of a family of processes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Memory {
    /// What they hold.
    pub(crate) held: u64,
    /// The most that each has held, added up.
    pub(crate) peak: u64,
}

/// The most memory that a step is known to have held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peak {
    /// Of the host.
    #[serde(rename = "peak_memory_bytes")]
    pub host: Option<u64>,
    /// Of GPUs, where the driver tells whose memory it is.
    #[serde(
        default,
        rename = "peak_device_memory_bytes",
        skip_serializing_if = "Option::is_none"
    )]
    pub device: Option<u64>,
}

impl Peak {
    /// The more of both.
    #[must_use]
    pub fn or_more(self, other: Self) -> Self {
        Self {
            host: self.host.max(other.host),
            device: self.device.max(other.device),
        }
    }
}

/// How often a family is looked at before it is found out again who belongs to it, which takes longer than looking.
const LOOKS: u32 = 16;

/// A process and its descendants, whose memory is looked at again and again.
#[derive(Debug)]
pub(crate) struct Family {
    head: u32,
    descendants: Vec<u32>,
    looks: u32,
}

impl Family {
    /// The family of the process of this number.
    pub(crate) const fn of(head: u32) -> Self {
        Self {
            head,
            descendants: Vec::new(),
            looks: 0,
        }
    }

    /// All of them.
    pub(crate) fn members(&self) -> Vec<u32> {
        let mut all = vec![self.head];
        all.extend(descendants(self.head));
        all
    }

    /// The memory of all of them; none where there is no such process any more.
    pub(crate) fn memory(&mut self) -> Option<Memory> {
        let mut total = of_process(self.head)?;
        if self.looks.is_multiple_of(LOOKS) {
            self.descendants = descendants(self.head);
        }
        self.looks = self.looks.wrapping_add(1);
        // One that is gone holds nothing.
        let each = self.descendants.iter();
        for memory in each.filter_map(|&member| of_process(member)) {
            total.held = total.held.saturating_add(memory.held);
            total.peak = total.peak.saturating_add(memory.peak);
        }
        Some(total)
    }
}

fn descendants(head: u32) -> Vec<u32> {
    let mut found = Vec::new();
    let mut generation = vec![head];
    for _ in 0..GENERATIONS {
        generation = generation.into_iter().flat_map(children).collect();
        if generation.is_empty() {
            break;
        }
        found.extend(&generation);
    }
    found
}

fn of_process(process: u32) -> Option<Memory> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    Some(Memory {
        held: field(&status, "VmRSS:")?,
        peak: field(&status, "VmHWM:")?,
    })
}

fn field(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

/// The processes that any thread of this one started.
fn children(process: u32) -> Vec<u32> {
    let tasks = std::fs::read_dir(Path::new("/proc").join(process.to_string()).join("task"));
    let tasks = tasks.into_iter().flatten().flatten();
    let listed =
        tasks.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
    let mut children = Vec::new();
    for numbers in listed {
        children.extend(
            numbers
                .split_whitespace()
                .filter_map(|it| it.parse::<u32>().ok()),
        );
    }
    children
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn memory_is_read_from_the_status_of_a_process() {
        let status = "Name:\tnav\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n";
        assert_eq!(field(status, "VmHWM:"), Some(2 << 20));
        assert_eq!(field(status, "VmRSS:"), Some(1 << 20));
        assert_eq!(field("Name:\tnav\n", "VmRSS:"), None);
    }

    #[test]
    fn a_family_holds_what_its_members_hold() {
        // A shell that waits for another one, which waits for its input to end.
        let mut parent = Command::new("/bin/sh")
            .args(["-c", "(read -r line; :) <&0; :"])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let number = parent.id();
        let with_child =
            std::iter::repeat_with(|| children(number)).find(|found| !found.is_empty());
        let child = with_child.unwrap()[0];
        let mut family = Family::of(number);
        let both = family.memory().unwrap();
        assert_eq!(family.members(), [number, child]);
        let alone = [number, child].map(|one| of_process(one).unwrap());
        assert_eq!(both.peak, alone[0].peak + alone[1].peak);
        drop(parent.stdin.take());
        parent.wait().unwrap();
        assert_eq!(family.memory(), None);
    }

    #[test]
    fn peaks_are_those_of_each_kind_of_memory_and_are_told_flat() {
        let peak = |host, device| Peak { host, device };
        let more = peak(Some(5), None).or_more(peak(Some(3), Some(7)));
        assert_eq!(more, peak(Some(5), Some(7)));
        let text = serde_json::to_string(&more).unwrap();
        assert_eq!(
            text,
            r#"{"peak_memory_bytes":5,"peak_device_memory_bytes":7}"#
        );
        let of_the_host = r#"{"peak_memory_bytes":5}"#;
        let read: Peak = serde_json::from_str(of_the_host).unwrap();
        assert_eq!(read, peak(Some(5), None));
        assert_eq!(serde_json::to_string(&read).unwrap(), of_the_host);
    }
}
