use std::sync::{Arc, Mutex};

use super::*;
use crate::callable::{Answer, Answers, Context, Infer, Inputs, Outputs, Request};
use crate::config::{DynamicBatcher, ModelConfig, Tensor};
use crate::failure::Failure;
use crate::{Array, DType, Parameter};

fn context(config: ModelConfig) -> Arc<Context> {
    let input = |name: &str| Tensor::new(DType::Int32, [-1]).named(name).optional();
    let output = Tensor::new(DType::Int32, [-1]).named("y");
    Arc::new(Context::new(
        "m",
        [input("x"), input("k")],
        [output],
        config,
    ))
}

fn batched() -> Arc<Context> {
    context(ModelConfig {
        max_batch_size: 8,
        batcher: DynamicBatcher {
            preferred_batch_size: vec![4],
            ..DynamicBatcher::default()
        },
        ..ModelConfig::default()
    })
}

/// Rows of one number each.
fn column(numbers: &[i32]) -> Array {
    Array::new([numbers.len(), 1], numbers).unwrap()
}

fn inputs(named: &[(&str, &[i32])]) -> Inputs {
    let rows = named[0].1.len();
    let named = named.iter().map(|(name, numbers)| (*name, column(numbers)));
    Inputs::new(&batched(), rows, named)
}

fn request(named: &[(&str, &[i32])]) -> Request {
    Request::new(inputs(named))
}

fn numbers(outputs: &Outputs) -> Vec<i32> {
    outputs.iter().next().unwrap().to_vec().unwrap()
}

fn each(callable: &mut impl Infer, requests: Vec<Request>) -> Result<Vec<Answer>, Failure> {
    match callable.infer(requests)? {
        Answers::Each(answers) => Ok(answers),
        Answers::Streams(_) | Answers::Rounds(_) => panic!("there are several answers"),
    }
}

fn told(answers: Vec<Answer>) -> Vec<Result<Vec<i32>, String>> {
    let told = answers.into_iter();
    told.map(|it| it.map(|it| numbers(&it)).map_err(|it| it.to_string()))
        .collect()
}

/// How many rows were asked for each time.
type Asked = Arc<Mutex<Vec<usize>>>;

/// `x` plus 1, and a note of how often it is asked and with how many rows.
fn counting() -> (Asked, impl FnMut(Inputs) -> Result<Array, Failure> + Send) {
    let asked = Asked::default();
    let note = Arc::clone(&asked);
    let infer = move |inputs: Inputs| {
        note.lock().unwrap().push(inputs.rows());
        Ok(inputs.array("x")?.map(|it: i32| it + 1)?)
    };
    (asked, infer)
}

#[test]
fn a_batch_is_asked_once_and_cut_between_its_requests() {
    let (asked, infer) = counting();
    let requests = vec![request(&[("x", &[1, 2])]), request(&[("x", &[5])])];
    let answers = each(&mut batch(infer), requests).unwrap();
    assert_eq!(told(answers), [Ok(vec![2, 3]), Ok(vec![6])]);
    assert_eq!(*asked.lock().unwrap(), [3]);
}

#[test]
fn a_batch_of_other_rows_or_inputs_is_a_failure() {
    let mut short = batch(|_| Ok([("y", column(&[1]))]));
    let requests = || vec![request(&[("x", &[1])]), request(&[("x", &[2])])];
    let failure = each(&mut short, requests()).unwrap_err();
    assert_eq!(
        failure.to_string(),
        "output `y` has shape [1,1], and the batch has 2 rows"
    );
    let mut any = batch(|_| Ok([column(&[1, 2])]));
    let mixed = vec![request(&[("x", &[1])]), request(&[("k", &[2])])];
    let failure = each(&mut any, mixed).unwrap_err();
    assert_eq!(
        failure.to_string(),
        "requests with different inputs cannot be stacked; see `group_by_keys`"
    );
}

#[test]
fn a_sample_that_fails_fails_alone() {
    let mut positive = sample(|request: Request| match request.first::<i32>("x")? {
        x if x > 0 => Ok(column(&[x])),
        x => Err(Failure::invalid(format!("{x} is too little"))),
    });
    let requests = vec![request(&[("x", &[1])]), request(&[("x", &[-1])])];
    let answers = each(&mut positive, requests).unwrap();
    assert_eq!(
        told(answers),
        [Ok(vec![1]), Err("-1 is too little".to_owned())]
    );
}

#[test]
fn a_function_of_a_request_reads_what_else_it_says() {
    let mut times = sample(|request: Request| {
        let by = match request.parameter("by") {
            Some(Parameter::Int(by)) => i32::try_from(*by)?,
            _ => 1,
        };
        Ok(request.array("x")?.map(|it: i32| it * by)?)
    });
    let plain = request(&[("x", &[2])]);
    let more = plain.clone().with_parameter("by", Parameter::Int(3));
    let answers = each(&mut times, vec![plain, more]).unwrap();
    assert_eq!(told(answers), [Ok(vec![2]), Ok(vec![6])]);
}

#[test]
fn requests_are_grouped_by_the_inputs_that_they_have() {
    let (asked, infer) = counting();
    let keys = |inputs: Inputs| match inputs.get("x") {
        Some(_) => Ok(inputs.array("x")?.clone()),
        None => Err(Failure::new("no x")),
    };
    let requests = || {
        vec![
            request(&[("x", &[1])]),
            request(&[("k", &[2])]),
            request(&[("x", &[3])]),
        ]
    };
    // A group that fails leaves the others alone.
    let answers = each(&mut group_by_keys(batch(keys)), requests()).unwrap();
    let failed = Err("no x".to_owned());
    assert_eq!(told(answers), [Ok(vec![1]), failed, Ok(vec![3])]);
    let filled = fill_optionals([("x", Array::new([1], [7]).unwrap())], batch(infer));
    let answers = each(&mut group_by_keys(filled), requests()).unwrap();
    assert_eq!(told(answers), [Ok(vec![2]), Ok(vec![8]), Ok(vec![4])]);
    assert_eq!(*asked.lock().unwrap(), [2, 1]);
}

#[test]
fn values_for_what_is_left_out_must_fit_what_is_declared() {
    let check = |name: &str, value: Array, expected: Result<(), &str>| {
        let filled = fill_optionals([(name, value)], sample(|_| Ok(column(&[1]))));
        let found = filled.check(&batched());
        assert_eq!(found, expected.map_err(str::to_owned));
    };
    check("x", Array::new([3], [1, 2, 3]).unwrap(), Ok(()));
    check(
        "z",
        Array::new([1], [1]).unwrap(),
        Err("`fill_optionals` has a value for `z`, which is no input"),
    );
    check(
        "x",
        Array::new([1], [1.0_f32]).unwrap(),
        Err("`fill_optionals` has a value of FP32 for `x`, which is INT32"),
    );
    check(
        "x",
        Array::new([1, 1], [1]).unwrap(),
        Err("`fill_optionals` has a value of shape [1,1] for `x`, whose shape is [-1]"),
    );
}

#[test]
fn rows_are_grouped_by_what_they_say() {
    let (asked, infer) = counting();
    let mut grouped = group_by_values(["k"], infer);
    let given = inputs(&[("x", &[1, 2, 3, 4]), ("k", &[7, 8, 7, 9])]);
    assert_eq!(numbers(&grouped(given).unwrap()), [2, 3, 4, 5]);
    assert_eq!(*asked.lock().unwrap(), [2, 1, 1]);
}

#[test]
fn groups_whose_outputs_differ_are_padded_or_fail() {
    let given = || inputs(&[("x", &[1, 2, 3]), ("k", &[1, 2, 1])]);
    // As many columns as `k` says.
    let wide = |inputs: Inputs| {
        let columns = usize::try_from(inputs.first::<i32>("k")?)?;
        let rows = inputs.elements::<i32>("x")?;
        let repeated = rows.iter().flat_map(|it| vec![*it; columns]);
        let repeated: Vec<i32> = repeated.collect();
        Ok([("y", Array::new([inputs.rows(), columns], repeated)?)])
    };
    let failure = group_by_values(["k"], wide)(given()).unwrap_err();
    assert_eq!(
        failure.to_string(),
        "output `y` differs between groups: arrays of INT32 [2,1] and INT32 [1,2] do not go together"
    );
    let mut padded = group_by_values_padded(["k"], ConstantPadder::new(-1), wide);
    let outputs = padded(given()).unwrap();
    assert_eq!(outputs.get("y").unwrap().shape()[..], [3, 2]);
    assert_eq!(numbers(&outputs), [1, -1, 2, 2, 3, -1]);
}

#[test]
fn texts_are_padded_with_empty_ones() {
    let texts = |inputs: Inputs| {
        let columns = usize::try_from(inputs.first::<i32>("k")?)?;
        let all = vec!["t"; columns * inputs.rows()];
        Ok(Array::strings([inputs.rows(), columns], all)?)
    };
    let mut padded = group_by_values_padded(["k"], ConstantPadder::default(), texts);
    let outputs = padded(inputs(&[("k", &[1, 2])])).unwrap();
    let found = outputs.iter().next().unwrap().texts().unwrap().join("|");
    assert_eq!(found, "t||t|t");
    let mut wrong = group_by_values_padded(["k"], ConstantPadder::new(0.5), |inputs: Inputs| {
        let columns = usize::try_from(inputs.first::<i32>("k")?)?;
        Ok(Array::new([1, columns], vec![0; columns])?)
    });
    let failure = wrong(inputs(&[("k", &[1, 2])])).unwrap_err();
    assert_eq!(failure.to_string(), "an output cannot be padded with 0.5");
}

#[test]
fn a_batch_is_padded_to_a_size_that_is_preferred() {
    let check = |rows: usize, size: usize| {
        let (asked, infer) = counting();
        let given: Vec<i32> = (0..).take(rows).collect();
        let outputs = pad_batch(infer)(inputs(&[("x", &given)])).unwrap();
        let expected: Vec<i32> = (1..).take(rows).collect();
        assert_eq!(numbers(&outputs), expected);
        assert_eq!(*asked.lock().unwrap(), [size]);
    };
    check(1, 4);
    check(4, 4);
    check(5, 8);
    check(8, 8);
}

#[test]
fn what_every_row_says_is_given_once() {
    let check = |first: FirstValue, given: &[i32], expected: Result<&[usize], &str>| {
        let shapes: Arc<Mutex<Vec<usize>>> = Arc::default();
        let note = Arc::clone(&shapes);
        let mut within = first.within(move |inputs: Inputs| {
            note.lock()
                .unwrap()
                .extend(inputs.array("k")?.shape().iter());
            Ok(inputs.array("k")?.clone())
        });
        let found = within(inputs(&[("k", given)]));
        match expected {
            Ok(shape) => {
                assert_eq!(numbers(&found.unwrap()), [given[0]]);
                assert_eq!(*shapes.lock().unwrap(), shape);
            }
            Err(text) => assert_eq!(found.unwrap_err().to_string(), text),
        }
    };
    let first = || FirstValue::of(["k", "absent"]);
    check(first(), &[3, 3], Ok(&[]));
    let kept = FirstValue {
        squeeze_single_values: false,
        ..first()
    };
    check(kept, &[3, 3], Ok(&[1]));
    let text = "input `k` says one thing in row 0 and another in row 1";
    check(first(), &[3, 4], Err(text));
    let lenient = FirstValue {
        strict: false,
        ..first()
    };
    check(lenient, &[3, 4], Ok(&[]));
}

#[test]
fn what_is_for_batches_needs_them() {
    let single = context(ModelConfig {
        batching: false,
        ..ModelConfig::default()
    });
    let given = || Inputs::new(&single, 1, [("x", Array::new([1], [1]).unwrap())]);
    let same = |inputs: Inputs| Ok(inputs.array("x")?.clone());
    let failures = [
        pad_batch(same)(given()).unwrap_err(),
        first_value(["x"], same)(given()).unwrap_err(),
    ];
    let expected =
        ["pad_batch", "first_value"].map(|it| format!("`{it}` is for models with batches"));
    assert_eq!(failures.map(|it| it.to_string()), expected);
}

#[test]
fn a_decoupled_function_gives_what_its_iterator_gives() {
    let mut count = decoupled(|request: Request| {
        let count = request.first::<i32>("x")?;
        Ok((0..count).map(|it| Ok(column(&[it]))))
    });
    assert!(count.is_decoupled());
    let requests = vec![request(&[("x", &[2])]), request(&[("x", &[0])])];
    let Answers::Streams(streams) = count.infer(requests).unwrap() else {
        panic!("these are no streams");
    };
    let given = streams.into_iter().map(|it| told(it.unwrap().collect()));
    let given: Vec<_> = given.collect();
    assert_eq!(given, [vec![Ok(vec![0]), Ok(vec![1])], vec![]]);
}

#[test]
fn a_decoupled_batch_is_cut_each_time() {
    let mut count = batch_decoupled(|inputs: Inputs| {
        let x = inputs.array("x")?.clone();
        Ok((0..2).map(move |more| Ok(x.map(|it: i32| it + more)?)))
    });
    let requests = vec![request(&[("x", &[1, 2])]), request(&[("x", &[5])])];
    let Answers::Rounds(rounds) = count.infer(requests).unwrap() else {
        panic!("these are no rounds");
    };
    let given: Vec<_> = rounds.map(|it| told(it.unwrap())).collect();
    let expected = [[Ok(vec![1, 2]), Ok(vec![5])], [Ok(vec![2, 3]), Ok(vec![6])]];
    assert_eq!(given, expected);
}
