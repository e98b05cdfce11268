//! The version of the package format, and which versions are understood.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A version of the package format. Within a major version, what is there keeps its meaning and readers pass
/// over what they do not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FormatVersion {
    /// Changes when older readers would misunderstand.
    pub major: u32,
    /// Changes when something is added.
    pub minor: u32,
}

/// The version that is written.
pub const CURRENT: FormatVersion = FormatVersion { major: 1, minor: 0 };

impl FormatVersion {
    /// Whether this program understands it.
    pub const fn is_understood(self) -> bool {
        self.major == CURRENT.major
    }
}

impl fmt::Display for FormatVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// A text that is no version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no format version, which is like {CURRENT}")]
pub struct VersionError {
    /// The text as given.
    pub text: String,
}

impl FromStr for FormatVersion {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        let number = |text: &str| {
            let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            plain.then(|| text.parse().ok()).flatten()
        };
        let read = text
            .split_once('.')
            .and_then(|(major, minor)| Some((number(major)?, number(minor)?)));
        read.map(|(major, minor)| Self { major, minor })
            .ok_or_else(|| VersionError {
                text: text.to_owned(),
            })
    }
}

impl Serialize for FormatVersion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for FormatVersion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_two_plain_numbers() {
        let check = |text: &str, expected: Option<(u32, u32)>| {
            let read: Result<FormatVersion, _> = text.parse();
            assert_eq!(
                read.ok().map(|read| (read.major, read.minor)),
                expected,
                "{text}"
            );
        };
        check("1.0", Some((1, 0)));
        check("12.345", Some((12, 345)));
        check("1", None);
        check("1.0.0", None);
        check("+1.0", None);
        check("1.", None);
        check("1.99999999999", None);
    }
}
