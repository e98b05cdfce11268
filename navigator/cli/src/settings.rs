//! What the commands work with: flags over environment over defaults.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::Context;
use nav_navigator::runtime::Source;
use nav_runners::{Libraries, VendorRuntime};

use crate::args::GlobalArgs;
use crate::environment;
use crate::exit::UsageError;

/// The settings that every command shares.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Where vendor libraries are.
    pub(crate) libraries: Libraries,
    /// Where it is recorded what this machine built.
    pub(crate) built_here: Option<PathBuf>,
    /// Whether downloads are forbidden.
    pub(crate) offline: bool,
    /// The Python whose pip fetches runtimes.
    pub(crate) python: PathBuf,
    /// Whether to keep talk to errors.
    pub(crate) quiet: bool,
}

impl Settings {
    /// Reads the environment below what the flags say.
    pub(crate) fn resolve(global: &GlobalArgs) -> anyhow::Result<Self> {
        let offline = environment::value(&environment::OFFLINE).is_some_and(|value| value != "0");
        let cache = global
            .cache_folder
            .clone()
            .or_else(|| environment::value(&environment::CACHE_FOLDER).map(PathBuf::from))
            .or_else(|| environment::user_cache_folder().map(|folder| folder.join("nav")));
        let cache = cache.as_deref().map(absolute).transpose()?;
        let python = environment::value(&environment::PYTHON);
        let mut configured = BTreeMap::new();
        for (name, path) in pairs(&environment::LIBRARIES, &global.library)? {
            let runtime: VendorRuntime = name
                .parse()
                .map_err(|error| UsageError(format!("{error}")))?;
            configured.insert(runtime, path);
        }
        let worker_executables = pairs(&environment::WORKERS, &global.worker)?
            .into_iter()
            .collect();
        Ok(Self {
            libraries: Libraries {
                runtimes_folder: cache.as_ref().map(|cache| cache.join("runtimes")),
                configured,
                worker_executables,
            },
            built_here: cache.map(|cache| cache.join("built")),
            offline: global.offline || offline,
            python: python.map_or_else(|| PathBuf::from("python3"), PathBuf::from),
            quiet: global.quiet,
        })
    }

    /// Where runtimes are fetched from.
    pub(crate) fn source(&self) -> Source {
        Source::Pip {
            python: self.python.clone(),
        }
    }
}

fn absolute(path: &Path) -> anyhow::Result<PathBuf> {
    std::path::absolute(path).with_context(|| format!("cannot resolve {}", path.display()))
}

/// `NAME=PATH` from the environment, then from the flags, so that the flags win.
fn pairs(
    variable: &environment::Variable,
    flags: &[String],
) -> anyhow::Result<Vec<(String, PathBuf)>> {
    let from_environment = environment::value(variable)
        .map(OsString::into_string)
        .transpose();
    let from_environment = from_environment
        .map_err(|_| UsageError(format!("{} is not valid UTF-8", variable.name)))?
        .unwrap_or_default();
    let given = from_environment.split(':').filter(|pair| !pair.is_empty());
    given
        .chain(flags.iter().map(String::as_str))
        .map(|pair| {
            let wrong = || UsageError(format!("`{pair}` is not NAME=PATH"));
            let (name, path) = pair.split_once('=').ok_or_else(wrong)?;
            Ok((name.to_owned(), absolute(Path::new(path))?))
        })
        .collect()
}
