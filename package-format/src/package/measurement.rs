//! Measurements: how long runs took, and how much got done.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How a variant did at one batch size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// How many samples were in a batch; none for a model without a batch axis.
    pub batch: Option<usize>,
    /// How long a batch took.
    pub latency: Latency,
    /// How many samples were done in a second.
    pub throughput: f64,
    /// How many batches were measured.
    pub requests: u64,
    /// How far the true median may be from the one found, as a part of it, 19 times in 20; none where
    /// that is not known. What lies within it is no difference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uncertainty: Option<f64>,
    /// The most that the true percentiles may be, 19 times in 20; none where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<PercentileBounds>,
    /// Whether the time was up before the uncertainty was small enough.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub noisy: bool,
}

/// The spread of latencies, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// The mean.
    pub mean_ms: f64,
    /// The standard deviation.
    pub deviation_ms: f64,
    /// The median.
    pub p50_ms: f64,
    /// Nine in ten were faster.
    pub p90_ms: f64,
    /// Nineteen in twenty were faster.
    pub p95_ms: f64,
    /// Ninety-nine in a hundred were faster.
    pub p99_ms: f64,
}

/// A bound on each percentile, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PercentileBounds {
    /// Of the median.
    pub p50_ms: f64,
    /// Of the 90th.
    pub p90_ms: f64,
    /// Of the 95th.
    pub p95_ms: f64,
    /// Of the 99th.
    pub p99_ms: f64,
}

/// A percentile that latencies are kept at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Percentile {
    /// The median.
    P50,
    /// The 90th.
    P90,
    /// The 95th.
    P95,
    /// The 99th.
    P99,
}

impl Percentile {
    /// Every percentile, in order.
    pub const ALL: &'static [Self] = &[Self::P50, Self::P90, Self::P95, Self::P99];

    /// The name users type.
    pub const fn name(self) -> &'static str {
        match self {
            Self::P50 => "p50",
            Self::P90 => "p90",
            Self::P95 => "p95",
            Self::P99 => "p99",
        }
    }
}

impl Measurement {
    /// The most that the latency at a percentile may be, as far as that is known, in milliseconds.
    pub fn latency_at_most(&self, percentile: Percentile) -> f64 {
        let Some(bounds) = &self.at_most else {
            return self.latency.at(percentile);
        };
        let bound = match percentile {
            Percentile::P50 => bounds.p50_ms,
            Percentile::P90 => bounds.p90_ms,
            Percentile::P95 => bounds.p95_ms,
            Percentile::P99 => bounds.p99_ms,
        };
        bound.max(self.latency.at(percentile))
    }
}

impl Latency {
    /// The latency at a percentile, in milliseconds.
    pub const fn at(&self, percentile: Percentile) -> f64 {
        match percentile {
            Percentile::P50 => self.p50_ms,
            Percentile::P90 => self.p90_ms,
            Percentile::P95 => self.p95_ms,
            Percentile::P99 => self.p99_ms,
        }
    }
}

impl fmt::Display for Percentile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A text that names no percentile.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no percentile; there are p50, p90, p95 and p99")]
pub struct UnknownPercentile {
    /// The text as given.
    pub text: String,
}

impl FromStr for Percentile {
    type Err = UnknownPercentile;

    fn from_str(text: &str) -> Result<Self, UnknownPercentile> {
        let known = Self::ALL
            .iter()
            .copied()
            .find(|percentile| percentile.name() == text);
        known.ok_or_else(|| UnknownPercentile {
            text: text.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_read_back_as_they_are_written() {
        for &percentile in Percentile::ALL {
            assert_eq!(percentile.to_string().parse(), Ok(percentile));
        }
        assert!("p42".parse::<Percentile>().is_err());
    }
}
