//! The serving configuration: how a server should run the chosen variant, as it was measured.

use serde::{Deserialize, Serialize};

use super::measurement::Measurement;
use super::record::{PERFORMANCE, Record};
use super::strategy::{Choice, MinLatency, Runtime, Strategy};
use super::variant::Variant;

/// How a server should run a package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Serving {
    /// The variant.
    pub variant: String,
    /// The runner.
    pub runner: String,
    /// The largest batch to form; none for a model without a batch axis.
    pub max_batch: Option<usize>,
    /// Batches to prefer, ascending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub preferred_batches: Vec<usize>,
    /// How long a request may wait for others to share its batch, in microseconds.
    pub queue_delay_us: u64,
    /// How many sessions run side by side.
    pub instances: usize,
    /// Threads that share the work of one operator, for each instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threads: Option<usize>,
}

/// How much less throughput a smaller batch may have and still be the one to prefer: what is left is the noise.
const NEARLY: f64 = 0.97;

/// The longest that a request waits for others.
const LONGEST_DELAY_US: f64 = 5000.0;

impl Serving {
    /// How the choice of this strategy should be run, made of what was measured: none where it names no variant.
    pub fn of_choice(
        choice: &Choice,
        strategy: &str,
        variants: &[Variant],
        records: &[Record],
    ) -> Option<Self> {
        let runtime = &choice.runtime;
        let variant = Variant::find(variants, &runtime.variant, &runtime.runner)?;
        let own = records.iter().filter(|record| {
            record.step == PERFORMANCE && record.is_of(&runtime.variant, &runtime.runner)
        });
        let max_batch = choice.max_batch;
        let fits = |measurement: &&Measurement| measurement.batch <= max_batch;
        let measured: Vec<&Measurement> = own
            .flat_map(|record| &record.measurements)
            .filter(fits)
            .collect();
        let most = measured
            .iter()
            .map(|one| one.throughput)
            .fold(0.0, f64::max);
        let preferred = measured
            .into_iter()
            .filter(|one| one.throughput >= most * NEARLY)
            .min_by_key(|one| one.batch)
            .unwrap_or(&choice.measurement);
        let preferred_batch = preferred.batch.filter(|&batch| batch > 1);
        let waits = strategy != MinLatency.name() && preferred_batch.is_some();
        Some(Self {
            variant: runtime.variant.clone(),
            runner: runtime.runner.clone(),
            max_batch,
            preferred_batches: preferred_batch.into_iter().collect(),
            queue_delay_us: if waits { delay(preferred) } else { 0 },
            instances: variant.instances,
            threads: variant.settings.intra_threads,
        })
    }

    /// The variant and the runner.
    pub fn runtime(&self) -> Runtime {
        Runtime {
            variant: self.variant.clone(),
            runner: self.runner.clone(),
        }
    }
}

/// Half of what a batch takes: the next one is formed while one runs, so waiting longer gains nothing.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it was limited to a few thousand"
)]
fn delay(batch: &Measurement) -> u64 {
    (batch.latency.p50_ms * 1e3 / 2.0).clamp(0.0, LONGEST_DELAY_US) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::package::measurement::Latency;
    use crate::package::record::Outcome;
    use crate::{Device, RunnerSettings};

    fn measured(batch: usize, p50_ms: f64, throughput: f64) -> Measurement {
        Measurement {
            batch: Some(batch),
            latency: Latency {
                p50_ms,
                ..Latency::default()
            },
            throughput,
            ..Measurement::default()
        }
    }

    fn check(
        strategy: &str,
        chosen: usize,
        largest: usize,
        expected: (Option<usize>, &[usize], u64),
    ) {
        let mut record = Record::new(PERFORMANCE, "onnx", "OnnxCPU", Outcome::Ok);
        record.measurements = vec![
            measured(1, 1.0, 1000.0),
            measured(8, 2.0, 3950.0),
            measured(16, 4.0, 4000.0),
            measured(32, 9.0, 3500.0),
        ];
        let measurement = record
            .measurements
            .iter()
            .find(|one| one.batch == Some(chosen));
        let choice = Choice {
            runtime: Runtime {
                variant: "onnx".to_owned(),
                runner: "OnnxCPU".to_owned(),
            },
            measurement: *measurement.unwrap(),
            max_batch: Some(largest),
            ties: Vec::new(),
            why: String::new(),
        };
        let variant = Variant {
            name: "onnx".to_owned(),
            format: "onnx".to_owned(),
            runner: "OnnxCPU".to_owned(),
            device: Device::Cpu,
            settings: RunnerSettings::default(),
            instances: 2,
            files: Vec::new(),
            built_for: None,
        };
        let found = Serving::of_choice(&choice, strategy, &[variant], &[record]).unwrap();
        let (max_batch, preferred, delay) = expected;
        assert_eq!(
            (
                found.max_batch,
                found.preferred_batches.as_slice(),
                found.queue_delay_us
            ),
            (max_batch, preferred, delay)
        );
        assert_eq!(found.instances, 2);
    }

    #[test]
    fn the_smallest_batch_that_does_nearly_as_much_as_the_best_is_preferred() {
        check("max-throughput", 16, 16, (Some(16), &[8], 1000));
        check(
            "max-throughput within 9 ms at p99",
            16,
            32,
            (Some(32), &[8], 1000),
        );
    }

    #[test]
    fn who_wants_the_lowest_latency_does_not_wait() {
        check("min-latency", 1, 1, (Some(1), &[], 0));
        check("min-latency", 1, 16, (Some(16), &[8], 0));
    }
}
