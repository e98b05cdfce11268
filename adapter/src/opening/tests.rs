use super::*;

/// Finds nothing: only options are looked at.
#[derive(Debug)]
struct Nothing;

impl FindModels for Nothing {
    fn file(
        &self,
        _: &FileWish<'_>,
    ) -> Result<RunnerHandle, Box<dyn std::error::Error + Send + Sync>> {
        Err("nothing".into())
    }

    fn package(&self, _: &Path) -> Result<Prepared, Box<dyn std::error::Error + Send + Sync>> {
        Err("nothing".into())
    }
}

fn packed() -> Serving {
    Serving {
        variant: "onnx".to_owned(),
        runner: "OnnxCPU".to_owned(),
        max_batch: Some(16),
        preferred_batches: vec![4, 8],
        queue_delay_us: 300,
        instances: 2,
        threads: Some(1),
    }
}

/// The most rows, the preferred sizes and the delay, the instances.
fn check(
    instead: Instead,
    packed: Option<&Serving>,
    expected: (usize, Option<(&[usize], u64)>, usize),
) {
    let options = Opener::new(Nothing).serving(instead).options(packed);
    let batching = options.batching.as_ref();
    let batching = batching.map(|it| (&*it.preferred_sizes, it.delay));
    let (max_batch, policy, instances) = expected;
    let policy = policy.map(|(sizes, delay)| (sizes, Duration::from_micros(delay)));
    assert_eq!(
        (options.max_batch, batching, options.instances),
        (max_batch, policy, instances)
    );
    assert_eq!(options.cache, instead.cache);
}

#[test]
fn a_package_is_served_as_it_says_unless_something_else_is_said() {
    let packed = packed();
    let plain = Instead::default();
    check(plain, Some(&packed), (16, Some((&[4, 8], 300)), 2));
    let smaller = Instead {
        max_batch: Some(4),
        queue_delay: Some(Duration::ZERO),
        instances: Some(1),
        cache: true,
    };
    check(smaller, Some(&packed), (4, Some((&[4], 0)), 1));
    let alone = Instead {
        max_batch: Some(0),
        ..plain
    };
    check(alone, Some(&packed), (0, None, 2));
    check(plain, None, (0, None, 1));
    let batched = Instead {
        max_batch: Some(8),
        queue_delay: Some(Duration::from_micros(5)),
        ..plain
    };
    check(batched, None, (8, Some((&[], 5)), 1));
}
