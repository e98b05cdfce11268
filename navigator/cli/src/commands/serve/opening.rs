//! Models of a repository, opened where `nav infer` opens them, and with the same rules of trust.

use std::error::Error;
use std::path::Path;

use anyhow::anyhow;
use nav_adapter::opening::{FileWish, FindModels};
use nav_runners::RunnerHandle;
use nav_serve::OpenError;
use nav_worker::packaged::Prepared;

use crate::models::{self, Wish};
use crate::printer::Printer;
use crate::settings::Settings;
use crate::strategy::StrategyArgs;
use crate::trust::TrustArgs;

/// Finds models where `nav infer` does, and with the same rules of trust.
#[derive(Debug)]
pub(super) struct Typed {
    pub(super) strategy: StrategyArgs,
    pub(super) trust: TrustArgs,
    pub(super) settings: Settings,
    pub(super) printer: Printer,
    pub(super) isolate: bool,
}

impl FindModels for Typed {
    fn file(&self, wish: &FileWish<'_>) -> Result<RunnerHandle, Box<dyn Error + Send + Sync>> {
        let threads = wish.threads.map(|count| format!("intra_threads={count}"));
        let settings: Vec<String> = threads.into_iter().collect();
        let asked = Wish {
            runner: wish.runner,
            device: wish.device,
            settings: &settings,
            ..self.wish()
        };
        let opened = models::open_file(wish.path, asked, &self.settings, self.printer);
        opened.map(|(handle, _)| handle).map_err(boxed)
    }

    fn package(&self, path: &Path) -> Result<Prepared, Box<dyn Error + Send + Sync>> {
        let around = (&self.settings, self.printer);
        models::open_package(path, self.wish(), around).map_err(boxed)
    }
}

impl Typed {
    const fn wish(&self) -> Wish<'_> {
        Wish {
            strategy: &self.strategy,
            trust: &self.trust,
            runner: None,
            device: None,
            settings: &[],
            isolate: self.isolate,
        }
    }
}

/// As it is, so that whoever ends for it ends with its exit code.
fn boxed(error: anyhow::Error) -> Box<dyn Error + Send + Sync> {
    error.reallocate_into_boxed_dyn_error_without_backtrace()
}

/// Why a model could not be opened, as it was before it went through the server.
pub(super) fn cause(failure: nav_serve::LoadFailure) -> anyhow::Error {
    use nav_serve::{LoadFailure, VersionFailure};
    match failure {
        LoadFailure::Version { source, .. } => match source {
            VersionFailure::Open(OpenError(error)) => anyhow::Error::from_boxed(error),
            VersionFailure::Engine(error) => error.into(),
            other => anyhow!(other),
        },
        other => anyhow!(other),
    }
}
