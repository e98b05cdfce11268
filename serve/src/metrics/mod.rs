//! Metrics in Prometheus' text, under the names that existing dashboards know.

mod cache;
mod gpus;
mod machine;
mod models;
mod server;
mod text;

pub(crate) use gpus::Gpus;
pub use gpus::{GpuReading, ReadGpus};
pub(crate) use machine::{Machine, Processors};
pub(crate) use server::Held;

use hyper::body::Incoming;
use hyper::{Method, Request, Response, StatusCode};
use nav_engine::Engine;

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
    let held = Held {
        body_bytes: state.bodies.held(),
        panics: state.panics.count(),
        lines_lost: state.log.lost(),
        traces_lost: state.tracer.lost(),
    };
    let machine = Machine {
        processors: state.processors.as_ref(),
        gpus: state.gpus.as_ref(),
    };
    let text = render(&state.engine, machine, held);
    answered(CONTENT_TYPE, text)
}

/// All of it.
pub(crate) fn render(engine: &Engine, machine: Machine<'_>, held: Held) -> String {
    let mut out = String::with_capacity(8 << 10);
    models::write(&mut out, engine);
    if let Some(statistics) = engine.cache_statistics() {
        cache::write(&mut out, &statistics);
    }
    if let Some(gpus) = machine.gpus {
        gpus::write(&mut out, gpus);
    }
    if let Some(processors) = machine.processors {
        machine::write(&mut out, processors);
    }
    server::write(&mut out, engine, held);
    out
}
