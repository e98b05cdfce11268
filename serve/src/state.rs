//! What every connection shares.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use hyper::header::HeaderMap;
use nav_engine::{Engine, InferError, Owner, Request};

use crate::access::AccessPolicy;
use crate::contain::Panics;
use crate::forward::HeaderPattern;
use crate::log::{Level, Log, Pace};
use crate::metrics::{Gpus, Processors};
use crate::options::{Endpoint, Limits};
use crate::refusal::Refusal;
use crate::repository::{Control, Repository};
use crate::shared_memory::{RegionError, Regions};
use crate::trace::Tracer;

/// What requests are answered with.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) engine: Engine,
    /// Where its models come from, if there is more to it than the engine.
    pub(crate) repository: Option<Repository>,
    /// What clients are told that the server is called.
    pub(crate) name: String,
    /// What holds over HTTP.
    pub(crate) http: Rules,
    /// What holds over gRPC.
    pub(crate) grpc: Rules,
    /// Whether the server is ready only while all models are.
    pub(crate) strict_readiness: bool,
    pub(crate) limits: Limits,
    pub(crate) bodies: Arc<Budget>,
    /// The memory that clients share, where the operator lets them.
    pub(crate) regions: Option<Regions>,
    /// Where events are told.
    pub(crate) log: Log,
    /// What is traced.
    pub(crate) tracer: Tracer,
    /// How often faults of the server are told.
    pub(crate) faults: Pace,
    /// How busy the machine is, where that is told.
    pub(crate) processors: Option<Processors>,
    /// The same of graphics processors, where somebody sees them.
    pub(crate) gpus: Option<Gpus>,
    /// Answers that panicked, over every protocol.
    pub(crate) panics: Panics,
    /// Whether the server was told to stop, so that models are asked no more.
    pub(crate) is_stopping: AtomicBool,
}

/// What holds over one protocol.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rules {
    /// Who may do what.
    pub(crate) access: AccessPolicy,
    /// Which headers travel on to models.
    forward: Option<HeaderPattern>,
}

/// How many bytes of bodies are held by requests that are not with the engine yet.
#[derive(Debug)]
pub(crate) struct Budget {
    limit: usize,
    held: AtomicUsize,
}

/// A share of a budget, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Share {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Rules {
    /// Those of an endpoint; none matter where there is none.
    pub(crate) fn of(endpoint: Option<&Endpoint>) -> Self {
        endpoint.map_or_else(Self::default, |endpoint| Self {
            access: endpoint.access.clone(),
            forward: endpoint.forward.clone(),
        })
    }
}

impl State {
    /// Whether requests are taken, every model that is served is well, and every one that should be is served.
    pub(crate) fn is_ready(&self) -> bool {
        if self.is_stopping.load(Ordering::Acquire) {
            return false;
        }
        let is_well = || {
            let repository = self.repository.as_ref();
            self.engine.is_ready() && repository.is_none_or(Repository::is_ready)
        };
        !self.strict_readiness || is_well()
    }

    /// Whether clients load and unload models.
    pub(crate) fn is_controlled(&self) -> bool {
        let repository = self.repository.as_ref();
        repository.is_some_and(|it| it.control() == Control::Explicit)
    }

    /// The memory that clients share.
    pub(crate) fn regions(&self) -> Result<&Regions, RegionError> {
        self.regions.as_ref().ok_or(RegionError::Off)
    }

    /// What a model is about to be asked, with the headers that travel on over its protocol, and whose sequence it is a
    /// part of. Fails when models are asked no more.
    pub(crate) fn let_in(
        &self,
        rules: &Rules,
        (headers, owner): (&HeaderMap, Option<&Owner>),
        request: &mut Request,
    ) -> Result<(), Refusal> {
        if self.is_stopping.load(Ordering::Acquire) {
            let error = InferError::ShuttingDown;
            return Err(Refusal::of_engine(&error, request.id.as_deref()));
        }
        if let Some(part) = &mut request.correlation {
            part.owner = owner.cloned();
        }
        let pattern = rules.forward.as_ref();
        pattern.map_or(Ok(()), |pattern| {
            pattern.forward(headers, &mut request.parameters)
        })
    }

    /// What this comes to; a refusal when it panics.
    pub(crate) async fn contain<T>(
        &self,
        answering: Pin<&mut impl Future<Output = Result<T, Refusal>>>,
    ) -> Result<T, Refusal> {
        let answered = self.panics.contain(answering).await;
        answered.unwrap_or_else(|| Err(Refusal::bug()))
    }

    /// Says that something asked for was not answered by a fault of the server or a model.
    pub(crate) fn tell_fault(&self, asked: &str, why: &str) {
        if let Some(skipped) = self.faults.turn(Instant::now()) {
            let fields = [
                ("asked", asked.to_owned()),
                ("why", why.to_owned()),
                ("skipped", skipped.to_string()),
            ];
            self.log.event(Level::Warning, "failed", &fields);
        }
    }
}

impl Budget {
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            limit,
            held: AtomicUsize::new(0),
        })
    }

    /// How many bytes are held.
    pub(crate) fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    /// A share that holds nothing yet.
    pub(crate) fn share(self: &Arc<Self>) -> Share {
        Share {
            budget: Arc::clone(self),
            bytes: 0,
        }
    }
}

impl Share {
    /// Takes so many bytes more, or refuses the request that needs them.
    pub(crate) fn take(&mut self, bytes: usize) -> Result<(), Refusal> {
        if self.grow(bytes) {
            return Ok(());
        }
        Err(Refusal::no_room())
    }

    /// Takes so many bytes more. Whether there were so many.
    pub(crate) fn grow(&mut self, bytes: usize) -> bool {
        let before = self.budget.held.fetch_add(bytes, Ordering::Relaxed);
        self.bytes += bytes;
        before.saturating_add(bytes) <= self.budget.limit
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.held.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_is_given_back() {
        let budget = Budget::new(10);
        let mut one = budget.share();
        assert!(one.grow(6));
        let mut other = budget.share();
        assert!(!other.grow(5));
        drop(other);
        assert!(one.grow(4));
        drop(one);
        assert!(budget.share().grow(10));
    }
}
