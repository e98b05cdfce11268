//! A model that was bound: checked when it is, and made into what the engine serves as often as it is served.

use std::fmt;
use std::sync::{Arc, PoisonError};

use nav_engine::{Backend, ModelOptions, ModelSpec, Request};
use nav_package_format::{Device, Signature};
use nav_serve::{ModelFacts, is_model_name};

use super::declared;
use crate::callable::{CallableBackend, Context, Fatal, SharedCallable};
use crate::config::{ModelConfig, ModelFault, Tensor, warm_up_requests};
use crate::infer_func::{InferFunc, Source};

/// How a model is bound.
#[derive(Clone, Debug, PartialEq)]
pub struct BindOptions {
    /// How it is served.
    pub config: ModelConfig,
    /// Which version of the model it is.
    pub version: u64,
    /// Whether what a callable gives must be what is declared, in names, types and shapes.
    pub strict: bool,
}

impl Default for BindOptions {
    fn default() -> Self {
        ModelConfig::default().into()
    }
}

impl From<ModelConfig> for BindOptions {
    fn from(config: ModelConfig) -> Self {
        Self {
            config,
            version: 1,
            strict: false,
        }
    }
}

/// A model that was bound.
pub(super) struct Bound {
    pub(super) name: Arc<str>,
    pub(super) version: u64,
    /// What clients are told that runs it, and where.
    platform: (String, Device),
    runs: Runs,
    options: ModelOptions,
    /// What it must answer before it is ready.
    warm_up: Vec<Request>,
}

/// What it runs.
enum Runs {
    /// Something that the engine runs as it is.
    Backend(Arc<dyn Backend>),
    /// Callables, for requests of this context.
    Callables {
        callables: Vec<SharedCallable>,
        context: Context,
        signature: Signature,
        is_strict: bool,
    },
}

impl Bound {
    /// A model of this name, if it can be one.
    pub(super) fn new(
        name: &str,
        infer_func: InferFunc,
        (inputs, outputs): (Vec<Tensor>, Vec<Tensor>),
        bind: BindOptions,
    ) -> Result<Self, ModelFault> {
        check_name(name)?;
        let BindOptions {
            config,
            version,
            strict,
        } = bind;
        if version == 0 {
            return Err(ModelFault::new("version", "versions begin with 1"));
        }
        let context = Context {
            version,
            ..Context::new(name, inputs, outputs, config.clone())
        };
        let signature = declared::signature(&context)?;
        let mut runners = 1;
        let (platform, runs) = match infer_func.source {
            Source::Backend {
                platform,
                device,
                count,
                open,
            } => {
                runners = count;
                let backend = open()?;
                declared::agree(&signature, backend.signature())?;
                ((platform, device), Runs::Backend(backend))
            }
            Source::Callables(callables) => {
                check_callables(&callables, &context)?;
                let runs = Runs::Callables {
                    callables,
                    context,
                    signature,
                    is_strict: strict,
                };
                (("callable".to_owned(), Device::Cpu), runs)
            }
        };
        let mut options = config.options(runs.signature())?;
        options.instances = options.instances.saturating_mul(runners);
        if let Runs::Callables { callables, .. } = &runs {
            options.instances = callables.len();
            // A function may have done something by the time it fails, which must not be done again.
            options.split_failed = false;
        }
        let warm_up = warm_up_requests(&config.model_warmup, runs.signature(), options.max_batch)?;
        Ok(Self {
            name: name.into(),
            version,
            platform,
            runs,
            options,
            warm_up,
        })
    }

    /// Whether responses are to be kept.
    pub(super) const fn is_cached(&self) -> bool {
        self.options.cache
    }

    /// What the engine serves. `fatal` is told when nothing will go right any more.
    pub(super) fn spec(&self, fatal: Fatal) -> ModelSpec {
        let backend: Arc<dyn Backend> = match &self.runs {
            Runs::Backend(backend) => Arc::clone(backend),
            Runs::Callables {
                callables,
                context,
                signature,
                is_strict,
            } => Arc::new(CallableBackend::new(
                callables.clone(),
                context.clone(),
                (signature.clone(), *is_strict),
                fatal,
            )),
        };
        let mut spec = ModelSpec::new(backend, self.options.clone());
        spec.warm_up.clone_from(&self.warm_up);
        spec.about = Arc::new(ModelFacts {
            platform: self.platform.0.clone(),
            device: self.platform.1,
            ..ModelFacts::default()
        });
        spec
    }
}

impl Runs {
    fn signature(&self) -> &Signature {
        match self {
            Self::Backend(backend) => backend.signature(),
            Self::Callables { signature, .. } => signature,
        }
    }
}

impl fmt::Debug for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bound({} {})", self.name, self.version)
    }
}

fn check_name(name: &str) -> Result<(), ModelFault> {
    if is_model_name(name) {
        return Ok(());
    }
    let reason = format!(
        "`{name}` is no name for a model: letters, digits, `.`, `_` and `-`, and no `.` to begin with"
    );
    Err(ModelFault::new("name", reason))
}

fn check_callables(callables: &[SharedCallable], context: &Context) -> Result<(), ModelFault> {
    if context.outputs.is_empty() {
        return Err(ModelFault::new("outputs", "there must be one at least"));
    }
    let count = callables.len();
    if count == 0 {
        return Err(ModelFault::new(
            "infer_func",
            "the list of callables is empty",
        ));
    }
    let wanted = context.config.instances;
    if wanted != 1 && wanted != count {
        let reason = format!("there are {count} callables, and each of them is one instance");
        return Err(ModelFault::new("instances", reason));
    }
    for callable in callables {
        let callable = callable.lock().unwrap_or_else(PoisonError::into_inner);
        if callable.is_decoupled() && !context.config.decoupled {
            let reason = "the callable gives any number of responses, so this must be on";
            return Err(ModelFault::new("decoupled", reason));
        }
        let checked = callable.check(context);
        checked.map_err(|reason| ModelFault::new("infer_func", reason))?;
    }
    Ok(())
}
