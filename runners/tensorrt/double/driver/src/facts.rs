//! What the double pretends to be: lines `key = value` of `double.conf` beside the library.
//!
//! `devices` (1), `name`, `memory_bytes`, `refuse_beyond` (device memory that is refused although it would be there), `compute_capability`,
//! `cuda` (13000), `latency_us` (how long a stream waits before each piece of work, so that who does not wait for it is found out).

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::time::Duration;

use crate::place;

/// A kind of GPU.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) devices: i32,
    pub(crate) name: String,
    pub(crate) memory_bytes: usize,
    pub(crate) refuse_beyond: usize,
    pub(crate) capability: (i32, i32),
    pub(crate) cuda: i32,
    pub(crate) latency: Duration,
}

impl Facts {
    fn read() -> Self {
        let path = place::folder().map(|folder| folder.join("double.conf"));
        let text = path.and_then(|path| std::fs::read_to_string(path).ok());
        let text = text.unwrap_or_default();
        let lines = text.lines().filter_map(|line| line.split_once('='));
        let all: BTreeMap<&str, &str> = lines
            .map(|(key, value)| (key.trim(), value.trim()))
            .collect();
        let number = |key: &str| all.get(key).and_then(|value| value.parse::<usize>().ok());
        let small = |key: &str| number(key).and_then(|value| i32::try_from(value).ok());
        let capability = all.get("compute_capability").copied().unwrap_or("9.0");
        let (major, minor) = capability.split_once('.').unwrap_or((capability, "0"));
        let memory_bytes = number("memory_bytes").unwrap_or(8 << 30);
        Self {
            devices: small("devices").unwrap_or(1),
            name: all.get("name").copied().unwrap_or("Double").to_owned(),
            memory_bytes,
            refuse_beyond: number("refuse_beyond").unwrap_or(memory_bytes),
            capability: (major.parse().unwrap_or(9), minor.parse().unwrap_or(0)),
            cuda: small("cuda").unwrap_or(13_000),
            latency: Duration::from_micros(number("latency_us").unwrap_or(0) as u64),
        }
    }
}

/// What it pretends to be, as it was when it was first asked.
pub(crate) fn facts() -> &'static Facts {
    static FACTS: OnceLock<Facts> = OnceLock::new();
    FACTS.get_or_init(Facts::read)
}
