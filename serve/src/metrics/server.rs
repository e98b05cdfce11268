//! What the server itself holds.

use super::text::{gauge, single};
use crate::state::State;

/// Requests and bytes in flight, and bugs that were met.
pub(super) fn write(out: &mut String, state: &State) {
    gauge(
        out,
        "nav_requests_in_flight",
        "Requests that models have not answered yet",
        state.engine.requests_in_flight(),
    );
    gauge(
        out,
        "nav_input_bytes_in_flight",
        "Bytes of the inputs of those requests",
        state.engine.bytes_in_flight(),
    );
    gauge(
        out,
        "nav_body_bytes_arriving",
        "Bytes of bodies that arrive",
        state.bodies.held(),
    );
    single(
        out,
        ("nav_panics_total", "counter"),
        "Answers that met a bug of the server",
        state.panics.count(),
    );
}
