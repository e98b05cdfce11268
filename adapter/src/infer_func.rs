//! What a model runs: a runner's model, or code of this program. Whatever `bind` takes becomes one of these.

use std::fmt;
use std::sync::{Arc, Mutex};

use nav_engine::{Backend, RunnerBackend};
use nav_package_format::Device;
use nav_runners::{LoadError, Loaded, RunnerHandle, with_causes};

use crate::alike::difference;
use crate::callable::{Infer, SharedCallable};
use crate::config::ModelFault;

/// What a model runs.
#[derive(Clone)]
pub struct InferFunc {
    pub(crate) source: Source,
}

/// Where what runs comes from.
#[derive(Clone)]
pub(crate) enum Source {
    /// Something that the engine runs as it is, opened when it is served.
    Backend {
        /// What clients are told that runs it.
        platform: String,
        /// Where it runs, as clients are told.
        device: Device,
        /// How many of it there are. Each has as many instances as the configuration says.
        count: usize,
        /// How it is opened.
        open: Arc<Open>,
    },
    /// Code of this program, one piece for each instance.
    Callables(Vec<SharedCallable>),
}

pub(crate) type Open = dyn Fn() -> Result<Arc<dyn Backend>, ModelFault> + Send + Sync;

impl InferFunc {
    /// Something that the engine runs as it is. `platform` is what clients are told that it is; `open` is called when it
    /// is to be served, and again if it is to be served again after that.
    pub fn backend(
        platform: impl Into<String>,
        open: impl Fn() -> Result<Arc<dyn Backend>, LoadError> + Send + Sync + 'static,
    ) -> Self {
        let open = move || open().map_err(|error| fault("infer_func", &error));
        Self {
            source: Source::Backend {
                platform: platform.into(),
                device: Device::Cpu,
                count: 1,
                open: Arc::new(open),
            },
        }
    }

    /// The same, of which clients are told that it runs there.
    #[must_use]
    pub fn on(mut self, place: Device) -> Self {
        if let Source::Backend { device, .. } = &mut self.source {
            *device = place;
        }
        self
    }

    /// These callables, one for each instance of the model.
    pub fn callables(callables: impl IntoIterator<Item = Box<dyn Infer>>) -> Self {
        let shared = callables.into_iter().map(|it| Arc::new(Mutex::new(it)));
        Self {
            source: Source::Callables(shared.collect()),
        }
    }
}

/// One callable: a function of requests, or what [`crate::batch`] and its like make of others.
impl<I: Infer + 'static> From<I> for InferFunc {
    fn from(callable: I) -> Self {
        Self::callables([Box::new(callable) as Box<dyn Infer>])
    }
}

/// Several callables of one kind: one instance each.
impl<I: Infer + 'static> From<Vec<I>> for InferFunc {
    fn from(callables: Vec<I>) -> Self {
        let boxed = callables.into_iter();
        Self::callables(boxed.map(|it| Box::new(it) as Box<dyn Infer>))
    }
}

/// Several callables of any kind: one instance each.
impl From<Vec<Box<dyn Infer>>> for InferFunc {
    fn from(callables: Vec<Box<dyn Infer>>) -> Self {
        Self::callables(callables)
    }
}

/// A runner and its model, which is loaded now unless it was activated before.
impl From<RunnerHandle> for InferFunc {
    fn from(handle: RunnerHandle) -> Self {
        Self::from(vec![handle])
    }
}

/// The same model on several runners, such as on several devices. Each has as many instances as the configuration says,
/// and requests go to whichever is free. All are loaded now unless they were activated before.
impl From<Vec<RunnerHandle>> for InferFunc {
    fn from(handles: Vec<RunnerHandle>) -> Self {
        let first = handles.first();
        let platform = first.map_or("", |it| it.runner().name()).to_owned();
        let device = first.map(|it| it.options().device).unwrap_or_default();
        let count = handles.len();
        // Whoever binds it is told why it cannot be loaded.
        let loaded = across(handles);
        Self {
            source: Source::Backend {
                platform,
                device,
                count,
                open: Arc::new(move || loaded.clone()),
            },
        }
    }
}

/// A model that a runner has loaded.
impl From<Arc<dyn Loaded>> for InferFunc {
    fn from(loaded: Arc<dyn Loaded>) -> Self {
        Self::backend("", move || Ok(RunnerBackend::new(Arc::clone(&loaded)) as _))
    }
}

/// One model of what these runners load, of which each can be asked instead of another.
fn across(handles: Vec<RunnerHandle>) -> Result<Arc<dyn Backend>, ModelFault> {
    let is_alone = handles.len() == 1;
    let mut others: Vec<Arc<dyn Loaded>> = Vec::with_capacity(handles.len());
    for (place, handle) in handles.into_iter().enumerate() {
        let field = if is_alone {
            "infer_func".to_owned()
        } else {
            format!("infer_func[{place}]")
        };
        let loaded = handle.into_loaded();
        let loaded = loaded.map_err(|error| fault(&field, &error))?;
        let first = others.first().unwrap_or(&loaded);
        if let Some((place, why)) = difference(first.signature(), loaded.signature()) {
            return Err(ModelFault::new(format!("{field}.{place}"), why));
        }
        others.push(loaded);
    }
    if others.is_empty() {
        return Err(ModelFault::new(
            "infer_func",
            "the list of runners is empty",
        ));
    }
    let first = others.remove(0);
    Ok(RunnerBackend::across(first, others))
}

fn fault(field: &str, error: &LoadError) -> ModelFault {
    ModelFault::new(field, with_causes(error))
}

impl fmt::Debug for InferFunc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            Source::Backend { platform, .. } => write!(f, "InferFunc({platform})"),
            Source::Callables(callables) => write!(f, "InferFunc({} callables)", callables.len()),
        }
    }
}
