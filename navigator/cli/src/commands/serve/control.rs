//! Which models are served and how they come and go, as it is typed.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use clap::{ArgAction, Args, ValueEnum};
use nav_serve::{Control, RepositoryOptions, Source, Startup};
use nav_worker::packaged::Home;

use crate::exit::UsageError;
use crate::settings::Settings;

/// Every model, where names are asked for.
const EVERY: &str = "*";

/// The arguments about models that come and go.
#[derive(Args, Debug)]
pub(crate) struct ControlArgs {
    /// How models come and go: as they are at the start, as their files change, or as clients load and unload them,
    /// which also takes --allow-management or --access-token-file.
    #[arg(long, default_value = "none", value_name = "MODE")]
    model_control_mode: Mode,
    /// A model of a repository to load at the start when clients load the others; `*` for all. Files that are given as
    /// such are loaded in any case.
    #[arg(long, value_name = "NAME")]
    load_model: Vec<String>,
    /// How often to look for files that changed, in seconds.
    #[arg(long, default_value_t = 15, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    repository_poll_secs: u64,
    /// Whether the server is not ready while a model that should be served is not, in any version.
    #[arg(long, default_value_t = true, action = ArgAction::Set, value_name = "BOOLEAN")]
    strict_readiness: bool,
}

/// How models come and go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// They are loaded at the start, and stay.
    None,
    /// What changes is loaded.
    Poll,
    /// Clients say so.
    Explicit,
}

impl ControlArgs {
    /// Whether clients load and unload models.
    pub(super) fn is_explicit(&self) -> bool {
        self.model_control_mode == Mode::Explicit
    }

    /// What they come to, for these paths.
    pub(super) fn options(
        &self,
        paths: &[PathBuf],
        name: Option<&str>,
        settings: &Settings,
    ) -> anyhow::Result<RepositoryOptions> {
        if !self.load_model.is_empty() && !self.is_explicit() {
            let text = "--load-model is for --model-control-mode explicit: otherwise every model is loaded";
            return Err(UsageError(text.to_owned()).into());
        }
        let is_every = self.load_model.iter().any(|name| name == EVERY);
        if is_every && self.load_model.len() > 1 {
            let text = "--load-model '*' loads every model, and stands alone";
            return Err(UsageError(text.to_owned()).into());
        }
        let may_be_empty = self.model_control_mode != Mode::None;
        let sources = paths.iter().map(|path| source(path, name, may_be_empty));
        Ok(RepositoryOptions {
            sources: sources.collect::<anyhow::Result<_>>()?,
            control: match self.model_control_mode {
                Mode::None => Control::None,
                Mode::Poll => Control::Poll(Duration::from_secs(self.repository_poll_secs)),
                Mode::Explicit => Control::Explicit,
            },
            startup: if is_every || !self.is_explicit() {
                Startup::All
            } else {
                Startup::Named(self.load_model.clone())
            },
            strict_readiness: self.strict_readiness,
            scratch: settings.home.as_ref().map(Home::uploads),
            ..RepositoryOptions::default()
        })
    }
}

/// What a path stands for: a folder of models and packages, or a model.
fn source(path: &Path, name: Option<&str>, may_be_empty: bool) -> anyhow::Result<Source> {
    if path.is_dir() {
        if name.is_some() {
            let text = format!(
                "--model-name names one file, and {} is a folder",
                path.display()
            );
            return Err(UsageError(text).into());
        }
        if !may_be_empty && !Source::is_filled(path) {
            anyhow::bail!("{} holds no packages and no models", path.display());
        }
        return Ok(Source::Folder(path.to_owned()).settled()?);
    }
    let stem = path.file_stem().and_then(|stem| stem.to_str());
    let name = name.or(stem).map(str::to_owned);
    let name = name.with_context(|| format!("{} has no name", path.display()))?;
    Ok(Source::File {
        name,
        path: path.to_owned(),
    })
}
