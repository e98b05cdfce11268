//! `status.yaml`: what Model Navigator attempted, how it ended, and what it measured.

use indexmap::IndexMap;
use serde::Deserialize;
use serde_saphyr::options::NonFiniteFloatPolicy;

use super::metadata::{TensorList, TensorMetadata};
use crate::package::measurement::{Latency, Measurement};
use crate::package::record::{CORRECTNESS, Outcome, PERFORMANCE, Record};

/// The formats that are understood: major and minor.
const FORMATS: &[(u32, u32)] = &[(0, 2), (0, 3)];

/// Why a `status.yaml` cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StatusError {
    /// It is no YAML of that shape.
    #[error("status.yaml cannot be read: {reason}")]
    Malformed {
        /// What is wrong, and where.
        reason: String,
    },
    /// It is of a format that is not understood.
    #[error("status.yaml has format {found}; 0.2.0 to 0.3.2 are understood")]
    Format {
        /// The format it has.
        found: String,
    },
}

/// What the file says, as far as it matters to us; the rest is passed over.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Status {
    /// The format of the package.
    pub format_version: String,
    /// The Model Navigator that wrote it.
    #[serde(default)]
    pub model_navigator_version: Option<String>,
    config: Config,
    #[serde(default, rename = "models_status")]
    models: IndexMap<String, Model>,
    #[serde(default)]
    input_metadata: TensorList,
    #[serde(default)]
    output_metadata: TensorList,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
struct Config {
    framework: String,
    #[serde(default)]
    batch_dim: Option<usize>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
struct Model {
    model_config: ModelConfig,
    #[serde(default)]
    runners_status: IndexMap<String, Runner>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
struct ModelConfig {
    format: String,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
struct Runner {
    #[serde(default)]
    status: IndexMap<String, String>,
    #[serde(default)]
    result: Results,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
struct Results {
    #[serde(default, rename = "Performance")]
    performance: Performance,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
struct Performance {
    #[serde(default)]
    profiling_results: Vec<Profile>,
}

#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
struct Profile {
    #[serde(default)]
    batch_size: Option<usize>,
    avg_latency: f64,
    std_latency: f64,
    p50_latency: f64,
    p90_latency: f64,
    p95_latency: f64,
    p99_latency: f64,
    throughput: f64,
    #[serde(default)]
    request_count: u64,
}

impl Status {
    /// Reads the text of the file.
    pub fn parse(text: &str) -> Result<Self, StatusError> {
        let options = serde_saphyr::options! {
            // What could not be measured stands in the file as `.nan`.
            non_finite_float_policy: NonFiniteFloatPolicy::PassThrough,
            with_snippet: false,
        };
        let status: Self = serde_saphyr::from_str_with_options(text, options).map_err(|error| {
            StatusError::Malformed {
                reason: error.to_string(),
            }
        })?;
        let understood = FORMATS.iter().any(|(major, minor)| {
            let series = format!("{major}.{minor}.");
            status.format_version.starts_with(&series)
        });
        if understood {
            Ok(status)
        } else {
            Err(StatusError::Format {
                found: status.format_version,
            })
        }
    }

    /// What the model was made with: `onnx`, `torch`, `none`, ...
    pub fn framework(&self) -> &str {
        &self.config.framework
    }

    /// The axis of the batch, if the model has one.
    pub const fn batch_axis(&self) -> Option<usize> {
        self.config.batch_dim
    }

    /// The inputs as recorded. The graph knows better.
    pub fn inputs(&self) -> &[TensorMetadata] {
        &self.input_metadata.0
    }

    /// The outputs as recorded. The graph knows better.
    pub fn outputs(&self) -> &[TensorMetadata] {
        &self.output_metadata.0
    }

    /// Keys and formats of the models, in their order.
    pub fn models(&self) -> impl Iterator<Item = (&str, &str)> {
        self.models
            .iter()
            .map(|(key, model)| (key.as_str(), model.model_config.format.as_str()))
    }

    /// Each model on each runner, in order of appearance.
    pub fn runtimes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.models.iter().flat_map(|(key, model)| {
            let runners = model.runners_status.keys();
            runners.map(move |runner| (key.as_str(), runner.as_str()))
        })
    }

    /// What became of every model on every runner, in order of appearance.
    pub fn records(&self) -> Vec<Record> {
        let mut records = Vec::new();
        for (key, model) in &self.models {
            for (name, runner) in &model.runners_status {
                runner.record(key, name, &mut records);
            }
        }
        records
    }
}

impl Runner {
    fn record(&self, model: &str, runner: &str, records: &mut Vec<Record>) {
        let profiles = &self.result.performance.profiling_results;
        for (name, status) in &self.status {
            let step = step_name(name);
            let measurements = if step == PERFORMANCE {
                profiles.iter().map(Profile::measurement).collect()
            } else {
                Vec::new()
            };
            records.push(Record {
                measurements,
                ..Record::new(&step, model, runner, outcome(status))
            });
        }
    }
}

fn step_name(name: &str) -> String {
    match name {
        "Correctness" => CORRECTNESS.to_owned(),
        "Performance" => PERFORMANCE.to_owned(),
        other => other.to_owned(),
    }
}

fn outcome(status: &str) -> Outcome {
    match status {
        "OK" => Outcome::Ok,
        "SKIPPED" | "NOOP" => Outcome::Skipped,
        _ => Outcome::Failed,
    }
}

impl Profile {
    const fn measurement(&self) -> Measurement {
        Measurement {
            batch: self.batch_size,
            latency: Latency {
                mean_ms: self.avg_latency,
                deviation_ms: self.std_latency,
                p50_ms: self.p50_latency,
                p90_ms: self.p90_latency,
                p95_ms: self.p95_latency,
                p99_ms: self.p99_latency,
            },
            throughput: self.throughput,
            requests: self.request_count,
            uncertainty: None,
            at_most: None,
            noisy: false,
        }
    }
}
