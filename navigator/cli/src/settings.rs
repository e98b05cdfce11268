//! What the commands work with, from options that were typed or configured.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context;
use nav_navigator::runtime::Source;
use nav_package_format::cache::Cache;
use nav_runners::{Libraries, VendorRuntime};

use crate::args::GlobalArgs;
use crate::environment;
use crate::exit::UsageError;

/// The settings that every command shares.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Where vendor libraries are.
    pub(crate) libraries: Libraries,
    /// Where runtimes and caches are kept.
    pub(crate) cache: Option<PathBuf>,
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
    /// What the options say, and defaults that depend on the user.
    pub(crate) fn resolve(global: &GlobalArgs) -> anyhow::Result<Self> {
        let cache = global
            .cache_folder
            .clone()
            .or_else(|| environment::user_cache_folder().map(|folder| folder.join("nav")));
        let cache = cache.as_deref().map(absolute).transpose()?;
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
                runtimes_folder: cache.as_ref().map(|cache| cache.join("runtimes")),
                configured,
                worker_executables,
            },
            built_here: cache.as_ref().map(|cache| cache.join("built")),
            offline: global.offline,
            python: python.map_or_else(|| PathBuf::from("python3"), PathBuf::from),
            quiet: global.quiet,
            cache,
        })
    }

    /// The cache that models are extracted to.
    pub(crate) fn models(&self) -> anyhow::Result<Cache> {
        let folder = self.cache.as_deref();
        let folder =
            folder.context("there is no folder for caches: name one with --cache-folder")?;
        let failed = || format!("cannot create {}", folder.display());
        std::fs::create_dir_all(folder).with_context(failed)?;
        Ok(Cache::open(&folder.join("models"))?)
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
