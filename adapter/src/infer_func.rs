//! What a model runs: a runner's model, or code of this program. Whatever `bind` takes becomes one of these.

use std::fmt;
use std::sync::{Arc, Mutex};

use nav_engine::{Backend, RunnerBackend};
use nav_package_format::Device;
use nav_runners::{LoadError, Loaded, RunnerHandle};

use crate::callable::{Infer, SharedCallable};

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
        /// How it is opened.
        open: Arc<Open>,
    },
    /// Code of this program, one piece for each instance.
    Callables(Vec<SharedCallable>),
}

pub(crate) type Open = dyn Fn() -> Result<Arc<dyn Backend>, LoadError> + Send + Sync;

impl InferFunc {
    /// Something that the engine runs as it is. `platform` is what clients are told that it is; `open` is called when it
    /// is to be served, and again if it is to be served again after that.
    pub fn backend(
        platform: impl Into<String>,
        open: impl Fn() -> Result<Arc<dyn Backend>, LoadError> + Send + Sync + 'static,
    ) -> Self {
        Self {
            source: Source::Backend {
                platform: platform.into(),
                device: Device::Cpu,
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

/// The same model on several runners, such as on several devices; instances take turns on them.
impl From<Vec<RunnerHandle>> for InferFunc {
    fn from(handles: Vec<RunnerHandle>) -> Self {
        let platform = handles
            .first()
            .map_or("", |it| it.runner().name())
            .to_owned();
        let device = handles.first().map(|it| it.options().device);
        // Whoever binds it is told why it cannot be loaded.
        let loaded = across(handles.into_iter().map(RunnerHandle::into_loaded));
        Self::backend(platform, move || loaded.clone()).on(device.unwrap_or_default())
    }
}

/// A model that a runner has loaded.
impl From<Arc<dyn Loaded>> for InferFunc {
    fn from(loaded: Arc<dyn Loaded>) -> Self {
        Self::backend("", move || Ok(RunnerBackend::new(Arc::clone(&loaded)) as _))
    }
}

fn across(
    mut loaded: impl Iterator<Item = Result<Arc<dyn Loaded>, LoadError>>,
) -> Result<Arc<dyn Backend>, LoadError> {
    let none = LoadError::Unavailable {
        runner: String::new(),
        reason: "the list of runners is empty".to_owned(),
        how_to_get_it: "give one runner at least".to_owned(),
    };
    let first = loaded.next().ok_or(none)??;
    let others: Vec<Arc<dyn Loaded>> = loaded.collect::<Result<_, _>>()?;
    Ok(RunnerBackend::across(first, others))
}

impl fmt::Debug for InferFunc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            Source::Backend { platform, .. } => write!(f, "InferFunc({platform})"),
            Source::Callables(callables) => write!(f, "InferFunc({} callables)", callables.len()),
        }
    }
}
