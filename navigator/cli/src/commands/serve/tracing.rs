//! What is traced, and where traces go, as it is typed.

use std::path::PathBuf;

use clap::Args;
use nav_serve::{TraceOptions, TraceSettings};

/// The arguments about traces.
#[derive(Args, Debug)]
pub(crate) struct TraceArgs {
    /// Write the times of requests to this file, as tools for Triton read them.
    #[arg(long = "trace-file", value_name = "FILE")]
    file: Option<PathBuf>,
    /// Send the times of requests as OpenTelemetry spans to this collector, over gRPC, such as
    /// `http://localhost:4317`.
    #[arg(long = "trace-collector", value_name = "URL")]
    collector: Option<String>,
    /// Trace one in how many requests; 0 for those only that their callers trace.
    #[arg(long = "trace-rate", default_value_t = 1000, value_name = "COUNT")]
    rate: u32,
    /// Trace so many requests, and then no more.
    #[arg(long = "trace-count", value_name = "COUNT")]
    count: Option<u32>,
    /// Begin a new trace file after so many requests.
    #[arg(
        long = "trace-log-frequency",
        default_value_t = 0,
        value_name = "COUNT"
    )]
    log_frequency: u32,
}

impl TraceArgs {
    /// What they come to. Whoever says where traces go wants some.
    pub(super) fn options(&self) -> TraceOptions {
        TraceOptions {
            file: self.file.clone(),
            collector: self.collector.clone(),
            settings: TraceSettings {
                timestamps: self.file.is_some() || self.collector.is_some(),
                rate: self.rate,
                count: self.count,
                log_frequency: self.log_frequency,
            },
        }
    }
}
