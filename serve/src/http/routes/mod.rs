//! The routes, one file for each kind of answer, and which path leads to which.
//!
//! Paths match as they are written: nothing is decoded, no slash may follow, and what comes after a question
//! mark is passed over.

mod generate;
mod health;
mod infer;
mod logging;
mod model;
mod repository;
mod server;
mod shared_memory;
mod trace;

use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use hyper::body::Incoming;
use hyper::header::HeaderValue;
use hyper::{Method, Request, Response, StatusCode};
use smallvec::SmallVec;

use self::shared_memory::Memory;
use super::body::Frames;
use super::reply::refused;
use crate::access::Operation;
use crate::log::Level;
use crate::refusal::Refusal;
use crate::state::State;

/// A model, and its version where one is named.
#[derive(Clone, Copy, Debug)]
struct Target<'path> {
    model: &'path str,
    version: Option<u64>,
}

/// What a path leads to.
#[derive(Clone, Copy, Debug)]
enum Route<'path> {
    Live,
    Ready,
    Server,
    Model(Target<'path>),
    ModelReady(Target<'path>),
    ModelConfig(Target<'path>),
    ModelStatistics(Target<'path>),
    Infer(Target<'path>),
    Generate(Target<'path>),
    GenerateStream(Target<'path>),
    Statistics,
    Trace(Option<&'path str>),
    Logging,
    Index,
    Load(&'path str),
    Unload(&'path str),
    ControlElsewhere,
    Memory(Memory<'path>),
}

/// Answers a request, whatever it is.
pub(crate) async fn answer(state: Arc<State>, request: Request<Incoming>) -> Response<Frames> {
    let began = Instant::now();
    let uri = request.uri().clone();
    let method = request.method().clone();
    let answering = pin!(async {
        match route(uri.path()) {
            Some(route) => route.answer_if_allowed(&state, request).await,
            None => Err(Refusal::no_route()),
        }
    });
    let answered = state.contain(answering).await;
    let why = answered.as_ref().err().map(|refusal| refusal.text.as_str());
    let status = match &answered {
        Ok(answer) => answer.status(),
        Err(refusal) => refusal.kind.status(),
    };
    if status == StatusCode::INTERNAL_SERVER_ERROR {
        state.tell_fault(uri.path(), why.unwrap_or_default());
    }
    if state.log.tells(Level::Verbose) {
        let fields = [
            ("method", method.to_string()),
            ("path", uri.path().to_owned()),
            ("status", status.as_u16().to_string()),
            ("microseconds", began.elapsed().as_micros().to_string()),
        ];
        state.log.event(Level::Verbose, "request", &fields);
    }
    answered.unwrap_or_else(|refusal| refused(&refusal))
}

/// What this path leads to.
fn route(path: &str) -> Option<Route<'_>> {
    let segments: SmallVec<[&str; 8]> = path.strip_prefix('/')?.split('/').collect();
    match segments.as_slice() {
        ["v2"] => Some(Route::Server),
        ["v2", "health", "live"] => Some(Route::Live),
        ["v2", "health", "ready"] => Some(Route::Ready),
        ["v2", "models", model, "trace", "setting"] => Some(Route::Trace(Some(model))),
        ["v2", "models", "stats"] => Some(Route::Statistics),
        ["v2", "trace", "setting"] => Some(Route::Trace(None)),
        ["v2", "logging"] => Some(Route::Logging),
        ["v2", "models", model, "versions", version, rest @ ..] => {
            let version = Some(version.parse().ok()?);
            model_route(Target { model, version }, rest)
        }
        ["v2", "models", model, rest @ ..] => {
            let version = None;
            model_route(Target { model, version }, rest)
        }
        ["v2", "repository", "index"] | ["v2", "repository", _, "index"] => Some(Route::Index),
        ["v2", "repository", "models", model, "load"] => Some(Route::Load(model)),
        ["v2", "repository", "models", model, "unload"] => Some(Route::Unload(model)),
        ["v2", "repository", _, "models", _, "load" | "unload"] => Some(Route::ControlElsewhere),
        ["v2", rest @ ..] => shared_memory::route(rest).map(Route::Memory),
        _ => None,
    }
}

fn model_route<'path>(target: Target<'path>, rest: &[&str]) -> Option<Route<'path>> {
    match rest {
        _ if target.model.is_empty() => None,
        [] => Some(Route::Model(target)),
        ["ready"] => Some(Route::ModelReady(target)),
        ["config"] => Some(Route::ModelConfig(target)),
        ["stats"] => Some(Route::ModelStatistics(target)),
        ["infer"] => Some(Route::Infer(target)),
        ["generate"] => Some(Route::Generate(target)),
        ["generate_stream"] => Some(Route::GenerateStream(target)),
        _ => None,
    }
}

impl Route<'_> {
    /// The methods that it is asked with.
    const fn methods(&self) -> &'static [Method] {
        match self {
            Self::Infer(_)
            | Self::Generate(_)
            | Self::GenerateStream(_)
            | Self::Index
            | Self::Load(_)
            | Self::Unload(_)
            | Self::ControlElsewhere => &[Method::POST],
            Self::Memory(memory) => memory.methods(),
            Self::Trace(_) | Self::Logging => &[Method::GET, Method::POST],
            _ => &[Method::GET],
        }
    }

    /// What it does, which not everybody may.
    const fn operation(&self) -> Operation {
        match self {
            Self::Live | Self::Ready | Self::ModelReady(_) => Operation::Health,
            Self::Server | Self::Model(_) => Operation::Metadata,
            Self::ModelConfig(_) => Operation::ModelConfig,
            Self::ModelStatistics(_) | Self::Statistics => Operation::Statistics,
            Self::Infer(_) | Self::Generate(_) | Self::GenerateStream(_) => Operation::Inference,
            Self::Trace(_) => Operation::Trace,
            Self::Logging => Operation::Logging,
            Self::Memory(_) => Operation::SharedMemory,
            Self::Index => Operation::ModelIndex,
            Self::Load(_) | Self::Unload(_) | Self::ControlElsewhere => Operation::ModelRepository,
        }
    }

    async fn answer_if_allowed(
        self,
        state: &State,
        request: Request<Incoming>,
    ) -> Result<Response<Frames>, Refusal> {
        let headers = request.headers();
        let header = |name: &str| headers.get(name).map(HeaderValue::as_bytes);
        state.http.access.check(self.operation(), header)?;
        if !self.methods().contains(request.method()) {
            return Err(Refusal::method());
        }
        self.answer(state, request).await
    }

    async fn answer(
        self,
        state: &State,
        request: Request<Incoming>,
    ) -> Result<Response<Frames>, Refusal> {
        match self {
            Self::Live => Ok(health::live()),
            Self::Ready => Ok(health::ready(state)),
            Self::Server => Ok(server::metadata(state)),
            Self::Model(target) => model::metadata(state, target),
            Self::ModelReady(target) => health::model_ready(state, target),
            Self::ModelConfig(target) => model::config(state, target),
            Self::ModelStatistics(target) => model::statistics(state, target),
            Self::Statistics => Ok(model::all_statistics(state)),
            Self::Infer(target) => infer::infer(state, target, request).await,
            // The others lie elsewhere, so that their states make that of an inference no larger.
            Self::Generate(target) => Box::pin(generate::generate(state, target, request)).await,
            Self::GenerateStream(target) => {
                Box::pin(generate::generate_stream(state, target, request)).await
            }
            Self::Trace(model) => Box::pin(trace::setting(state, model, request)).await,
            Self::Logging => Box::pin(logging::logging(state, request)).await,
            Self::Memory(memory) => Box::pin(memory.answer(state, request)).await,
            Self::Index => Box::pin(repository::index(state, request)).await,
            Self::Load(model) => Box::pin(repository::load(state, model, request)).await,
            Self::Unload(model) => Box::pin(repository::unload(state, model, request)).await,
            Self::ControlElsewhere => Err(Refusal::control_elsewhere()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_where_they_are_written() {
        let check = |path, expected: &str| {
            let found = route(path).map_or_else(|| "nothing".to_owned(), |it| format!("{it:?}"));
            assert_eq!(found, expected, "{path}");
        };
        check("/v2", "Server");
        check("/v2/", "nothing");
        check("/v2/health/live", "Live");
        check("/v2/models/stats", "Statistics");
        check(
            "/v2/models/m",
            "Model(Target { model: \"m\", version: None })",
        );
        check(
            "/v2/models/m%41",
            "Model(Target { model: \"m%41\", version: None })",
        );
        check(
            "/v2/models/m/versions/3/infer",
            "Infer(Target { model: \"m\", version: Some(3) })",
        );
        check("/v2/models/m/versions/x/infer", "nothing");
        check("/v2/models//infer", "nothing");
        check("/v2/models/m/versions/3/infer/", "nothing");
        check("/v2/repository/anything/index", "Index");
        check("/metrics", "nothing");
    }
}
