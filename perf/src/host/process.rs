//! Processor time and memory of a process and of those it started.

use std::collections::BTreeMap;
use std::time::Duration;

/// What a process and those it started take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProcessUse {
    /// Processor time: so far, or within a measurement.
    pub busy: Duration,
    /// Memory that is in use at the end.
    pub memory: u64,
    /// The most memory that the process itself ever had in use.
    pub peak_memory: u64,
    /// How many processes they are.
    pub processes: usize,
}

/// What a line about a process says.
struct Stat {
    parent: u32,
    ticks: u64,
}

impl ProcessUse {
    /// What it took so far; nothing if there is no such process or it cannot be seen.
    pub fn read(process: u32) -> Option<Self> {
        let folder = |number: u32| format!("/proc/{number}");
        let mut stats = BTreeMap::new();
        for entry in std::fs::read_dir("/proc").ok()?.flatten() {
            let name = entry.file_name();
            let Some(number) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else {
                continue;
            };
            let text = std::fs::read_to_string(format!("{}/stat", folder(number)));
            if let Some(stat) = text.ok().and_then(|text| Stat::read(&text)) {
                stats.insert(number, stat);
            }
        }
        let family = family(process, &stats);
        let mut sum = Self::default();
        let ticks_a_second = rustix::param::clock_ticks_per_second().max(1);
        for number in &family {
            let ticks = stats.get(number)?.ticks;
            sum.busy += Duration::from_millis(ticks.saturating_mul(1000) / ticks_a_second);
            let about = std::fs::read_to_string(format!("{}/status", folder(*number)));
            let about = about.unwrap_or_default();
            sum.memory += kibibytes(&about, "VmRSS:") << 10;
            if *number == process {
                sum.peak_memory = kibibytes(&about, "VmHWM:") << 10;
            }
        }
        sum.processes = family.len();
        (!family.is_empty()).then_some(sum)
    }

    /// What it took since then; the memory is that of now.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        Self {
            busy: self.busy.saturating_sub(earlier.busy),
            ..self
        }
    }
}

/// A process, those it started, and those they started.
fn family(process: u32, stats: &BTreeMap<u32, Stat>) -> Vec<u32> {
    let mut family = Vec::new();
    let mut next = vec![process];
    while let Some(number) = next.pop() {
        if !stats.contains_key(&number) || family.contains(&number) {
            continue;
        }
        family.push(number);
        let children = stats.iter().filter(|(_, stat)| stat.parent == number);
        next.extend(children.map(|(child, _)| *child));
    }
    family
}

impl Stat {
    /// Its name may hold anything, spaces and brackets too, and ends with the last bracket.
    fn read(text: &str) -> Option<Self> {
        let (_, rest) = text.rsplit_once(')')?;
        let words: Vec<&str> = rest.split_whitespace().collect();
        let number = |place: usize| words.get(place)?.parse::<u64>().ok();
        Some(Self {
            parent: u32::try_from(number(1)?).ok()?,
            ticks: number(11)? + number(12)?,
        })
    }
}

fn kibibytes(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
    number.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_process_does_not_confuse() {
        let text = "42 (a) b (c)) S 7 1 1 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 1 0 5 6 7";
        let stat = Stat::read(text).unwrap();
        assert_eq!((stat.parent, stat.ticks), (7, 300));
        assert!(Stat::read("42 (cut").is_none());
    }

    #[test]
    fn a_family_is_all_below_a_process() {
        let stat = |parent| Stat { parent, ticks: 0 };
        let stats = [
            (1, stat(0)),
            (5, stat(1)),
            (6, stat(5)),
            (7, stat(6)),
            (9, stat(1)),
        ];
        let mut found = family(5, &stats.into());
        found.sort_unstable();
        assert_eq!(found, [5, 6, 7]);
        assert_eq!(family(8, &BTreeMap::new()), Vec::<u32>::new());
    }

    #[test]
    fn this_process_takes_memory() {
        let found = ProcessUse::read(std::process::id()).unwrap();
        assert!(found.memory > 0 && found.processes > 0);
        assert_eq!(ProcessUse::read(u32::MAX), None);
    }
}
