//! Who can still win: a candidate whose best case is worse than the leader's worst case cannot.

use nav_package_format::package::Measurement;

use super::Prospect;

/// A candidate's measurements.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// What it is called.
    pub name: String,
    /// What was measured.
    pub measurements: Vec<Measurement>,
    /// What a larger batch promises, where there is one to come.
    pub prospect: Option<Prospect>,
}

/// What a candidate must be better by to be of interest, besides the noise.
const MARGIN: f64 = 0.03;

/// For each candidate, why it cannot win any more; none while it can. It can while at one of the batches its
/// throughput or its latency may be the best, or its throughput at a larger one.
pub fn drop_hopeless(standings: &[Standing]) -> Vec<Option<String>> {
    let reasons = standings.iter().map(|standing| {
        if may_overtake(standing, standings) {
            return None;
        }
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
                        "{name} does {:.1}/s where this does {:.1}/s{}, no batch has a lower latency, and none promises more",
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

/// Whether a larger batch may bring more than all others will do for sure.
fn may_overtake(standing: &Standing, standings: &[Standing]) -> bool {
    let Some(prospect) = standing.prospect else {
        return false;
    };
    let rivals = standings.iter().filter(|other| other.name != standing.name);
    let sure = rivals.flat_map(|rival| {
        let promised = rival.prospect.map(|prospect| prospect.least);
        rival.measurements.iter().map(least).chain(promised)
    });
    prospect.most > sure.fold(0.0, f64::max)
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

/// What is done in a second, at best.
pub(super) fn most(measurement: &Measurement) -> f64 {
    measurement.throughput * (1.0 + doubt(measurement))
}

/// What is done in a second, at worst.
pub(super) fn least(measurement: &Measurement) -> f64 {
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
            prospect: None,
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

    #[test]
    fn what_is_worse_at_small_batches_stays_while_it_may_be_the_best_at_a_large_one() {
        let check = |measured: &[(usize, f64, f64)], expected: bool| {
            let of = |name, measured| {
                let standing = standing(name, measured, Some(0.01));
                Standing {
                    prospect: Prospect::at(256, &standing.measurements),
                    ..standing
                }
            };
            // A processor: one millisecond for each sample.
            let leader = of("cpu", &[(1, 1.0, 1000.0), (8, 8.0, 1000.0)]);
            let found = drop_hopeless(&[leader, of("other", measured)]);
            assert_eq!(found[1].is_some(), expected, "{measured:?}");
        };
        // A GPU: nine to call it, and a tenth for each sample.
        check(&[(1, 9.1, 109.9), (8, 9.8, 816.3)], false);
        // Nine to call it, and more for each sample than the processor takes.
        check(&[(1, 10.3, 97.1), (8, 19.4, 412.4)], true);
        // It takes longer, and grows by more.
        check(&[(1, 1.5, 666.7), (8, 12.0, 666.7)], true);
    }
}
