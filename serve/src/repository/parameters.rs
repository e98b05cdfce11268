//! What a request to load or unload a model says beside its name.

use std::collections::BTreeMap;
use std::path::Path;

use bytes::Bytes;

use super::config::plain_name;
use super::source::version_of;

/// How a parameter with a file begins.
const FILE: &str = "file:";
/// The most files.
const MOST_FILES: usize = 1024;
/// The longest path of a file.
const LONGEST: usize = 1024;
/// How deep a file may lie.
const MOST_DEPTH: usize = 8;

/// What is to be loaded instead of what is in the repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadParameters {
    config: Option<String>,
    files: BTreeMap<(u64, String), Bytes>,
}

/// The value of a parameter, as protocols have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParameterValue {
    /// A text.
    Text(String),
    /// Bytes. Where a protocol has none, they are a text in base64.
    Bytes(Bytes),
    /// A truth value.
    Bool(bool),
    /// Anything else.
    Other,
}

/// How a model is to be unloaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UnloadParameters {
    /// Whether those models go too that only this one asks.
    pub dependents: bool,
}

/// Why a parameter is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("parameter '{name}': {reason}")]
pub struct ParameterError {
    /// Which one.
    pub name: String,
    /// What is wrong with it.
    pub reason: String,
}

impl UnloadParameters {
    /// Takes a parameter under the name that requests give it: `unload_dependents`.
    pub fn set(&mut self, name: &str, value: &ParameterValue) -> Result<(), ParameterError> {
        let reason = match (name, value) {
            ("unload_dependents", ParameterValue::Bool(dependents)) => {
                self.dependents = *dependents;
                return Ok(());
            }
            ("unload_dependents", _) => "it must be a truth value",
            _ => "there is no such parameter",
        };
        Err(ParameterError {
            name: name.to_owned(),
            reason: reason.to_owned(),
        })
    }
}

impl LoadParameters {
    /// The same with this configuration, in JSON, instead of that in the repository.
    #[must_use]
    pub fn with_config(mut self, json: impl Into<String>) -> Self {
        self.config = Some(json.into());
        self
    }

    /// Takes a parameter under the name that requests give it: `config`, or `file:<version>/<path>`.
    pub fn set(&mut self, name: &str, value: ParameterValue) -> Result<(), ParameterError> {
        let refuse = |reason: &str| {
            Err(ParameterError {
                name: name.to_owned(),
                reason: reason.to_owned(),
            })
        };
        let is_new = match (name.strip_prefix(FILE), value) {
            (None, ParameterValue::Text(text)) if name == "config" => {
                self.config.replace(text).is_none()
            }
            (None, _) if name == "config" => return refuse("it must be a text in JSON"),
            (None, _) => return refuse("there is no such parameter"),
            (Some(path), ParameterValue::Bytes(bytes)) => {
                let Some(key) = file_of(path) else {
                    return refuse("it must name a file below the folder of a version");
                };
                if self.files.len() >= MOST_FILES {
                    return refuse("there are too many files");
                }
                self.files.insert(key, bytes).is_none()
            }
            (Some(_), _) => return refuse("it must be the content of a file"),
        };
        if is_new {
            return Ok(());
        }
        refuse("it is given twice")
    }

    pub(super) fn config(&self) -> Option<&str> {
        self.config.as_deref()
    }

    /// Content by version and path.
    pub(super) const fn files(&self) -> &BTreeMap<(u64, String), Bytes> {
        &self.files
    }

    /// Whether the repository is to be loaded as it is.
    pub(super) fn is_empty(&self) -> bool {
        self.config.is_none() && self.files.is_empty()
    }
}

/// Whether a parameter of this name holds a file.
pub(crate) fn is_file(name: &str) -> bool {
    name.starts_with(FILE)
}

fn file_of(path: &str) -> Option<(u64, String)> {
    let (version, path) = path.split_once('/')?;
    let version = version_of(version)?;
    let is_bounded = path.len() <= LONGEST && Path::new(path).components().count() <= MOST_DEPTH;
    (is_bounded && plain_name(path)).then(|| (version, path.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_lie_below_the_folder_of_a_version() {
        let check = |name: &str, expected: Option<&str>| {
            let mut parameters = LoadParameters::default();
            let set = parameters.set(name, ParameterValue::Bytes(Bytes::new()));
            let reason = set.err().map(|error| error.reason);
            assert_eq!(reason.as_deref(), expected, "{name}");
        };
        check("file:1/model.onnx", None);
        check("file:12/weights/a.bin", None);
        let outside = Some("it must name a file below the folder of a version");
        for name in [
            "file:",
            "file:1",
            "file:1/",
            "file:/1/a",
            "file:0/a",
            "file:01/a",
            "file:x/a",
            "file:1/../../a",
            "file:1//etc/passwd",
            "file:1/a/../../b",
            "file:../1/a",
            "file:1/a\\b",
            "file:1/a\0b",
            "file:1/.",
            "file:-1/a",
        ] {
            check(name, outside);
        }
        check(&format!("file:1/{}", "a/".repeat(8) + "b"), outside);
        check(&format!("file:1/{}", "a".repeat(2000)), outside);
        check("config", Some("it must be a text in JSON"));
        check("x", Some("there is no such parameter"));
    }

    #[test]
    fn each_is_given_once_and_in_its_own_form() {
        let mut parameters = LoadParameters::default();
        let text = || ParameterValue::Text("{}".to_owned());
        parameters.set("config", text()).unwrap();
        assert_eq!(parameters.config(), Some("{}"));
        let error = parameters.set("config", text()).unwrap_err();
        assert_eq!(error.to_string(), "parameter 'config': it is given twice");
        assert!(parameters.set("file:1/a", text()).is_err());
        assert!(parameters.set("config", ParameterValue::Other).is_err());
        let mut parameters = UnloadParameters::default();
        let yes = ParameterValue::Bool(true);
        parameters.set("unload_dependents", &yes).unwrap();
        assert!(parameters.dependents);
        assert!(parameters.set("unload_dependents", &text()).is_err());
        assert!(parameters.set("config", &yes).is_err());
    }
}
