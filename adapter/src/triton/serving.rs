//! A server and the models that are bound to it, through its life: stopped, running, stopped again.

use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};

use nav_engine::{Engine, ModelError, with_causes};
use nav_serve::{Ended, Level, Log, ReadinessProbe, Repository, ServeError, Server, Stopper};

use super::binding::{BindOptions, Bound};
use super::config::TritonConfig;
use super::error::TritonError;
use super::log_file::{Sink, log};
use super::options::{Settled, settled};
use super::security::TritonSecurityConfig;
use crate::callable::Fatal;
use crate::config::{ModelFault, Tensor};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::host::Host;
use crate::infer_func::InferFunc;
use crate::opening;

/// A server, and the models that are bound to it. It stops when this is dropped.
#[derive(Debug)]
pub struct Triton {
    inner: Arc<Inner>,
}

/// A server to be.
pub struct TritonBuilder {
    config: TritonConfig,
    security: TritonSecurityConfig,
    environment: Option<Environment>,
    host: Option<Host>,
    sink: Option<Sink>,
}

#[derive(Debug)]
struct Inner {
    settled: Settled,
    token: String,
    log: Log,
    host: Option<Host>,
    /// Held while models are loaded, so that each is loaded once.
    bound: Mutex<Vec<Arc<Bound>>>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    running: Option<Running>,
    /// How it ended, for whoever asks first.
    outcome: Option<Result<(), TritonError>>,
    /// What a model said that cannot go on.
    fatal: Option<(Arc<str>, Arc<str>)>,
}

#[derive(Debug)]
struct Running {
    engine: Engine,
    readiness: ReadinessProbe,
    stopper: Stopper,
    addresses: Addresses,
}

#[derive(Clone, Copy, Debug, Default)]
struct Addresses {
    http: Option<SocketAddr>,
    grpc: Option<SocketAddr>,
    metrics: Option<SocketAddr>,
}

impl TritonBuilder {
    /// The same, with this who may manage the server.
    #[must_use]
    pub fn security(mut self, security: TritonSecurityConfig) -> Self {
        self.security = security;
        self
    }

    /// The same, with lines of the log given to this, unless they go to a file.
    #[must_use]
    pub fn log(mut self, sink: impl FnMut(&str) + Send + 'static) -> Self {
        self.sink = Some(Box::new(sink));
        self
    }

    /// The same, with these variables instead of those of the process.
    #[must_use]
    pub fn environment(mut self, environment: Environment) -> Self {
        self.environment = Some(environment);
        self
    }

    /// The same, with this for running the models of a repository.
    #[must_use]
    pub fn host(mut self, host: Host) -> Self {
        self.host = Some(host);
        self
    }

    /// The server, which does not run yet.
    pub fn build(self) -> Result<Triton, TritonError> {
        let environment = self.environment.unwrap_or_else(Environment::of_process);
        let config = self.config.with_environment(&environment)?;
        let token = self.security.token()?;
        let settled = settled(&config, &self.security.policy(&token)?)?;
        let verbose = config.log_verbose.unwrap_or(0);
        let log = log(config.log_file.as_deref(), self.sink, verbose)?;
        for name in TritonConfig::unknown(&environment) {
            log.event(Level::Warning, "no such setting", &[("variable", name)]);
        }
        for (field, why) in &settled.unhonoured {
            let fields = [("setting", field.clone()), ("why", why.clone())];
            log.event(Level::Warning, "setting has no effect", &fields);
        }
        let inner = Inner {
            settled,
            token,
            log,
            host: self.host,
            bound: Mutex::default(),
            state: Mutex::default(),
            changed: Condvar::new(),
        };
        Ok(Triton {
            inner: Arc::new(inner),
        })
    }
}

impl std::fmt::Debug for TritonBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TritonBuilder")
            .field("config", &self.config)
            .field("security", &self.security)
            .finish_non_exhaustive()
    }
}

impl Triton {
    /// A server set up like this, and by the environment where nothing is said. It does not run yet.
    pub fn new(config: TritonConfig) -> Result<Self, TritonError> {
        Self::builder(config).build()
    }

    /// A server set up like this, of which there is more to say.
    pub fn builder(config: TritonConfig) -> TritonBuilder {
        TritonBuilder {
            config,
            security: TritonSecurityConfig::default(),
            environment: None,
            host: None,
            sink: None,
        }
    }

    /// Binds a model: what runs it, what it takes, what it gives, and how it is served. A server that runs serves it when
    /// this returns.
    #[expect(
        clippy::too_many_arguments,
        reason = "these are the five things that make a model, in the order in which their users know them"
    )]
    pub fn bind(
        &self,
        name: &str,
        infer_func: impl Into<InferFunc>,
        inputs: impl Into<Vec<Tensor>>,
        outputs: impl Into<Vec<Tensor>>,
        options: impl Into<BindOptions>,
    ) -> Result<(), TritonError> {
        let refuse = |fault| TritonError::Bind {
            model: name.to_owned(),
            fault,
        };
        let tensors = (inputs.into(), outputs.into());
        let model = Bound::new(name, infer_func.into(), tensors, options.into());
        let model = Arc::new(model.map_err(refuse)?);
        if model.is_cached() && self.inner.settled.engine.cache_bytes == 0 {
            let reason = "the server keeps no responses; see `response_cache_byte_size`";
            return Err(refuse(ModelFault::new("response_cache", reason)));
        }
        let mut bound = self.inner.bound();
        let is_same = |other: &Arc<Bound>| {
            other.version == model.version && other.name.eq_ignore_ascii_case(name)
        };
        if bound.iter().any(is_same) {
            return Err(TritonError::Twice {
                model: name.to_owned(),
                version: model.version,
            });
        }
        let engine = self.engine();
        if let Some(engine) = engine {
            self.inner.load(&engine, &model)?;
        }
        bound.push(model);
        Ok(())
    }

    /// Runs the server in the background, and returns when it serves every model. Does nothing when it runs.
    pub fn run(&self) -> Result<(), TritonError> {
        let bound = self.inner.bound();
        if self.engine().is_some() {
            return Ok(());
        }
        {
            // What an earlier life ended with is over.
            let mut state = self.inner.state();
            *state = State::default();
        }
        let engine = Engine::new(self.inner.settled.engine)?;
        let started = self.inner.start(&engine, &bound);
        if started.is_err() {
            engine.begin_drain();
        }
        started
    }

    /// Runs the server until it is stopped, by a signal that ends programs or by [`Triton::stop`].
    pub fn serve(&self) -> Result<(), TritonError> {
        self.run()?;
        let stopper = self
            .inner
            .state()
            .running
            .as_ref()
            .map(|it| it.stopper.clone());
        if let Some(stopper) = stopper {
            stopper.watch_signals()?;
        }
        self.inner.wait()
    }

    /// Stops the server: it is not ready any more, answers what it has, and ends when that is done or its time is over.
    /// Tells how it ended, unless somebody was told before. Does nothing when it does not run.
    pub fn stop(&self) -> Result<(), TritonError> {
        if let Some(running) = &self.inner.state().running {
            running.stopper.stop();
        }
        self.inner.wait()
    }

    /// Whether it runs.
    pub fn is_alive(&self) -> bool {
        self.inner.state().running.is_some()
    }

    /// Whether it runs and is ready, as its clients are told: while all of its models are well and those of its repository
    /// are served, unless that was not to matter.
    pub fn is_ready(&self) -> bool {
        let state = self.inner.state();
        let readiness = state.running.as_ref().map(|it| it.readiness.clone());
        drop(state);
        readiness.is_some_and(|it| it.is_ready())
    }

    /// What its models can be asked with in this program, while it runs.
    pub fn engine(&self) -> Option<Engine> {
        let state = self.inner.state();
        Some(state.running.as_ref()?.engine.clone())
    }

    /// Where it answers over HTTP, while it does.
    pub fn http_address(&self) -> Option<SocketAddr> {
        self.inner.addresses().http
    }

    /// Where it answers over gRPC, while it does.
    pub fn grpc_address(&self) -> Option<SocketAddr> {
        self.inner.addresses().grpc
    }

    /// Where it gives metrics, while it does.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.inner.addresses().metrics
    }

    /// What clients send as `triton-access-token` to use what is restricted.
    pub fn access_token(&self) -> &str {
        &self.inner.token
    }
}

impl Drop for Triton {
    fn drop(&mut self) {
        // There is nobody to tell how it ended.
        drop(self.stop());
        self.inner.log.finish();
    }
}

impl Inner {
    fn bound(&self) -> MutexGuard<'_, Vec<Arc<Bound>>> {
        self.bound.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn addresses(&self) -> Addresses {
        let state = self.state();
        state
            .running
            .as_ref()
            .map(|it| it.addresses)
            .unwrap_or_default()
    }

    /// Waits until the server has ended; how it did.
    fn wait(&self) -> Result<(), TritonError> {
        let mut state = self.state();
        while state.running.is_some() {
            let waited = self.changed.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
        state.outcome.take().unwrap_or(Ok(()))
    }

    /// Loads everything, binds the sockets, and answers.
    fn start(self: &Arc<Self>, engine: &Engine, bound: &[Arc<Bound>]) -> Result<(), TritonError> {
        let repository = self.repository(engine)?;
        for model in bound {
            match self.load(engine, model) {
                Err(error) if !self.settled.exits_on_error => {
                    self.tell_failed(&model.name, with_causes(&error));
                }
                loaded => loaded?,
            }
        }
        let options = self.settled.server.clone();
        let server = match repository {
            Some(repository) => Server::bind_repository(repository, &self.log, options)?,
            None => Server::bind(engine.clone(), &self.log, options)?,
        };
        let running = Running {
            engine: engine.clone(),
            readiness: server.readiness(),
            stopper: server.stopper(),
            addresses: Addresses {
                http: server.http_address()?,
                grpc: server.grpc_address()?,
                metrics: server.metrics_address()?,
            },
        };
        self.run(server, running)
    }

    /// Lets the server answer on a thread of its own.
    fn run(self: &Arc<Self>, server: Server, running: Running) -> Result<(), TritonError> {
        let (sender, started) = mpsc::channel();
        let (addresses, stopper) = (running.addresses, running.stopper.clone());
        self.state().running = Some(running);
        let own = Arc::clone(self);
        let thread = std::thread::Builder::new().name("triton".to_owned());
        let spawned = thread.spawn(move || {
            // Whoever waits is told by what is not sent, too.
            let ended = server.run(|| {
                sender.send(()).ok();
            });
            own.finish(ended);
        });
        if let Err(error) = spawned {
            self.state().running = None;
            return Err(error.into());
        }
        if started.recv().is_err() {
            return self.wait();
        }
        let told =
            |address: Option<SocketAddr>| address.map(|it| it.to_string()).unwrap_or_default();
        let fields = [
            ("http", told(addresses.http)),
            ("grpc", told(addresses.grpc)),
            ("metrics", told(addresses.metrics)),
        ];
        self.log.event(Level::Info, "ready", &fields);
        if self.state().fatal.is_some() {
            stopper.stop();
        }
        Ok(())
    }

    /// Notes how the server ended.
    fn finish(&self, ended: Result<Ended, ServeError>) {
        let mut state = self.state();
        let outcome = match (state.fatal.take(), ended) {
            (Some((model, reason)), _) => Err(TritonError::Unrecoverable { model, reason }),
            (None, Ok(Ended::Drained)) => Ok(()),
            (None, Ok(Ended::Late)) => {
                let fields = [("unanswered", "some requests".to_owned())];
                self.log.event(Level::Warning, "stopped", &fields);
                Ok(())
            }
            (None, Ok(Ended::Unready)) => Err(TritonError::Unready),
            (None, Ok(Ended::AtOnce)) => Err(TritonError::AtOnce),
            (None, Err(error)) => Err(error.into()),
        };
        state.outcome = Some(outcome);
        state.running = None;
        drop(state);
        self.changed.notify_all();
    }

    /// The models of the repository, loaded.
    fn repository(&self, engine: &Engine) -> Result<Option<Repository>, TritonError> {
        let Some(options) = &self.settled.repository else {
            return Ok(None);
        };
        let told = (&self.log, options.clone());
        let repository =
            opening::repository::<TritonError>(self.host.clone(), engine.clone(), told)?;
        for (model, failure) in repository.start()? {
            let reason = with_causes(&failure);
            if self.settled.exits_on_error {
                return Err(TritonError::Stored { model, reason });
            }
            self.tell_failed(&model, reason);
        }
        Ok(Some(repository))
    }

    fn tell_failed(&self, model: &str, why: String) {
        let fields = [("model", model.to_owned()), ("why", why)];
        self.log.event(Level::Error, "not loaded", &fields);
    }

    /// Serves a model.
    fn load(self: &Arc<Self>, engine: &Engine, model: &Bound) -> Result<(), TritonError> {
        let (name, version) = (&model.name, model.version);
        if engine.model(name, Some(version)).is_ok() {
            return Err(TritonError::Twice {
                model: name.as_ref().to_owned(),
                version,
            });
        }
        let loaded = engine.load(name, version, model.spec(self.fatal(name)));
        loaded.map_err(|source: ModelError| TritonError::Load {
            model: name.as_ref().to_owned(),
            source,
        })?;
        let fields = [
            ("model", name.as_ref().to_owned()),
            ("version", version.to_string()),
        ];
        self.log.event(Level::Info, "loaded", &fields);
        Ok(())
    }

    /// What is done when a model says that nothing will go right any more: the server ends, once everything is answered.
    fn fatal(self: &Arc<Self>, model: &Arc<str>) -> Fatal {
        // The server may be gone by then.
        let inner = Arc::downgrade(self);
        let model = Arc::clone(model);
        Arc::new(move |failure: &Failure| {
            let Some(inner) = inner.upgrade() else {
                return;
            };
            let fields = [
                ("model", model.as_ref().to_owned()),
                ("why", failure.message().to_owned()),
            ];
            inner.log.event(Level::Error, "cannot go on", &fields);
            let mut state = inner.state();
            let reason = failure.message().into();
            state
                .fatal
                .get_or_insert_with(|| (Arc::clone(&model), reason));
            if let Some(running) = &state.running {
                running.stopper.stop();
            }
        })
    }
}
