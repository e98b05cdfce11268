//! Models that give any number of responses to a request.

use std::time::{Duration, Instant};

use nav_engine::{Batch, ErrorKind, InferError, ModelOptions, Response};

use crate::subject::{NAME, PATIENCE, answer, bytes, echo_all, request, serving, shared};

fn decoupled() -> ModelOptions {
    ModelOptions {
        decoupled: true,
        ..ModelOptions::default()
    }
}

/// Gives as many responses as the input says, then ends.
#[expect(clippy::unnecessary_wraps, reason = "it has the signature of a model")]
fn repeat(batch: &mut Batch) -> Result<(), InferError> {
    let count = bytes(batch.calls().next().unwrap())[0];
    let mut responder = batch.responder(0).unwrap();
    for _ in 0..count {
        if responder.send(Ok(Response::default())).is_err() {
            break;
        }
    }
    responder.end();
    Ok(())
}

#[test]
fn a_decoupled_model_gives_as_many_responses_as_it_likes() {
    let engine = serving(decoupled(), repeat);
    for count in [0, 1, 100] {
        let mut stream = engine.stream(NAME, None, request(&[count]));
        let mut received = 0;
        while let Some(answer) = stream.receive() {
            assert!(answer.result.is_ok() && !answer.is_last);
            received += 1;
        }
        assert_eq!(received, count);
    }
    let statistics = engine.model(NAME, None).unwrap().statistics();
    assert_eq!(
        (statistics.success.count, statistics.execution_count),
        (3, 3)
    );
    assert_eq!(statistics.responses.len(), 100);
    assert_eq!(statistics.responses[0].success.count, 2);
}

#[test]
fn an_error_among_responses_does_not_end_the_stream() {
    let engine = serving(decoupled(), |batch| {
        let mut responder = batch.responder(0).unwrap();
        responder.send(Ok(Response::default())).unwrap();
        responder
            .send(Err(InferError::model("stream error")))
            .unwrap();
        responder.finish(Ok(Response::default()));
        Ok(())
    });
    let mut stream = engine.stream(NAME, None, request(&[1]));
    let next =
        |it: &mut nav_engine::ReplyStream| it.receive().map(|it| (it.result.is_ok(), it.is_last));
    let answers: Vec<_> = (0..4).map(|_| next(&mut stream)).collect();
    assert_eq!(
        answers,
        [
            Some((true, false)),
            Some((false, false)),
            Some((true, true)),
            None
        ]
    );
}

#[test]
fn responses_may_come_from_any_thread_after_the_batch() {
    let threads = shared(Vec::new());
    let started = std::sync::Arc::clone(&threads);
    let engine = serving(decoupled(), move |batch| {
        let mut responder = batch.responder(0).unwrap();
        let run = move || {
            responder.send(Ok(Response::default())).unwrap();
            responder.finish(Ok(Response::default()));
        };
        started
            .lock()
            .unwrap()
            .push(std::thread::Builder::new().spawn(run).unwrap());
        Ok(())
    });
    let mut stream = engine.stream(NAME, None, request(&[1]));
    assert!(!stream.receive().unwrap().is_last);
    assert!(
        stream
            .receive_until(Instant::now() + PATIENCE)
            .unwrap()
            .is_last
    );
    assert!(stream.receive().is_none());
    threads
        .lock()
        .unwrap()
        .drain(..)
        .for_each(|it| it.join().unwrap());
    assert_eq!(engine.requests_in_flight(), 0);
}

#[test]
fn a_receiver_that_goes_away_stops_its_stream() {
    let (sender, stopped) = std::sync::mpsc::channel();
    let sender = std::sync::Mutex::new(sender);
    let engine = serving(decoupled(), move |batch| {
        let mut responder = batch.responder(0).unwrap();
        while responder.send(Ok(Response::default())).is_ok() {}
        assert!(responder.is_cancelled());
        sender.lock().unwrap().send(()).unwrap();
        Ok(())
    });
    let mut stream = engine.stream(NAME, None, request(&[1]));
    assert!(stream.receive().is_some());
    drop(stream);
    stopped.recv_timeout(PATIENCE).unwrap();
}

#[test]
fn a_decoupled_model_has_no_one_response_and_others_have_just_one() {
    let engine = serving(decoupled(), repeat);
    let error = answer(engine.infer(NAME, None, request(&[1]))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    let engine = serving(ModelOptions::default(), echo_all);
    let mut stream = engine.stream(NAME, None, request(&[1]));
    assert!(stream.receive().unwrap().is_last);
    assert!(stream.receive().is_none());
    let mut stream = engine.stream("other", None, request(&[1]));
    assert!(stream.receive().unwrap().result.is_err());
    let later = Instant::now() + Duration::from_millis(1);
    assert!(stream.receive_until(later).is_none());
}

#[test]
fn a_stream_that_is_forgotten_or_panics_ends_with_an_error() {
    let check = |value: u8, expected: &str| {
        let engine = serving(decoupled(), |batch| {
            let should_panic = bytes(batch.call(0).unwrap())[0] == 13;
            let mut responder = batch.responder(0).unwrap();
            responder.send(Ok(Response::default())).unwrap();
            assert!(!should_panic);
            Ok(())
        });
        let mut stream = engine.stream(NAME, None, request(&[value]));
        assert!(stream.receive().unwrap().result.is_ok());
        let error = stream.receive().unwrap().result.unwrap_err();
        assert_eq!(error.to_string(), expected);
        assert!(stream.receive().is_none());
    };
    check(1, "model `subject` gave no answer");
    check(13, "model `subject` panicked: while it was responding");
}
