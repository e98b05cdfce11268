//! What the engine tells of itself, and the ways to wait for an answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Instant;

use nav_engine::{FailureReason, InferError, ModelOptions};

use crate::subject::{NAME, answer, busy, bytes, echo_all, request, serving};

#[test]
fn statistics_count_requests_rows_and_runs() {
    let (engine, gate, first) = busy(ModelOptions::batched(4));
    let replies = [&[1, 2][..], &[3]].map(|rows| engine.infer(NAME, None, request(rows)));
    gate.go_on();
    gate.entered();
    gate.go_on();
    answer(first).unwrap();
    for reply in replies {
        answer(reply).unwrap();
    }
    answer(engine.infer(NAME, None, request(&[0; 9]))).unwrap_err();
    let statistics = engine.model(NAME, None).unwrap().statistics();
    assert_eq!(
        (statistics.inference_count, statistics.execution_count),
        (4, 2)
    );
    let counts = [
        statistics.success.count,
        statistics.queue.count,
        statistics.compute_input.count,
        statistics.compute_infer.count,
        statistics.compute_output.count,
        statistics.fail.count,
        statistics.failed(FailureReason::Other),
        statistics.request_times.count(),
        statistics.infer_times.count(),
    ];
    assert_eq!(counts, [3, 3, 3, 3, 3, 1, 1, 3, 2]);
    let batches: Vec<_> = statistics
        .batches
        .iter()
        .map(|(rows, batch)| (*rows, batch.compute_infer.count))
        .collect();
    assert_eq!(batches, [(1, 1), (3, 1)]);
    assert!(statistics.success.ns >= statistics.queue.ns + statistics.compute_infer.ns);
    assert!(statistics.last_inference.is_some());
}

#[test]
fn a_failed_run_counts_as_failed_requests_and_no_execution() {
    let engine = serving(ModelOptions::batched(4), |_| Err(InferError::model("no")));
    answer(engine.infer(NAME, None, request(&[1, 2]))).unwrap_err();
    let statistics = engine.model(NAME, None).unwrap().statistics();
    assert_eq!(
        (statistics.inference_count, statistics.execution_count),
        (0, 0)
    );
    assert_eq!(
        (
            statistics.fail.count,
            statistics.failed(FailureReason::Backend)
        ),
        (1, 1)
    );
}

#[derive(Default)]
struct Unpark(AtomicUsize, std::sync::Mutex<Option<std::thread::Thread>>);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
        self.1.lock().unwrap().as_ref().unwrap().unpark();
    }
}

#[test]
fn an_answer_can_be_polled_for() {
    let (engine, gate, first) = busy(ModelOptions::default());
    let unpark = Arc::new(Unpark::default());
    *unpark.1.lock().unwrap() = Some(std::thread::current());
    let waker = Waker::from(Arc::clone(&unpark));
    let mut context = Context::from_waker(&waker);
    let mut first = std::pin::pin!(first);
    assert!(first.as_mut().poll(&mut context).is_pending());
    gate.go_on();
    let response = loop {
        if let Poll::Ready(result) = first.as_mut().poll(&mut context) {
            break result.unwrap();
        }
        std::thread::park();
    };
    assert_eq!(response.output(0).unwrap().bytes[..], [0]);
    assert_eq!(unpark.0.load(Ordering::SeqCst), 1);
    let again = first.as_mut().poll(&mut context);
    assert!(matches!(again, Poll::Ready(Err(InferError::Cancelled))));
    drop(engine);
}

#[test]
fn waiting_can_be_taken_up_again() {
    let (_engine, gate, first) = busy(ModelOptions::default());
    let first = first.wait_until(Instant::now()).unwrap_err();
    gate.go_on();
    assert_eq!(answer(first).unwrap(), [0]);
}

#[test]
fn a_model_sees_all_that_the_caller_says() {
    let engine = serving(ModelOptions::default(), |batch| {
        let call = batch.calls().next().unwrap();
        assert_eq!((call.id(), call.rows()), (Some("seven"), 1));
        assert_eq!(call.parameters().len(), 1);
        assert!(call.wants(0) && !call.wants(1));
        assert_eq!(bytes(call)[..], [1, 2, 3]);
        echo_all(batch)
    });
    let mut wish = request(&[1, 2, 3]);
    wish.id = Some("seven".into());
    wish.parameters
        .push(("loud".into(), nav_engine::Parameter::Bool(true)));
    wish.outputs.push("y".into());
    wish.inputs[0].frames = [&[1][..], &[2, 3]]
        .map(bytes::Bytes::from_static)
        .into_iter()
        .collect();
    assert_eq!(answer(engine.infer(NAME, None, wish)).unwrap(), [1, 2, 3]);
}
