//! Who can still win: a candidate whose best case is worse than the leader's worst case cannot.

use nav_package_format::package::Measurement;

/// A candidate's measurements.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// What it is called.
    pub name: String,
    /// What was measured.
    pub measurements: Vec<Measurement>,
}

/// What a candidate must be better by to be of interest, besides the noise.
const MARGIN: f64 = 0.03;

/// For each candidate, why it cannot win any more; none while it can. It can while at one of the batches its
/// throughput or its latency may be the best.
pub fn drop_hopeless(standings: &[Standing]) -> Vec<Option<String>> {
    let reasons = standings.iter().map(|standing| {
        let mut reason = None;
        for measurement in &standing.measurements {
            let rivals = standings.iter().filter(|other| other.name != standing.name);
            let at_batch = rivals.flat_map(|rival| {
                let same = rival.measurements.iter();
                let same = same.filter(|other| other.batch == measurement.batch);
                same.map(|other| (rival.name.as_str(), other))
            });
            let rivals: Vec<(&str, &Measurement)> = at_batch.collect();
            let faster = rivals
                .iter()
                .find(|(_, rival)| slowest(rival) < fastest(measurement));
            let busier = rivals
                .iter()
                .find(|(_, rival)| least(rival) > most(measurement));
            match (faster, busier) {
                (Some(_), Some((name, rival))) => {
                    reason = Some(format!(
                        "{name} does {:.1}/s where this does {:.1}/s{}, and no batch has a lower latency",
                        rival.throughput,
                        measurement.throughput,
                        at(measurement.batch),
                    ));
                }
                // Best at something.
                _ => return None,
            }
        }
        reason
    });
    reasons.collect()
}

fn at(batch: Option<usize>) -> String {
    batch.map_or_else(String::new, |batch| format!(" at batch {batch}"))
}

/// Half the width of a result, as a part of it. What has no interval may be anything within half of it.
fn doubt(measurement: &Measurement) -> f64 {
    measurement.uncertainty.unwrap_or(0.5).min(0.5) + MARGIN / 2.0
}

fn slowest(measurement: &Measurement) -> f64 {
    measurement.latency.p50_ms * (1.0 + doubt(measurement))
}

fn fastest(measurement: &Measurement) -> f64 {
    measurement.latency.p50_ms * (1.0 - doubt(measurement))
}

fn most(measurement: &Measurement) -> f64 {
    measurement.throughput * (1.0 + doubt(measurement))
}

fn least(measurement: &Measurement) -> f64 {
    measurement.throughput * (1.0 - doubt(measurement))
}

#[cfg(test)]
mod tests {
    use nav_package_format::package::Latency;

    use super::*;

    fn standing(name: &str, measured: &[(usize, f64, f64)], uncertainty: Option<f64>) -> Standing {
        let measurements = measured
            .iter()
            .map(|&(batch, p50_ms, throughput)| Measurement {
                batch: Some(batch),
                latency: Latency {
                    p50_ms,
                    ..Latency::default()
                },
                throughput,
                uncertainty,
                ..Measurement::default()
            });
        Standing {
            name: name.to_owned(),
            measurements: measurements.collect(),
        }
    }

    #[test]
    fn only_what_is_worse_at_everything_beyond_the_noise_is_dropped() {
        let check = |standings: &[Standing], expected: &[bool]| {
            let dropped = drop_hopeless(standings);
            let dropped: Vec<bool> = dropped.iter().map(Option::is_some).collect();
            assert_eq!(dropped, expected);
        };
        let sure = Some(0.01);
        let leader = standing("a", &[(1, 1.0, 1000.0), (8, 4.0, 2000.0)], sure);
        // Slower and less at both batches.
        let slow = standing("b", &[(1, 1.2, 833.0), (8, 5.0, 1600.0)], sure);
        check(&[leader.clone(), slow], &[false, true]);
        // Slower by less than the noise.
        let close = standing("c", &[(1, 1.02, 980.0), (8, 4.08, 1960.0)], sure);
        check(&[leader.clone(), close], &[false, false]);
        // Slower, but with more instances.
        let wide = standing("d", &[(1, 1.5, 1333.0), (8, 6.0, 2666.0)], sure);
        check(&[leader.clone(), wide], &[false, false]);
        // Worse at one batch, better at the other.
        let mixed = standing("e", &[(1, 0.8, 1250.0), (8, 6.0, 1333.0)], sure);
        check(&[leader.clone(), mixed], &[false, false]);
        // Nothing is known for sure.
        let unsure = standing("f", &[(1, 1.4, 714.0)], None);
        check(&[leader.clone(), unsure], &[false, false]);
        check(&[leader], &[false]);
    }
}
