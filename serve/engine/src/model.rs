//! A served model as its callers hold it. When nobody holds it any more, what waits is run and its threads end.

use std::any::Any;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use nav_package_format::{Digest, Signature};

use crate::core::{Core, CoreSpec, Runs, Shared};
use crate::ensemble::{EnsembleSpec, Plan};
use crate::error::InferError;
use crate::executor::Backend;
use crate::health::Health;
use crate::instance;
use crate::load_error::ModelError;
use crate::options::ModelOptions;
use crate::reply::{Channel, ReplyFuture, ReplyStream, Target, Withdrawal};
use crate::request::Request;
use crate::sequence::Extras;
use crate::statistics::ModelStatistics;

/// How long instances that were made may take to go when others could not be.
const PATIENCE: Duration = Duration::from_secs(10);

/// A model to be served.
#[derive(Clone, Debug)]
pub struct ModelSpec {
    /// What runs it.
    pub backend: Arc<dyn Backend>,
    /// How it is served.
    pub options: ModelOptions,
    /// What tells it from every other model, for responses that are kept. Without it, those of one load are
    /// not given to another.
    pub digest: Option<Digest>,
    /// Requests that each instance must answer before it is ready, and again to find out whether it is.
    pub warm_up: Vec<Request>,
    /// What whoever loads it wants to find again with it.
    pub about: About,
}

/// Something about a model that the engine keeps with it, and does not look at.
pub type About = Arc<dyn Any + Send + Sync>;

/// A version of a model that is served.
#[derive(Debug)]
pub struct Model {
    core: Arc<Core>,
}

impl ModelSpec {
    /// This model, served like this.
    pub fn new(backend: Arc<dyn Backend>, options: ModelOptions) -> Self {
        Self {
            backend,
            options,
            digest: None,
            warm_up: Vec::new(),
            about: Arc::new(()),
        }
    }
}

impl Model {
    /// Makes all instances; blocks until each is ready.
    pub(crate) fn start(
        name: Arc<str>,
        version: u64,
        spec: ModelSpec,
        shared: Shared,
    ) -> Result<Self, ModelError> {
        let signature = spec.backend.signature();
        spec.options.check(signature)?;
        let has_batch = spec.options.max_batch > 0;
        let extras = match &spec.options.sequences {
            Some(policy) => Extras::new(policy, signature, has_batch, &shared.states)?,
            None => None,
        };
        let spec = CoreSpec {
            runs: Runs::Backend(spec.backend),
            options: spec.options,
            extras,
            digest: spec.digest,
            warm_up: spec.warm_up,
            about: spec.about,
        };
        let supervisor = Arc::clone(&shared.supervisor);
        let instances = spec.options.instances;
        let model = Self {
            core: Arc::new(Core::new(name, version, spec, shared)),
        };
        supervisor.watch(&model.core);
        let (sender, started) = mpsc::channel();
        let mut result = Ok(());
        for index in 0..instances {
            result = result.and(instance::start(&model.core, index, sender.clone()));
        }
        drop(sender);
        for outcome in started {
            result = result.and(outcome);
        }
        if let Err(error) = result {
            // Nothing of a failed load is left behind when this returns.
            let core = Arc::clone(&model.core);
            drop(model);
            let now = Instant::now();
            core.wait_ended(now.checked_add(PATIENCE).unwrap_or(now));
            return Err(error);
        }
        Ok(model)
    }

    /// A model that asks others, and so has no threads of its own.
    pub(crate) fn ensemble(
        name: Arc<str>,
        version: u64,
        spec: &EnsembleSpec,
        shared: Shared,
    ) -> Result<Self, ModelError> {
        let options = ModelOptions {
            max_batch: spec.max_batch,
            cache: spec.cache,
            ..ModelOptions::default()
        };
        options.check(&spec.signature)?;
        let options = ModelOptions {
            instances: 0,
            ..options
        };
        let spec = CoreSpec {
            runs: Runs::Ensemble(Arc::new(Plan::new(spec)?)),
            options,
            extras: None,
            digest: spec.digest,
            warm_up: Vec::new(),
            about: Arc::clone(&spec.about),
        };
        Ok(Self {
            core: Arc::new(Core::new(name, version, spec, shared)),
        })
    }

    /// The models that an ensemble asks, and their versions; none for other models.
    pub fn steps(&self) -> impl Iterator<Item = (&str, Option<u64>)> {
        let plan = self.plan().into_iter();
        plan.flat_map(|plan| plan.models())
    }

    pub(crate) fn plan(&self) -> Option<&Arc<Plan>> {
        match &self.core.runs {
            Runs::Ensemble(plan) => Some(plan),
            Runs::Backend(_) => None,
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.core.name
    }

    /// Its version.
    pub fn version(&self) -> u64 {
        self.core.version
    }

    /// What it takes from clients, and gives them.
    pub fn signature(&self) -> &Signature {
        self.core.signature()
    }

    /// How it is served.
    pub fn options(&self) -> &ModelOptions {
        &self.core.options
    }

    /// What whoever loaded it gave with it, if it is of this kind.
    pub fn about<T: Any>(&self) -> Option<&T> {
        self.core.about.downcast_ref()
    }

    /// What happened since it was loaded.
    pub fn statistics(&self) -> ModelStatistics {
        self.core.recorder.snapshot()
    }

    /// How many requests wait.
    pub fn waiting(&self) -> usize {
        self.core.lanes.len()
    }

    /// How it is doing.
    pub fn health(&self) -> Health {
        self.core.health()
    }

    /// Asks for one response. Never blocks.
    pub fn infer(&self, request: Request) -> ReplyFuture {
        if self.core.options.decoupled {
            return ReplyFuture::known(Err(InferError::Unsupported {
                model: Arc::clone(&self.core.name),
                what: "gives any number of responses to a request, not just one",
            }));
        }
        let (channel, withdrawal) = self.submit(request);
        ReplyFuture::pending(channel, withdrawal)
    }

    /// Asks for responses, of which one that is not decoupled gives just one. Never blocks.
    pub fn stream(&self, request: Request) -> ReplyStream {
        let (channel, withdrawal) = self.submit(request);
        ReplyStream::pending(channel, withdrawal)
    }

    fn submit(
        &self,
        request: Request,
    ) -> (Arc<Channel<crate::response::Answer>>, Option<Withdrawal>) {
        let channel = Arc::new(Channel::new());
        let target = Target::Channel(Arc::clone(&channel));
        let withdrawal = self.core.enter(request, target);
        (channel, withdrawal)
    }

    pub(crate) const fn core(&self) -> &Arc<Core> {
        &self.core
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        self.core.lanes.close();
    }
}
