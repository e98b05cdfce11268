//! How a server in the program is set up.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use nav_engine::{Engine, EngineOptions, with_causes};
use nav_serve::{
    Control, LoadFailure, Log, ModelOpener, Repository, RepositoryError, RepositoryOptions, Source,
    Startup,
};

use super::server::Server;
use crate::host::{Host, HostError};
use crate::opening;

/// How long what is under way may take when a server stops.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server in the making.
#[derive(Debug)]
pub struct ServerBuilder {
    options: RepositoryOptions,
    engine: EngineOptions,
    host: Option<Host>,
    opener: Option<Arc<dyn ModelOpener>>,
    log: Log,
    exit_on_error: bool,
    exit_timeout: Duration,
}

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The host cannot be used.
    #[error(transparent)]
    Host(#[from] HostError),
    /// The repository cannot be used.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    /// Models could not be loaded.
    #[error("{}", listed(.0))]
    Models(Vec<(String, LoadFailure)>),
    /// The system gives no threads.
    #[error("cannot start")]
    Start(#[source] std::io::Error),
}

fn listed(failures: &[(String, LoadFailure)]) -> String {
    let failures = failures.iter().map(|(_, failure)| with_causes(failure));
    failures.collect::<Vec<_>>().join("; ")
}

impl Default for ServerBuilder {
    fn default() -> Self {
        Self {
            options: RepositoryOptions::default(),
            engine: EngineOptions::default(),
            host: None,
            opener: None,
            log: Log::silent(),
            exit_on_error: true,
            exit_timeout: PATIENCE,
        }
    }
}

impl ServerBuilder {
    /// The same with the models of one more repository: a folder with a folder for each model, and packages.
    #[must_use]
    pub fn model_repository(mut self, folder: impl AsRef<Path>) -> Self {
        let folder = folder.as_ref().to_owned();
        self.options.sources.push(Source::Folder(folder));
        self
    }

    /// The same with one more model: a package, or an ONNX file.
    #[must_use]
    pub fn model(mut self, name: impl Into<String>, path: impl AsRef<Path>) -> Self {
        let (name, path) = (name.into(), path.as_ref().to_owned());
        self.options.sources.push(Source::File { name, path });
        self
    }

    /// The same with models that come and go like this; without it, they are those of the start and those that the
    /// program loads.
    #[must_use]
    pub const fn model_control(mut self, control: Control) -> Self {
        self.options.control = control;
        self
    }

    /// The same, loading this model at the start, and others that are named, instead of all.
    #[must_use]
    pub fn startup_model(mut self, name: impl Into<String>) -> Self {
        match &mut self.options.startup {
            Startup::Named(names) => names.push(name.into()),
            Startup::All => self.options.startup = Startup::Named(vec![name.into()]),
        }
        self
    }

    /// The same, loading nothing at the start but files that were given as such.
    #[must_use]
    pub fn no_startup_models(mut self) -> Self {
        self.options.startup = Startup::Named(Vec::new());
        self
    }

    /// The same, being ready or not while a model that should be served is not.
    #[must_use]
    pub const fn strict_readiness(mut self, strict: bool) -> Self {
        self.options.strict_readiness = strict;
        self
    }

    /// The same, starting or not when a model cannot be loaded. It does not by default.
    #[must_use]
    pub const fn exit_on_error(mut self, exit: bool) -> Self {
        self.exit_on_error = exit;
        self
    }

    /// The same, giving so much time to what is under way when it stops.
    #[must_use]
    pub const fn exit_timeout(mut self, timeout: Duration) -> Self {
        self.exit_timeout = timeout;
        self
    }

    /// The same, keeping responses of so many bytes for requests that are the same.
    #[must_use]
    pub const fn response_cache(mut self, bytes: usize) -> Self {
        self.engine.cache_bytes = bytes;
        self
    }

    /// The same with other limits of what is under way.
    #[must_use]
    pub const fn limits(mut self, max_requests: usize, max_bytes: usize) -> Self {
        self.engine.max_requests = max_requests;
        self.engine.max_bytes = max_bytes;
        self
    }

    /// The same, telling events to this log.
    #[must_use]
    pub fn log(mut self, log: &Log) -> Self {
        self.log = log.clone();
        self
    }

    /// The same with models that run on this host, instead of as the environment has it.
    #[must_use]
    pub fn host(mut self, host: Host) -> Self {
        self.host = Some(host);
        self
    }

    /// The same with models that are opened by something else.
    #[must_use]
    pub fn opener(mut self, opener: Arc<dyn ModelOpener>) -> Self {
        self.opener = Some(opener);
        self
    }

    /// Loads what is to be loaded. Blocks until it is served.
    pub fn start(self) -> Result<Server, StartError> {
        let mut options = self.options;
        let settled = options.sources.into_iter().map(Source::settled);
        let settled = settled.collect::<Result<_, _>>();
        options.sources = settled.map_err(RepositoryError::from)?;
        let engine = Engine::new(self.engine).map_err(StartError::Start)?;
        let told = (&self.log, options);
        let repository = match self.opener {
            Some(opener) => Repository::new(engine, opener, told)?,
            None => opening::repository::<StartError>(self.host, engine, told)?,
        };
        let server = Server::new(repository, self.exit_timeout);
        let failures = server.repository().start()?;
        if self.exit_on_error && !failures.is_empty() {
            return Err(StartError::Models(failures));
        }
        Ok(server)
    }
}
