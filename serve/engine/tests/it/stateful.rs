//! Models whose sequences the engine tells them of and keeps something of.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use nav_engine::{
    Batch, Call, Callable, Control, ControlInput, Correlation, CorrelationId, Engine,
    EngineOptions, ErrorKind, Flag, InferError, InitialState, ModelOptions, ModelSpec, ReplyFuture,
    Request, Response, SequencePolicy, State, Tensor, TensorDesc,
};
use nav_package_format::{DType, Dim, Shape, Signature, TensorSpec};

use crate::subject::{NAME, PATIENCE, shared};

/// What the model fails at.
const BAD: u8 = 255;
/// What it answers with a sum that no request could take.
const ODD: u8 = 254;

/// Inputs and outputs that clients know lie between those that they do not.
fn signature() -> Signature {
    let spec = |(name, dtype, extent): (&str, DType, Dim)| TensorSpec {
        name: name.to_owned(),
        dtype,
        dims: Some(vec![Dim::Unknown, extent]),
        optional: false,
    };
    let one = || Dim::Fixed(1);
    Signature {
        inputs: [
            ("start", DType::Bool, one()),
            ("sum_before", DType::Uint8, Dim::Unknown),
            ("x", DType::Uint8, Dim::Unknown),
            ("end", DType::Int32, one()),
            ("ready", DType::Fp32, one()),
            ("id", DType::Uint64, one()),
        ]
        .map(spec)
        .to_vec(),
        outputs: [
            ("sum_after", DType::Uint8, Dim::Unknown),
            ("told", DType::Uint8, Dim::Fixed(4)),
            ("y", DType::Uint8, Dim::Unknown),
        ]
        .map(spec)
        .to_vec(),
    }
}

fn policy() -> SequencePolicy {
    let control = |name: &str, control| ControlInput {
        name: name.into(),
        control,
    };
    SequencePolicy {
        idle: Duration::from_mins(1),
        controls: vec![
            control("id", Control::CorrelationId(DType::Uint64)),
            control("start", Control::Start(Flag::bool(false, true))),
            control("ready", Control::Ready(Flag::fp32(0.0, 2.0))),
            control("end", Control::End(Flag::int32(8, 9))),
        ],
        states: vec![State {
            input: "sum_before".into(),
            output: "sum_after".into(),
            ..State::default()
        }],
        ..SequencePolicy::default()
    }
}

fn options(policy: SequencePolicy) -> ModelOptions {
    ModelOptions {
        sequences: Some(policy),
        ..ModelOptions::batched(4)
    }
}

/// Adds what it is sent to the sum so far; one that is wider starts where it is not.
fn summed(call: &Call) -> Result<Response, InferError> {
    let bytes = |index: usize| call.input(index).unwrap().contiguous();
    let (before, x) = (bytes(1), bytes(2));
    if x.contains(&BAD) {
        return Err(InferError::model("bad"));
    }
    let rows = call.rows();
    let (old, new) = (before.len() / rows, x.len() / rows);
    let row = |row: usize| {
        let before = &before[row * old..][..old];
        let x = &x[row * new..][..new];
        let sums = x
            .iter()
            .enumerate()
            .map(|(at, x)| x + before.get(at).unwrap_or(&0));
        sums.collect::<Vec<u8>>()
    };
    let sums: Vec<u8> = (0..rows).flat_map(row).collect();
    let told = (0..rows).flat_map(|row| {
        let number = |index: usize, size: usize| bytes(index)[row * size];
        let ready = bytes(4)[row * 4 + 3];
        [number(0, 1), number(3, 4), ready, number(5, 8)]
    });
    let told: Vec<u8> = told.collect();
    let tensor = |index, bytes: Vec<u8>, rows: usize| {
        let shape = Shape::from([rows, bytes.len() / rows]);
        let (dtype, byte_size) = (DType::Uint8, bytes.len());
        let desc = TensorDesc {
            index,
            dtype,
            shape,
            byte_size,
        };
        Tensor {
            desc,
            bytes: bytes.into(),
        }
    };
    let mut outputs = vec![
        tensor(0, sums.clone(), if x.contains(&ODD) { 1 } else { rows }),
        tensor(1, told, rows),
        tensor(2, sums, rows),
    ];
    outputs.retain(|tensor| call.wants(tensor.desc.index));
    Ok(Response::new(outputs))
}

fn sum_up(batch: &mut Batch) {
    for index in 0..batch.len() {
        let answer = summed(batch.call(index).unwrap());
        batch.answer(index, answer);
    }
}

fn load(engine: &Engine, policy: SequencePolicy) {
    let backend = Callable::shared(signature(), |batch: &mut Batch| {
        sum_up(batch);
        Ok(())
    });
    let spec = ModelSpec::new(backend, options(policy));
    engine.load(NAME, 1, spec).unwrap();
}

fn serving(policy: SequencePolicy) -> Engine {
    let engine = crate::subject::engine();
    load(&engine, policy);
    engine
}

fn part(id: u64, flags: &str, rows: &[&[u8]]) -> Request {
    let columns = rows.first().map_or(0, |row| row.len());
    let mut request =
        Request::new().with_input("x", DType::Uint8, [rows.len(), columns], rows.concat());
    request.correlation = Some(Correlation {
        id: CorrelationId::Number(id),
        start: flags.contains('s'),
        end: flags.contains('e'),
        owner: None,
    });
    request
}

/// The outputs of a response, in the positions that clients know.
fn outputs(reply: ReplyFuture) -> Result<Vec<(usize, Vec<u8>)>, InferError> {
    let response = reply.wait_until(Instant::now() + PATIENCE).unwrap()?;
    let outputs = response.outputs.iter();
    Ok(outputs
        .map(|tensor| (tensor.desc.index, tensor.bytes.to_vec()))
        .collect())
}

/// The sum that a request gets.
fn sum(engine: &Engine, id: u64, flags: &str, x: u8) -> Result<u8, InferError> {
    let outputs = outputs(engine.infer(NAME, None, part(id, flags, &[&[x]])))?;
    Ok(outputs.last().unwrap().1[0])
}

fn forgets_all(engine: &Engine) {
    let until = Instant::now() + PATIENCE;
    while engine.state_bytes() > 0 {
        assert!(Instant::now() < until, "it is never forgotten");
        std::thread::yield_now();
    }
}

fn text(result: Result<u8, InferError>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn clients_know_nothing_of_what_is_filled_in() {
    let engine = serving(policy());
    let model = engine.model(NAME, None).unwrap();
    let names = |specs: &[TensorSpec]| specs.iter().map(|it| it.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&model.signature().inputs), ["x"]);
    assert_eq!(names(&model.signature().outputs), ["told", "y"]);
    let answer = outputs(engine.infer(NAME, None, part(0x0103, "s", &[&[7]]))).unwrap();
    // It begins, does not end, is ready, and what its sequence is called.
    assert_eq!(answer, [(0, vec![1, 8, 0x40, 3]), (1, vec![7])]);
    let answer = outputs(engine.infer(NAME, None, part(0x0103, "e", &[&[1]]))).unwrap();
    assert_eq!(answer, [(0, vec![0, 9, 0x40, 3]), (1, vec![8])]);
    for name in ["start", "sum_before"] {
        let request = part(1, "s", &[&[7]]).with_input(name, DType::Bool, [1, 1], vec![1]);
        let error = outputs(engine.infer(NAME, None, request)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    }
}

#[test]
fn what_a_request_leaves_is_what_the_next_one_goes_on_with() {
    let engine = serving(policy());
    let check = |id, flags, x, expected| {
        assert_eq!(sum(&engine, id, flags, x).unwrap(), expected);
    };
    check(1, "s", 1, 1);
    check(2, "s", 10, 10);
    check(1, "", 2, 3);
    check(2, "", 20, 30);
    assert_eq!(engine.state_bytes(), 2);
    // In the middle of it, another one of the same name.
    check(1, "s", 5, 5);
    check(1, "", 5, 10);
    check(1, "e", 5, 15);
    assert!(text(sum(&engine, 1, "", 1)).contains("does not run"));
    check(1, "se", 5, 5);
    check(2, "e", 30, 60);
    assert_eq!(engine.state_bytes(), 0);
}

#[test]
fn a_request_that_fails_leaves_its_sequence_as_it_was() {
    let engine = serving(policy());
    assert_eq!(text(sum(&engine, 1, "s", BAD)), "bad");
    assert_eq!(sum(&engine, 1, "", 3).unwrap(), 3, "it has begun");
    assert_eq!(text(sum(&engine, 1, "", BAD)), "bad");
    assert_eq!(sum(&engine, 1, "", 4).unwrap(), 7);
    // One row too few, and what comes of the others would be nobody's.
    let request = part(2, "s", &[&[1], &[ODD]]);
    let error = outputs(engine.infer(NAME, None, request)).unwrap_err();
    let expected = "what is kept for input `sum_before` of the next request cannot be: its shape is [1,2], for 2 rows";
    assert_eq!(error.to_string(), expected);
    assert_eq!(error.kind(), ErrorKind::Internal);
    let request = part(2, "", &[&[1], &[2]]);
    let answer = outputs(engine.infer(NAME, None, request)).unwrap();
    assert_eq!(answer[1], (1, vec![1, 2]));
}

#[test]
fn sequences_that_share_a_batch_keep_to_themselves() {
    let (enter, entered) = channel();
    let (go_on, may_go_on) = channel();
    let (enter, may_go_on) = (shared(enter), shared(may_go_on));
    let backend = Callable::shared(signature(), move |batch: &mut Batch| {
        // A test that is over does not care any more.
        let _told = enter.lock().unwrap().send(batch.len());
        let _gone = may_go_on.lock().unwrap().recv();
        sum_up(batch);
        Ok(())
    });
    let engine = crate::subject::engine();
    let spec = ModelSpec::new(backend, options(policy()));
    engine.load(NAME, 1, spec).unwrap();
    let ask = |id, flags, rows: &[&[u8]]| engine.infer(NAME, None, part(id, flags, rows));
    let batch = || entered.recv_timeout(PATIENCE).unwrap();
    let first = ask(9, "s", &[&[1]]);
    assert_eq!(batch(), 1);
    let mut sums = [0; 3];
    for step in 1..4 {
        let flags = if step == 1 { "s" } else { "" };
        // Two rows of a sequence of its own each.
        let replies = [
            ask(0, flags, &[&[step]]),
            ask(1, flags, &[&[2 * step], &[3 * step]]),
        ];
        go_on.send(()).unwrap();
        assert_eq!(batch(), 2);
        for (sum, step) in sums.iter_mut().zip([step, 2 * step, 3 * step]) {
            *sum += step;
        }
        // Something to be busy with while the next two come.
        let busy = ask(9, "", &[&[1]]);
        go_on.send(()).unwrap();
        let [one, two] = replies.map(|reply| outputs(reply).unwrap().pop().unwrap().1);
        assert_eq!((&one[..], &two[..]), (&sums[..1], &sums[1..]));
        assert_eq!(batch(), 1);
        drop(busy);
    }
    drop(go_on);
    drop(first);
}

#[test]
fn what_is_kept_may_grow_and_shares_batches_with_its_like_only() {
    let engine = serving(policy());
    let ask = |flags: &str, row: &[u8]| {
        let request = part(1, flags, &[row]);
        outputs(engine.infer(NAME, None, request)).unwrap()[1]
            .1
            .clone()
    };
    assert_eq!(ask("s", &[1]), [1]);
    assert_eq!(ask("", &[1, 1, 1]), [2, 1, 1]);
    assert_eq!(engine.state_bytes(), 3);
    assert_eq!(ask("", &[4]), [6]);
    assert_eq!(engine.state_bytes(), 1);
}

#[test]
fn a_sequence_has_the_rows_that_it_began_with() {
    let engine = serving(policy());
    let ask = |flags: &str, rows: &[&[u8]]| outputs(engine.infer(NAME, None, part(1, flags, rows)));
    let answer = ask("s", &[&[1], &[2]]).unwrap();
    let told = vec![1, 8, 0x40, 1, 1, 8, 0x40, 1];
    assert_eq!(answer, [(0, told), (1, vec![1, 2])]);
    let error = ask("", &[&[1]]).unwrap_err();
    let expected = "sequence 1 began with 2 rows, and the request has 1";
    assert_eq!(error.to_string(), expected);
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(ask("", &[&[3], &[3]]).unwrap()[1].1, [4, 5]);
}

#[test]
fn a_sequence_begins_with_what_it_is_said_to() {
    let mut policy = policy();
    policy.states[0].initial = Some(InitialState {
        shape: [2].into(),
        bytes: vec![40, 50].into(),
    });
    policy.states[0].is_told = true;
    let engine = serving(policy);
    let model = engine.model(NAME, None).unwrap();
    assert_eq!(model.signature().outputs.len(), 3);
    let mut request = part(1, "s", &[&[1, 1], &[2, 2]]);
    let answer = outputs(engine.infer(NAME, None, request.clone())).unwrap();
    assert_eq!(
        (answer[0].0, answer[0].1.as_slice()),
        (0, &[41, 51, 42, 52][..])
    );
    assert_eq!(answer[2], (2, vec![41, 51, 42, 52]));
    // Only what is asked for is given, and what is kept is kept anyhow.
    request.outputs.push("y".into());
    request.correlation = part(1, "", &[]).correlation;
    for expected in [[42, 52, 44, 54], [43, 53, 46, 56]] {
        let answer = outputs(engine.infer(NAME, None, request.clone())).unwrap();
        assert_eq!(answer, [(2, expected.to_vec())]);
    }
}

#[test]
fn an_output_that_is_kept_is_none_for_clients() {
    let engine = serving(policy());
    let mut request = part(1, "s", &[&[1]]);
    request.outputs.push("sum_after".into());
    let error = outputs(engine.infer(NAME, None, request.clone())).unwrap_err();
    assert_eq!(error.to_string(), "the model has no output `sum_after`");
    request.outputs = std::iter::once("y".into()).collect();
    for (flags, expected) in [("s", 1), ("", 2)] {
        request.correlation = part(1, flags, &[]).correlation;
        let answer = outputs(engine.infer(NAME, None, request.clone())).unwrap();
        assert_eq!(answer, [(1, vec![expected])]);
    }
}

#[test]
fn there_is_only_so_much_room_for_what_is_kept() {
    let engine = Engine::new(EngineOptions {
        max_state_bytes: 2,
        ..EngineOptions::default()
    });
    let engine = engine.unwrap();
    load(&engine, policy());
    for id in [1, 2] {
        assert_eq!(sum(&engine, id, "s", 1).unwrap(), 1);
    }
    let error = sum(&engine, 3, "s", 1).unwrap_err();
    let expected = "what is kept of sequences holds 2 bytes, which is the limit";
    assert_eq!(error.to_string(), expected);
    assert_eq!(error.kind(), ErrorKind::Overloaded);
    assert_eq!(sum(&engine, 1, "", 1).unwrap(), 2, "it takes no more");
    assert_eq!(sum(&engine, 2, "e", 1).unwrap(), 2);
    assert_eq!(sum(&engine, 3, "", 4).unwrap(), 4);
    assert_eq!(engine.state_bytes(), 2);
    assert!(engine.unload(NAME, None).wait(Instant::now() + PATIENCE));
    forgets_all(&engine);
}

#[test]
fn nothing_is_kept_of_a_sequence_that_does_nothing_for_too_long() {
    let engine = serving(SequencePolicy {
        idle: Duration::from_millis(20),
        ..policy()
    });
    assert_eq!(sum(&engine, 1, "s", 1).unwrap(), 1);
    forgets_all(&engine);
    assert!(text(sum(&engine, 1, "", 1)).contains("does not run"));
}

#[test]
fn a_sequence_outlives_what_ran_it() {
    let panics = Arc::new(AtomicBool::new(false));
    let switch = Arc::clone(&panics);
    let backend = Callable::shared(signature(), move |batch: &mut Batch| {
        assert!(!switch.swap(false, Ordering::SeqCst), "as it was told to");
        sum_up(batch);
        Ok(())
    });
    let engine = crate::subject::engine();
    let spec = ModelSpec::new(backend, options(policy()));
    engine.load(NAME, 1, spec).unwrap();
    assert_eq!(sum(&engine, 1, "s", 1).unwrap(), 1);
    panics.store(true, Ordering::SeqCst);
    assert!(text(sum(&engine, 1, "", 1)).contains("panicked"));
    assert_eq!(sum(&engine, 1, "", 1).unwrap(), 2);
}

#[test]
fn answers_that_are_given_later_leave_what_the_next_request_needs() {
    let backend = Callable::shared(signature(), |batch: &mut Batch| {
        for index in 0..batch.len() {
            let answer = summed(batch.call(index).unwrap());
            batch.responder(index).unwrap().finish(answer);
        }
        Ok(())
    });
    let engine = crate::subject::engine();
    let spec = ModelSpec::new(backend, options(policy()));
    engine.load(NAME, 1, spec).unwrap();
    for (flags, x, expected) in [("s", 1, 1), ("", 2, 3), ("", 3, 6), ("e", 4, 10)] {
        assert_eq!(sum(&engine, 1, flags, x).unwrap(), expected);
    }
    assert_eq!(engine.state_bytes(), 0);
}

#[test]
fn a_model_is_told_numbers_only() {
    let engine = serving(policy());
    let mut request = part(1, "s", &[&[1]]);
    let id = CorrelationId::Text("mine".into());
    request.correlation.as_mut().unwrap().id = id;
    let error = outputs(engine.infer(NAME, None, request)).unwrap_err();
    let expected = "sequence `mine` has no number for a name, and the model takes no others";
    assert_eq!(error.to_string(), expected);
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[test]
fn requests_to_warm_up_are_filled_in_where_they_say_nothing() {
    let seen = shared(Vec::new());
    let note = Arc::clone(&seen);
    let backend = Callable::shared(signature(), move |batch: &mut Batch| {
        let answer = summed(batch.call(0).unwrap())?;
        let told = |index| answer.output(index).unwrap().bytes.to_vec();
        note.lock().unwrap().push((told(1), told(2)));
        batch.answer(0, Ok(answer));
        Ok(())
    });
    let mut spec = ModelSpec::new(backend, options(policy()));
    let plain = Request::new().with_input("x", DType::Uint8, [1, 1], vec![7]);
    let told = plain
        .clone()
        .with_input("start", DType::Bool, [1, 1], vec![0]);
    let told = told.with_input("sum_before", DType::Uint8, [1, 1], vec![5]);
    spec.warm_up = vec![plain, told];
    crate::subject::engine().load(NAME, 1, spec).unwrap();
    let expected = [
        (vec![1, 9, 0x40, 0], vec![7]),
        (vec![0, 9, 0x40, 0], vec![12]),
    ];
    assert_eq!(*seen.lock().unwrap(), expected);
}

#[test]
fn what_cannot_be_filled_in_is_named() {
    let check = |change: &dyn Fn(&mut SequencePolicy), expected: &str| {
        let mut policy = policy();
        change(&mut policy);
        let fault = policy.check(&signature(), true).unwrap_err();
        assert_eq!(fault.to_string(), expected);
        let backend = Callable::shared(signature(), |_: &mut Batch| Ok(()));
        let spec = ModelSpec::new(backend, options(policy));
        let error = crate::subject::engine().load(NAME, 1, spec).unwrap_err();
        assert_eq!(error.to_string(), expected);
    };
    assert_eq!(policy().check(&signature(), true), Ok(()));
    check(
        &|it| it.controls[1].name = "begin".into(),
        "control 1 of sequences: the model has no input `begin`",
    );
    check(
        &|it| it.controls[1].name = "id".into(),
        "control 1 of sequences: `id` is filled in twice",
    );
    check(
        &|it| it.controls[3].control = it.controls[1].control.clone(),
        "control 3 of sequences: it is told twice",
    );
    check(
        &|it| it.controls[0].control = Control::CorrelationId(DType::Fp32),
        "control 0 of sequences: the name of a sequence cannot be told in FP32",
    );
    check(
        &|it| it.controls[0].control = Control::CorrelationId(DType::Int64),
        "control 0 of sequences: it is INT64, and input `id` is UINT64",
    );
    check(
        &|it| it.states[0].input = "sum".into(),
        "state 0 of sequences: the model has no input `sum`",
    );
    check(
        &|it| it.states[0].input = "start".into(),
        "state 0 of sequences: `start` is filled in twice",
    );
    check(
        &|it| it.states[0].output = "sum".into(),
        "state 0 of sequences: the model has no output `sum`",
    );
    check(
        &|it| it.states.push(it.states[0].clone()),
        "state 1 of sequences: `sum_before` is filled in twice",
    );
    check(
        &|it| {
            it.states[0].initial = Some(InitialState {
                shape: [2, 2].into(),
                bytes: vec![0; 4].into(),
            });
        },
        "state 0 of sequences: its shape is [1,2,2], and not [?,?]",
    );
    check(
        &|it| {
            it.states[0].initial = Some(InitialState {
                shape: [2].into(),
                bytes: vec![0; 3].into(),
            });
        },
        "state 0 of sequences: it has 3 bytes, and not 2",
    );
}
