//! Values of fields: as texts in the environment, as what they are in a program.

use std::path::PathBuf;
use std::str::FromStr;

/// A type that fields have.
pub(super) trait Value: Sized + Clone {
    /// The value that this text is, or what it should be.
    fn of_text(text: &str) -> Result<Self, &'static str>;

    /// The text that is this value.
    fn text(&self) -> String;
}

macro_rules! numbers {
    ($($number:ty => $expected:literal),* $(,)?) => {
        $(impl Value for $number {
            fn of_text(text: &str) -> Result<Self, &'static str> {
                Self::from_str(text.trim()).map_err(|_| $expected)
            }

            fn text(&self) -> String {
                self.to_string()
            }
        })*
    };
}

numbers! {
    u16 => "a port from 0 to 65535",
    u32 => "a whole number from 0 to 4294967295",
    i32 => "a whole number",
    u64 => "a whole number that is not negative",
}

impl Value for bool {
    fn of_text(text: &str) -> Result<Self, &'static str> {
        match text.trim().to_ascii_lowercase().as_str() {
            "1" | "true" | "yes" | "on" => Ok(true),
            "0" | "false" | "no" | "off" => Ok(false),
            _ => Err("true or false"),
        }
    }

    fn text(&self) -> String {
        self.to_string()
    }
}

impl Value for String {
    fn of_text(text: &str) -> Result<Self, &'static str> {
        Ok(text.to_owned())
    }

    fn text(&self) -> String {
        self.clone()
    }
}

impl Value for PathBuf {
    fn of_text(text: &str) -> Result<Self, &'static str> {
        Ok(text.into())
    }

    fn text(&self) -> String {
        self.display().to_string()
    }
}

/// How much answers over gRPC are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// A little. Levels differ in name only: all of them are gzip as it comes.
    Low,
    /// Somewhat.
    Medium,
    /// A lot.
    High,
}

impl Value for Compression {
    fn of_text(text: &str) -> Result<Self, &'static str> {
        match text.trim().to_ascii_lowercase().as_str() {
            "none" => Ok(Self::None),
            "low" => Ok(Self::Low),
            "medium" => Ok(Self::Medium),
            "high" => Ok(Self::High),
            _ => Err("none, low, medium or high"),
        }
    }

    fn text(&self) -> String {
        let name = match self {
            Self::None => "none",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        };
        name.to_owned()
    }
}

/// How models of a repository come and go. Bound models stay until they are taken away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ModelControl {
    /// They are loaded at the start, and stay.
    #[default]
    None,
    /// Their files are looked at from time to time.
    Poll,
    /// Clients say so.
    Explicit,
}

impl Value for ModelControl {
    fn of_text(text: &str) -> Result<Self, &'static str> {
        match text.trim().to_ascii_lowercase().as_str() {
            "none" => Ok(Self::None),
            "poll" => Ok(Self::Poll),
            "explicit" => Ok(Self::Explicit),
            _ => Err("none, poll or explicit"),
        }
    }

    fn text(&self) -> String {
        let name = match self {
            Self::None => "none",
            Self::Poll => "poll",
            Self::Explicit => "explicit",
        };
        name.to_owned()
    }
}
