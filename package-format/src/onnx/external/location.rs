//! Which paths a model may name: relative, downward, and the same on every system. Pure text.

use std::fmt;

use super::error::ExternalFault;

/// A path below the model's folder, in its plainest form.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location(String);

impl Location {
    /// The path that a model names.
    pub fn parse(text: &str) -> Result<Self, ExternalFault> {
        if text.is_empty() {
            return Err(ExternalFault::NoLocation);
        }
        // A backslash separates on Windows; a NUL ends a path. The star keeps out the locations by which
        // ONNX Runtime marks tensors in its own memory, where an offset is an address.
        let unsafe_character = |&c: &char| matches!(c, '\\' | '\0' | '*');
        if let Some(character) = text.chars().find(unsafe_character) {
            return Err(ExternalFault::Character(character));
        }
        if text.starts_with('/') {
            return Err(ExternalFault::Absolute);
        }
        if matches!(text.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic()) {
            return Err(ExternalFault::Drive);
        }
        let mut parts = Vec::new();
        for part in text.split('/') {
            match part {
                "" => return Err(ExternalFault::EmptyPart),
                ".." => return Err(ExternalFault::Parent),
                "." => {}
                part => parts.push(part),
            }
        }
        if parts.is_empty() {
            return Err(ExternalFault::NoLocation);
        }
        Ok(Self(parts.join("/")))
    }

    /// The path, its parts separated by `/`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<&str, &str>) {
        let found = Location::parse(text);
        let found = found.as_ref().map(Location::as_str);
        let found = found.map_err(ToString::to_string);
        assert_eq!(found, expected.map_err(str::to_owned), "{text:?}");
    }

    #[test]
    fn a_path_must_be_relative_and_lead_downward() {
        check("weights.bin", Ok("weights.bin"));
        check("./parts/./1", Ok("parts/1"));
        check("..data", Ok("..data"));
        check("", Err("the model names no file"));
        check(".", Err("the model names no file"));
        check("/etc/passwd", Err("the path is absolute"));
        check("../x", Err("the path leads out of a folder"));
        check("a/../../x", Err("the path leads out of a folder"));
        check("a//b", Err("the path has an empty part"));
        check("a/", Err("the path has an empty part"));
    }

    #[test]
    fn what_other_systems_read_as_a_path_is_refused() {
        check("a\\..\\b", Err("the path has the character '\\\\'"));
        check("a\0b", Err("the path has the character '\\0'"));
        check("C:x", Err("the path starts with a drive letter"));
        check("c:/x", Err("the path starts with a drive letter"));
    }

    #[test]
    fn addresses_in_the_memory_of_the_runtime_are_no_files() {
        check("*/_ORT_MEM_ADDR_/*", Err("the path has the character '*'"));
    }
}
