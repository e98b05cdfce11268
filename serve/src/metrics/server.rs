//! What the server itself holds.

use nav_engine::Engine;

use super::text::{gauge, single};

/// What the edges hold and have met.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Held {
    /// Bytes of bodies that arrive.
    pub(crate) body_bytes: usize,
    /// Answers that panicked.
    pub(crate) panics: u64,
    /// Lines of the log that were not written.
    pub(crate) lines_lost: u64,
    /// Traces that were not written.
    pub(crate) traces_lost: u64,
}

/// Requests and bytes in flight, and bugs that were met.
pub(super) fn write(out: &mut String, engine: &Engine, held: Held) {
    gauge(
        out,
        "nav_requests_in_flight",
        "Requests that models have not answered yet",
        engine.requests_in_flight(),
    );
    gauge(
        out,
        "nav_input_bytes_in_flight",
        "Bytes of the inputs of those requests",
        engine.bytes_in_flight(),
    );
    gauge(
        out,
        "nav_sequence_state_bytes",
        "Bytes that are kept of sequences between their requests",
        engine.state_bytes(),
    );
    gauge(
        out,
        "nav_body_bytes_arriving",
        "Bytes of bodies that arrive",
        held.body_bytes,
    );
    single(
        out,
        ("nav_panics_total", "counter"),
        "Answers that met a bug of the server",
        held.panics,
    );
    single(
        out,
        ("nav_log_lines_lost_total", "counter"),
        "Lines of the log that came faster than they were taken",
        held.lines_lost,
    );
    single(
        out,
        ("nav_traces_lost_total", "counter"),
        "Traces that came faster than their file took them",
        held.traces_lost,
    );
}
