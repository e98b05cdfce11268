use super::*;
use crate::package::evaluation::{Cost, Step};
use crate::package::measurement::{Latency, Measurement, Percentile, PercentileBounds};
use crate::package::record::{CORRECTNESS, Outcome, PERFORMANCE};

/// A variant with a latency and a throughput for each batch; p99 is twice the median.
fn evaluation(variant: &str, batches: &[(usize, f64, f64)]) -> Evaluation {
    let step = |name: &str| Step {
        name: name.to_owned(),
        outcome: Outcome::Ok,
    };
    let measurements = batches
        .iter()
        .map(|&(batch, p50_ms, throughput)| Measurement {
            batch: Some(batch),
            latency: Latency {
                p50_ms,
                p99_ms: 2.0 * p50_ms,
                ..Latency::default()
            },
            throughput,
            requests: 100,
            ..Measurement::default()
        });
    Evaluation {
        variant: variant.to_owned(),
        runner: "OnnxCPU".to_owned(),
        steps: vec![step(CORRECTNESS), step(PERFORMANCE)],
        measurements: measurements.collect(),
        cost: Cost::default(),
    }
}

fn two() -> Vec<Evaluation> {
    vec![
        evaluation(
            "steady",
            &[(1, 2.0, 500.0), (8, 4.0, 2000.0), (64, 30.0, 2100.0)],
        ),
        evaluation("quick", &[(1, 1.0, 1000.0), (8, 6.0, 1300.0)]),
    ]
}

#[track_caller]
fn check(strategy: &dyn Strategy, expected: Result<(&str, usize), &str>) {
    let chosen = strategy.choose(&two());
    let chosen = chosen.map(|choice| (choice.runtime.variant, choice.measurement.batch.unwrap()));
    let expected = expected.map(|(variant, batch)| (variant.to_owned(), batch));
    assert_eq!(
        chosen.map_err(|error| error.to_string()),
        expected.map_err(str::to_owned)
    );
}

#[test]
fn each_strategy_chooses_by_its_own_measure_and_carries_the_batch() {
    check(&MaxThroughput, Ok(("steady", 64)));
    check(&MinLatency, Ok(("quick", 1)));
    let within = |budget_ms, percentile| MaxThroughputWithLatencyBudget {
        budget_ms,
        percentile,
    };
    check(&within(5.0, Percentile::P50), Ok(("steady", 8)));
    check(&within(5.0, Percentile::P99), Ok(("quick", 1)));
    let selected = Runtime {
        variant: "quick".to_owned(),
        runner: "OnnxCPU".to_owned(),
    };
    check(&SelectedRuntime(selected), Ok(("quick", 8)));
}

#[test]
fn what_is_passed_over_is_named_with_the_reason() {
    check(
        &MaxThroughputAndMinLatency,
        Err(
            "max-throughput-and-min-latency chose nothing (steady on OnnxCPU: its latency is not the \
             lowest; quick on OnnxCPU: its throughput is not the highest)",
        ),
    );
    check(
        &MaxThroughputWithLatencyBudget {
            budget_ms: 0.5,
            percentile: Percentile::P50,
        },
        Err(
            "max-throughput within 0.5 ms at p50 chose nothing (steady on OnnxCPU: no batch has a \
             latency within 0.5 ms at p50; quick on OnnxCPU: no batch has a latency within 0.5 ms at p50)",
        ),
    );
    assert_eq!(
        MaxThroughput.choose(&[]).unwrap_err().to_string(),
        "max-throughput chose nothing: there are no candidates"
    );
}

#[test]
fn the_largest_batch_to_form_is_on_the_terms_of_the_strategy() {
    let max_batch = |strategy: &dyn Strategy, evaluations: &[Evaluation]| {
        strategy.choose(evaluations).unwrap().max_batch
    };
    let within = |budget_ms| MaxThroughputWithLatencyBudget {
        budget_ms,
        percentile: Percentile::P50,
    };
    assert_eq!(max_batch(&MaxThroughput, &two()), Some(64));
    assert_eq!(max_batch(&MinLatency, &two()), Some(1));
    assert_eq!(max_batch(&within(5.0), &two()), Some(8));
    // The largest that meets a budget, even where a smaller one did better.
    let peak = [evaluation(
        "peak",
        &[(1, 1.0, 10.0), (4, 2.0, 30.0), (8, 4.0, 20.0)],
    )];
    assert_eq!(max_batch(&within(5.0), &peak), Some(8));
    assert_eq!(max_batch(&MaxThroughput, &peak), Some(4));
    assert_eq!(max_batch(&MaxThroughputAndMinLatency, &peak), Some(4));
}

#[test]
fn what_failed_is_never_chosen_however_fast() {
    let mut evaluations = two();
    evaluations[0].steps[0].outcome = Outcome::Failed;
    assert_eq!(
        MaxThroughput.choose(&evaluations).unwrap().runtime.variant,
        "quick"
    );
}

#[test]
fn equals_are_told_and_the_first_is_taken() {
    let evaluations = [
        evaluation("b", &[(1, 1.0, 10.0)]),
        evaluation("a", &[(1, 1.0, 10.0)]),
    ];
    let choice = MaxThroughput.choose(&evaluations).unwrap();
    assert_eq!(choice.runtime.variant, "b");
    assert_eq!(
        choice
            .ties
            .iter()
            .map(|tie| tie.variant.as_str())
            .collect::<Vec<_>>(),
        ["a"]
    );
}

/// The same, with this much noise, memory and threads.
fn noisy(
    variant: &str,
    batches: &[(usize, f64, f64)],
    noise: f64,
    (megabytes, threads): (u64, usize),
) -> Evaluation {
    let mut evaluation = evaluation(variant, batches);
    for measurement in &mut evaluation.measurements {
        measurement.uncertainty = Some(noise);
    }
    evaluation.cost = Cost {
        memory_bytes: Some(megabytes << 20),
        threads: Some(threads),
    };
    evaluation
}

#[test]
fn within_the_noise_the_cheapest_is_taken_and_the_others_are_told() {
    let check = |evaluations: &[Evaluation], expected: &str, ties: &[&str]| {
        let choice = MaxThroughput.choose(evaluations).unwrap();
        let told: Vec<&str> = choice.ties.iter().map(|tie| tie.variant.as_str()).collect();
        assert_eq!(
            (choice.runtime.variant.as_str(), told.as_slice()),
            (expected, ties)
        );
    };
    let fast = noisy("fast", &[(1, 1.0, 1010.0)], 0.02, (200, 2));
    let small = noisy("small", &[(1, 1.0, 1000.0)], 0.02, (100, 2));
    let narrow = noisy("narrow", &[(1, 1.0, 990.0)], 0.02, (104, 1));
    let slow = noisy("slow", &[(1, 1.0, 900.0)], 0.02, (1, 1));
    let a = noisy("a", &[(1, 1.0, 985.0)], 0.02, (105, 1));
    let all = |last: &[&Evaluation]| -> Vec<Evaluation> {
        let first = [&fast, &slow, &small];
        first.iter().chain(last).map(|&one| one.clone()).collect()
    };
    check(&all(&[]), "small", &["fast"]);
    check(&all(&[&narrow]), "narrow", &["fast", "small"]);
    check(&all(&[&narrow, &a]), "a", &["fast", "small", "narrow"]);
    // What is known exactly is no tie.
    let exact = noisy("exact", &[(1, 1.0, 1100.0)], 0.0, (900, 9));
    check(&all(&[&exact]), "exact", &[]);
}

#[test]
fn a_budget_is_met_with_all_that_the_latency_may_truly_be() {
    let mut evaluation = evaluation("one", &[(1, 1.0, 1000.0), (8, 4.0, 2000.0)]);
    let strategy = MaxThroughputWithLatencyBudget {
        budget_ms: 9.0,
        percentile: Percentile::P99,
    };
    let batch = |evaluation: &Evaluation| {
        let choice = strategy.choose(std::slice::from_ref(evaluation));
        choice.unwrap().measurement.batch
    };
    assert_eq!(batch(&evaluation), Some(8));
    evaluation.measurements[1].at_most = Some(PercentileBounds {
        p99_ms: 9.5,
        ..PercentileBounds::default()
    });
    assert_eq!(batch(&evaluation), Some(1));
}

#[test]
fn one_that_ties_at_both_is_best_at_both() {
    let quick = noisy(
        "quick",
        &[(1, 1.0, 1000.0), (8, 6.0, 1300.0)],
        0.02,
        (10, 1),
    );
    let busy = noisy("busy", &[(1, 1.02, 990.0), (8, 4.0, 2000.0)], 0.02, (20, 2));
    let choice = MaxThroughputAndMinLatency.choose(&[quick, busy.clone()]);
    let choice = choice.unwrap();
    assert_eq!(choice.runtime.variant, "busy");
    assert_eq!(
        (choice.measurement.batch, choice.max_batch),
        (Some(8), Some(8))
    );
    assert_eq!(
        choice.why,
        "busy on OnnxCPU has both the highest throughput, 2000.0/s at batch 8, and the lowest latency, 1.020 ms at batch 1"
    );
    let quicker = noisy(
        "quicker",
        &[(1, 0.5, 1900.0), (8, 6.0, 1300.0)],
        0.02,
        (10, 1),
    );
    assert!(MaxThroughputAndMinLatency.choose(&[quicker, busy]).is_err());
}

#[test]
fn noise_without_bounds_is_no_tie_without_bounds() {
    let fast = noisy("fast", &[(1, 1.0, 1000.0)], 2.0, (200, 2));
    let slow = noisy("slow", &[(1, 1.0, 700.0)], 2.0, (10, 1));
    let choice = MaxThroughput.choose(&[fast, slow]).unwrap();
    assert_eq!(
        (choice.runtime.variant.as_str(), choice.ties.len()),
        ("fast", 0)
    );
}

#[test]
fn within_the_noise_the_smallest_batch_is_taken() {
    let batches = [
        (4, 2.1, 1900.0),
        (8, 4.0, 2000.0),
        (16, 8.0, 2050.0),
        (32, 16.0, 2080.0),
    ];
    let check = |noise, expected| {
        let choice = MaxThroughput.choose(&[noisy("one", &batches, noise, (1, 1))]);
        assert_eq!(choice.unwrap().measurement.batch, Some(expected));
    };
    check(0.0, 32);
    check(0.01, 32);
    check(0.015, 16);
    check(0.03, 8);
    // However noisy it was.
    check(0.5, 8);
}

#[test]
fn a_measurement_that_is_no_number_is_never_the_best() {
    let evaluations = [evaluation("nan", &[(1, f64::NAN, f64::NAN), (2, 1.0, 5.0)])];
    let choice = MaxThroughput.choose(&evaluations).unwrap();
    assert_eq!(choice.measurement.batch, Some(2));
}

#[test]
fn strategies_are_tried_in_their_order() {
    let choice = choose(DEFAULT, &two()).unwrap();
    assert_eq!(
        (choice.runtime.variant.as_str(), choice.measurement.batch),
        ("quick", Some(1))
    );
}
