//! What stays behind when models come and go. Alone in its process, since it looks at the process as a whole.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on panics where it stands"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nav_engine::{
    Batch, Callable, Engine, EngineOptions, Executor, InferError, ModelOptions, ModelSpec, Request,
    Response,
};
use nav_package_format::{DType, Dim, Signature, TensorSpec};
use nav_runners::{LoadError, Tensor};

const PATIENCE: Duration = Duration::from_secs(20);

fn signature() -> Signature {
    let spec = |name: &str| TensorSpec {
        name: name.to_owned(),
        dtype: DType::Uint8,
        dims: Some(vec![Dim::Unknown]),
        optional: false,
    };
    Signature {
        inputs: vec![spec("x")],
        outputs: vec![spec("y")],
    }
}

/// Gives back the inputs of a batch.
#[expect(clippy::unnecessary_wraps, reason = "it has the signature of a model")]
fn echo(batch: &mut Batch) -> Result<(), InferError> {
    for index in 0..batch.len() {
        let input = batch.call(index).and_then(|call| call.input(0)).unwrap();
        let tensor = Tensor {
            desc: input.desc.clone(),
            bytes: input.contiguous(),
        };
        batch.answer(index, Ok(Response::new([tensor])));
    }
    Ok(())
}

/// A model that can be made only while the switch is on.
fn spec(switch: &Arc<AtomicBool>) -> ModelSpec {
    let switch = Arc::clone(switch);
    let backend = Callable::new(signature(), move |_| {
        if switch.load(Ordering::SeqCst) {
            return Ok(Box::new(echo) as Box<dyn Executor>);
        }
        Err(LoadError::Unavailable {
            runner: "Test".to_owned(),
            reason: "it is switched off".to_owned(),
            how_to_get_it: String::new(),
        })
    });
    let options = ModelOptions {
        instances: 2,
        ..ModelOptions::batched(2)
    };
    ModelSpec::new(backend, options)
}

/// Threads, open files and kilobytes of memory of this process.
fn process() -> (usize, usize, usize) {
    let count = |folder: &str| std::fs::read_dir(folder).unwrap().count();
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kilobytes = line
        .and_then(|line| line.split_whitespace().nth(1))
        .unwrap();
    (
        count("/proc/self/task"),
        count("/proc/self/fd"),
        kilobytes.parse().unwrap(),
    )
}

#[test]
fn loads_and_unloads_leave_nothing_behind() {
    let engine = Engine::new(EngineOptions::default()).unwrap();
    let switch = Arc::new(AtomicBool::new(true));
    let cycle = || {
        switch.store(false, Ordering::SeqCst);
        engine.load("model", 1, spec(&switch)).unwrap_err();
        switch.store(true, Ordering::SeqCst);
        engine.load("model", 1, spec(&switch)).unwrap();
        let request = Request::new().with_input("x", DType::Uint8, [1], vec![7]);
        engine.infer("model", None, request).wait().unwrap();
        let retired = engine.unload("model", None);
        assert!(retired.wait(Instant::now() + PATIENCE));
    };
    for _ in 0..50 {
        cycle();
    }
    let (_, files, kilobytes) = process();
    for _ in 0..1000 {
        cycle();
    }
    // The test's own, its harness's and the engine's clock. Those of models have told that they end, and then do.
    let until = Instant::now() + PATIENCE;
    while process().0 > 3 && Instant::now() < until {
        std::thread::yield_now();
    }
    let (threads, files_after, kilobytes_after) = process();
    assert!(threads <= 3, "{threads} threads");
    assert_eq!(files_after, files);
    let grown = kilobytes_after.saturating_sub(kilobytes);
    assert!(grown < 2048, "{grown} kB more than before");
}
