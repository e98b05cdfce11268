//! What the double is told: entries of `double.conf` in the folder that it was opened from.

use crate::place;

/// An entry: `onnxruntime` (the library that computes, by absolute path), `tensorrt_version` (11.4.0.106), `shape_values` (on: a build
/// takes inputs that are shapes without being told of their values), `refuse_tensorrt` (on: it finds no driver that it could use).
pub(crate) fn setting(key: &str) -> Option<String> {
    let text = std::fs::read_to_string(place::folder()?.join("double.conf")).ok()?;
    let mut lines = text.lines().filter_map(|line| line.split_once('='));
    let found = lines.find(|(known, _)| known.trim() == key);
    found.map(|(_, value)| value.trim().to_owned())
}
