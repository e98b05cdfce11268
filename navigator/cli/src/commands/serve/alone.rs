//! One model opened as `nav serve` opens it, in an engine without a server around it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use nav_adapter::opening::{Instead, Opener};
use nav_engine::{Engine, EngineOptions, Model};
use nav_serve::{Log, Repository, RepositoryOptions, Source};
use nav_worker::packaged::Home;

use super::opening::Typed;
use super::start;
use crate::printer::Printer;
use crate::settings::Settings;
use crate::strategy::StrategyArgs;
use crate::trust::TrustArgs;

/// How it is opened and run.
#[derive(Debug)]
pub(crate) struct Manner {
    pub(crate) strategy: StrategyArgs,
    pub(crate) trust: TrustArgs,
    pub(crate) isolate: bool,
    pub(crate) instances: Option<u16>,
    pub(crate) max_batch: Option<usize>,
    pub(crate) queue_delay: Option<u64>,
}

/// A model that runs, with what it runs in.
#[derive(Debug)]
pub(crate) struct Alone {
    pub(crate) engine: Engine,
    pub(crate) model: Arc<Model>,
}

/// Opens the model or package at this path.
pub(crate) fn open(
    path: &Path,
    manner: Manner,
    (settings, printer): (&Settings, Printer),
) -> anyhow::Result<Alone> {
    let models = Typed {
        strategy: manner.strategy,
        trust: manner.trust,
        settings: settings.clone(),
        printer,
        isolate: manner.isolate,
    };
    let opener = Opener::new(models).serving(Instead {
        instances: manner.instances.map(usize::from),
        max_batch: manner.max_batch,
        queue_delay: manner.queue_delay.map(Duration::from_micros),
        cache: false,
    });
    // Its own name may be one that clients cannot say, and nobody needs to.
    let name = "model".to_owned();
    let options = RepositoryOptions {
        sources: vec![Source::File {
            name: name.clone(),
            path: path.to_owned(),
        }],
        scratch: settings.home.as_ref().map(Home::uploads),
        ..RepositoryOptions::default()
    };
    let engine = Engine::new(EngineOptions::default())?;
    let log = Log::silent();
    let repository = Repository::new(engine.clone(), Arc::new(opener), (&log, options))?;
    start(&repository)?;
    let model = engine.model(&name, None)?;
    Ok(Alone { engine, model })
}
