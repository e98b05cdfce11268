//! What the commands work with, from options that were typed or configured.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context;
use nav_navigator::runtime::Source;
use nav_package_format::cache::Cache;
use nav_runners::{Libraries, VendorRuntime};
use nav_worker::packaged::{Home, HomeError};

use crate::args::GlobalArgs;
use crate::environment;
use crate::exit::UsageError;

/// The settings that every command shares.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Where vendor libraries are.
    pub(crate) libraries: Libraries,
    /// Where runtimes and caches are kept.
    pub(crate) home: Option<Home>,
    /// Whether downloads are forbidden.
    pub(crate) offline: bool,
    /// The Python whose pip fetches runtimes.
    pub(crate) python: PathBuf,
    /// Whether to keep talk to errors.
    pub(crate) quiet: bool,
}

impl Settings {
    /// What the options say, and defaults that depend on the user.
    pub(crate) fn resolve(global: &GlobalArgs) -> anyhow::Result<Self> {
        let home = match &global.cache_folder {
            Some(folder) => Some(Home::at(folder)?),
            None => environment::user_home(),
        };
        let python = environment::value(&environment::PYTHON);
        let mut configured = BTreeMap::new();
        for (name, path) in pairs(&global.library)? {
            let runtime: VendorRuntime = name
                .parse()
                .map_err(|error| UsageError(format!("{error}")))?;
            configured.insert(runtime, path);
        }
        let worker_executables = pairs(&global.worker)?.into_iter().collect();
        Ok(Self {
            libraries: Libraries {
                configured,
                worker_executables,
                ..home.as_ref().map(Home::libraries).unwrap_or_default()
            },
            offline: global.offline,
            python: python.map_or_else(|| PathBuf::from("python3"), PathBuf::from),
            quiet: global.quiet,
            home,
        })
    }

    /// The cache that models are extracted to.
    pub(crate) fn models(&self) -> anyhow::Result<Cache> {
        let home = self.home.as_ref();
        let home = home.context("there is no folder for caches: name one with --cache-folder")?;
        match home.models() {
            // Its own cause decides how the program ends.
            Err(HomeError::Cache(error)) => Err(error.into()),
            opened => Ok(opened?),
        }
    }

    /// Where it is recorded what this machine built.
    pub(crate) fn built_here(&self) -> Option<PathBuf> {
        self.home.as_ref().map(Home::built_here)
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

/// `NAME=PATH`, several times.
fn pairs(flags: &[String]) -> anyhow::Result<Vec<(String, PathBuf)>> {
    flags
        .iter()
        .map(|pair| {
            let wrong = || UsageError(format!("`{pair}` is not NAME=PATH"));
            let (name, path) = pair.split_once('=').ok_or_else(wrong)?;
            Ok((name.to_owned(), absolute(Path::new(path))?))
        })
        .collect()
}
