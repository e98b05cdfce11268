//! What is traced, and where traces go, as it is typed.

use std::path::PathBuf;

use clap::Args;
use nav_serve::{TraceOptions, TraceSettings};

/// The arguments about traces.
#[derive(Args, Debug)]
pub(crate) struct TraceArgs {
    /// Write the times of requests to this file, as tools for Triton read them.
    #[arg(long, value_name = "FILE")]
    trace_file: Option<PathBuf>,
    /// Send the times of requests as OpenTelemetry spans to this collector, over gRPC: http://HOST:4317.
    #[arg(long, value_name = "URL")]
    trace_collector: Option<String>,
    /// Trace one in how many requests; 0 for those only that their callers trace.
    #[arg(long, default_value_t = 1000, value_name = "COUNT")]
    trace_rate: u32,
    /// Trace so many requests, and then no more.
    #[arg(long, value_name = "COUNT")]
    trace_count: Option<u32>,
    /// Begin a new trace file after so many requests.
    #[arg(long, default_value_t = 0, value_name = "COUNT")]
    trace_log_frequency: u32,
}

impl TraceArgs {
    /// What they come to. Whoever says where traces go wants some.
    pub(super) fn options(&self) -> TraceOptions {
        TraceOptions {
            file: self.trace_file.clone(),
            collector: self.trace_collector.clone(),
            settings: TraceSettings {
                timestamps: self.trace_file.is_some() || self.trace_collector.is_some(),
                rate: self.trace_rate,
                count: self.trace_count,
                log_frequency: self.trace_log_frequency,
            },
        }
    }
}
