//! Who wrote a package.

use std::fmt;

use super::super::manifest::FormatVersion;

/// Who wrote a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// This program, or one like it.
    Nav {
        /// The format of the package.
        format: FormatVersion,
    },
    /// Model Navigator. Its packages hold no digests of their files.
    ModelNavigator {
        /// Its version, if it told.
        version: Option<String>,
        /// The format of the package.
        format: String,
    },
}

impl Origin {
    /// The format of the package, in its writer's terms.
    pub fn format(&self) -> String {
        match self {
            Self::Nav { format } => format.to_string(),
            Self::ModelNavigator { format, .. } => format.clone(),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nav { .. } => f.write_str("nav"),
            Self::ModelNavigator { version, .. } => {
                let version = version.as_deref().unwrap_or("of an unknown version");
                write!(f, "Model Navigator {version}")
            }
        }
    }
}
