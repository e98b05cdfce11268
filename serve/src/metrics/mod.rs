//! Metrics in Prometheus' text, under the names that existing dashboards know.

mod cache;
mod machine;
mod models;
mod server;
mod text;

pub(crate) use machine::Processors;

use hyper::body::Incoming;
use hyper::{Method, Request, Response, StatusCode};

use crate::http::{Frames, empty, text as answered};
use crate::state::State;

/// The type of the text.
const CONTENT_TYPE: &str = "text/plain; charset=utf-8";

/// Answers on the port for metrics. What is no metric is empty.
pub(crate) fn answer(state: &State, request: &Request<Incoming>) -> Response<Frames> {
    if *request.method() != Method::GET {
        return empty(StatusCode::METHOD_NOT_ALLOWED);
    }
    if request.uri().path() != "/metrics" {
        return empty(StatusCode::OK);
    }
    answered(CONTENT_TYPE, render(state))
}

fn render(state: &State) -> String {
    let mut out = String::with_capacity(8 << 10);
    models::write(&mut out, &state.engine);
    if let Some(statistics) = state.engine.cache_statistics() {
        cache::write(&mut out, &statistics);
    }
    machine::write(&mut out, &state.processors);
    server::write(&mut out, state);
    out
}
