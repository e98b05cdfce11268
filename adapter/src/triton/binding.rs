//! A model that was bound: checked when it is, and made into what the engine serves as often as it is served.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, PoisonError};

use nav_engine::{Backend, ModelOptions, ModelSpec, with_causes};
use nav_package_format::{Device, Signature, TensorSpec};
use nav_serve::ModelFacts;

use crate::callable::{CallableBackend, Context, Fatal, SharedCallable};
use crate::config::{ModelConfig, ModelFault, Tensor, warm_up_requests};
use crate::infer_func::{InferFunc, Source};

/// The most characters of a name.
const LONGEST: usize = 255;

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
    config: ModelConfig,
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
        let (platform, runs) = match infer_func.source {
            Source::Backend {
                platform,
                device,
                open,
            } => {
                let backend =
                    open().map_err(|error| ModelFault::new("infer_func", with_causes(&error)))?;
                agree(
                    &context.inputs,
                    &backend.signature().inputs,
                    &config,
                    "inputs",
                )?;
                agree(
                    &context.outputs,
                    &backend.signature().outputs,
                    &config,
                    "outputs",
                )?;
                ((platform, device), Runs::Backend(backend))
            }
            Source::Callables(callables) => {
                let signature = declared(&context)?;
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
        if let Runs::Callables { callables, .. } = &runs {
            options.instances = callables.len();
            // A function may have done something by the time it fails, which must not be done again.
            options.split_failed = false;
        }
        warm_up_requests(&config.model_warmup, runs.signature(), options.max_batch)?;
        Ok(Self {
            name: name.into(),
            version,
            platform,
            runs,
            options,
            config,
        })
    }

    /// Whether responses are to be kept.
    pub(super) const fn is_cached(&self) -> bool {
        self.options.cache
    }

    /// What the engine serves. `fatal` is told when nothing will go right any more.
    pub(super) fn spec(&self, fatal: Fatal) -> Result<ModelSpec, ModelFault> {
        let (warm_up, most) = (&self.config.model_warmup, self.options.max_batch);
        let warm_up = warm_up_requests(warm_up, self.runs.signature(), most)?;
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
        spec.warm_up = warm_up;
        spec.about = Arc::new(ModelFacts {
            platform: self.platform.0.clone(),
            device: self.platform.1,
            ..ModelFacts::default()
        });
        Ok(spec)
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
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let is_name = !name.is_empty() && !name.starts_with('.') && name.len() <= LONGEST;
    if is_name && name.bytes().all(fits) {
        return Ok(());
    }
    let reason = format!(
        "`{name}` is no name for a model: letters, digits, `.`, `_` and `-`, and no `.` to begin with"
    );
    Err(ModelFault::new("name", reason))
}

/// What is declared of callables, as the engine knows it.
fn declared(context: &Context) -> Result<Signature, ModelFault> {
    let specs = |tensors: &[Tensor], field: &str| {
        let mut names = BTreeSet::new();
        if let Some(twice) = tensors.iter().find(|it| !names.insert(it.name())) {
            let reason = format!("`{}` is there twice", twice.name());
            return Err(ModelFault::new(field, reason));
        }
        if let Some(nameless) = tensors.iter().position(|it| it.name().is_empty()) {
            let reason = "a name has one character at least";
            return Err(ModelFault::new(format!("{field}[{nameless}].name"), reason));
        }
        let batched = context.is_batched();
        let specs = tensors.iter().map(|it| it.spec(batched, field));
        specs.collect::<Result<Vec<TensorSpec>, _>>()
    };
    if context.outputs.is_empty() {
        return Err(ModelFault::new("outputs", "there must be one at least"));
    }
    if let Some(optional) = context.outputs.iter().find(|it| it.optional) {
        let field = format!("outputs[{}].optional", optional.name());
        let reason = "requests leave out inputs only; they name the outputs that they want";
        return Err(ModelFault::new(field, reason));
    }
    Ok(Signature {
        inputs: specs(&context.inputs, "inputs")?,
        outputs: specs(&context.outputs, "outputs")?,
    })
}

fn check_callables(callables: &[SharedCallable], context: &Context) -> Result<(), ModelFault> {
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

/// Whether what was declared of a runner's model is what it has. Nothing declared is what it has.
fn agree(
    declared: &[Tensor],
    found: &[TensorSpec],
    config: &ModelConfig,
    field: &str,
) -> Result<(), ModelFault> {
    if declared.is_empty() {
        return Ok(());
    }
    let found: Vec<Tensor> = found
        .iter()
        .map(|spec| Tensor::of_spec(spec, config.batching))
        .collect();
    for tensor in declared {
        let name = tensor.name();
        let Some(own) = found.iter().find(|it| it.name() == name) else {
            let reason = format!("the runner's model has no `{name}`");
            return Err(ModelFault::new(field, reason));
        };
        let fits = |(one, other): (&i64, &i64)| *one == *other || *one == -1 || *other == -1;
        let is_alike = own.dtype == tensor.dtype
            && own.shape.len() == tensor.shape.len()
            && own.shape.iter().zip(&tensor.shape).all(fits);
        if !is_alike {
            let reason = format!(
                "it is declared as {} {:?}, and is {} {:?}",
                tensor.dtype, tensor.shape, own.dtype, own.shape
            );
            return Err(ModelFault::new(format!("{field}[{name}]"), reason));
        }
    }
    let missing = found.iter().find(|own| {
        let is_declared = declared.iter().any(|tensor| tensor.name() == own.name());
        !own.optional && !is_declared
    });
    missing.map_or(Ok(()), |own| {
        let reason = format!("the runner's model has `{}`, too", own.name());
        Err(ModelFault::new(field, reason))
    })
}
