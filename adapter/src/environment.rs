//! Every environment variable that programs are told by: nothing else here reads the environment.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use nav_worker::packaged::{Home, HomeError};

/// The folder in which runtimes, models and records are kept, as `nav --cache-folder` has it.
const CACHE_FOLDER: &str = "NAV_CACHE_FOLDER";
/// The file that says who is trusted with what, as `nav --trust-policy` has it.
const TRUST_POLICY: &str = "NAV_TRUST_POLICY";

/// A value that is set to something.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the environment"
)]
pub(crate) fn named(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// The folder in which this user's runtimes, models and records are kept.
pub(crate) fn home() -> Result<Option<Home>, HomeError> {
    match named(CACHE_FOLDER) {
        Some(folder) => Home::at(&PathBuf::from(folder)).map(Some),
        None => Ok(Home::of_user(named("XDG_CACHE_HOME"), named("HOME"))),
    }
}

/// The file that says who is trusted with what.
pub(crate) fn trust_policy() -> Option<PathBuf> {
    named(TRUST_POLICY).map(PathBuf::from)
}

/// Variables, as they were when they were read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    variables: BTreeMap<String, String>,
}

impl Environment {
    /// Those of this process. One that is no text is taken as well as it can be read.
    pub fn of_process() -> Self {
        let variables = std::env::vars_os();
        let text = |text: OsString| text.to_string_lossy().into_owned();
        variables
            .map(|(name, value)| (text(name), text(value)))
            .collect()
    }

    /// The value of this variable, if it is set and not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        let value = self.variables.get(name)?;
        Some(value.as_str()).filter(|value| !value.is_empty())
    }

    /// The names of the variables that begin like this.
    pub fn names<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a str> {
        let names = self.variables.keys().map(String::as_str);
        names.filter(move |name| name.starts_with(prefix))
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        let variables = variables.into_iter();
        Self {
            variables: variables
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        }
    }
}
