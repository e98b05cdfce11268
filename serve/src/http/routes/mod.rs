//! The routes, one file for each kind of answer, and which path leads to which.
//!
//! Paths match as they are written: nothing is decoded, no slash may follow, and what comes after a question
//! mark is passed over.

mod health;
mod infer;
mod model;
mod repository;
mod server;

use std::sync::Arc;

use hyper::body::Incoming;
use hyper::header::HeaderValue;
use hyper::{Method, Request, Response};

use super::body::Frames;
use super::reply::refused;
use crate::access::Operation;
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
    Statistics,
    Index,
    Control,
    ControlElsewhere,
}

/// Answers a request, whatever it is.
pub(crate) async fn answer(state: Arc<State>, request: Request<Incoming>) -> Response<Frames> {
    let path = request.uri().path().to_owned();
    let answered = match route(&path) {
        Some(route) => route.answer_if_allowed(&state, request).await,
        None => Err(Refusal::no_route()),
    };
    answered.unwrap_or_else(|refusal| refused(&refusal))
}

/// What this path leads to.
fn route(path: &str) -> Option<Route<'_>> {
    let segments: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
    match segments.as_slice() {
        ["v2"] => Some(Route::Server),
        ["v2", "health", "live"] => Some(Route::Live),
        ["v2", "health", "ready"] => Some(Route::Ready),
        ["v2", "models", "stats"] => Some(Route::Statistics),
        ["v2", "models", model, "versions", version, rest @ ..] => {
            let version = Some(version.parse().ok()?);
            model_route(Target { model, version }, rest)
        }
        ["v2", "models", model, rest @ ..] => {
            let version = None;
            model_route(Target { model, version }, rest)
        }
        ["v2", "repository", "index"] | ["v2", "repository", _, "index"] => Some(Route::Index),
        ["v2", "repository", "models", _, "load" | "unload"] => Some(Route::Control),
        ["v2", "repository", _, "models", _, "load" | "unload"] => Some(Route::ControlElsewhere),
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
        _ => None,
    }
}

impl Route<'_> {
    /// The method that it is asked with.
    const fn method(&self) -> Method {
        match self {
            Self::Infer(_) | Self::Index | Self::Control | Self::ControlElsewhere => Method::POST,
            _ => Method::GET,
        }
    }

    /// What it does, which not everybody may.
    const fn operation(&self) -> Operation {
        match self {
            Self::Live | Self::Ready | Self::ModelReady(_) => Operation::Health,
            Self::Server | Self::Model(_) => Operation::Metadata,
            Self::ModelConfig(_) => Operation::ModelConfig,
            Self::ModelStatistics(_) | Self::Statistics => Operation::Statistics,
            Self::Infer(_) => Operation::Inference,
            Self::Index => Operation::ModelIndex,
            Self::Control | Self::ControlElsewhere => Operation::ModelRepository,
        }
    }

    async fn answer_if_allowed(
        self,
        state: &State,
        request: Request<Incoming>,
    ) -> Result<Response<Frames>, Refusal> {
        let headers = request.headers();
        let header = |name: &str| headers.get(name).map(HeaderValue::as_bytes);
        state.access.check(self.operation(), header)?;
        if *request.method() != self.method() {
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
            Self::Server => Ok(server::metadata()),
            Self::Model(target) => model::metadata(state, target),
            Self::ModelReady(target) => health::model_ready(state, target),
            Self::ModelConfig(target) => model::config(state, target),
            Self::ModelStatistics(target) => model::statistics(state, target),
            Self::Statistics => Ok(model::all_statistics(state)),
            Self::Infer(target) => infer::infer(state, target, request).await,
            Self::Index => repository::index(state, request).await,
            Self::Control => Err(Refusal::control()),
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
