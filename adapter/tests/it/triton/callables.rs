//! What comes of what callables do: answers, errors, panics, and what is no answer at all.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};

use nav_adapter::{
    Answer, Array, BindOptions, DType, ErrorKind, Failure, InferFunc, Inputs, ModelConfig, Outputs,
    Parameter, Request, Tensor, Triton, batch, group_by_keys, sample,
};

use super::{answer, ask, asked, builder, column, free_ports, request, triton, x, y};

fn serving(callable: impl Into<InferFunc>, is_strict: bool) -> Triton {
    let triton = triton();
    let options = BindOptions {
        strict: is_strict,
        ..BindOptions::default()
    };
    triton.bind("m", callable, x(), y(), options).unwrap();
    triton.run().unwrap();
    triton
}

/// What comes of a callable in normal and in strict mode.
fn check(
    callable: impl Fn() -> InferFunc,
    normal: Result<&[i32], &str>,
    strict: Result<&[i32], &str>,
) {
    for (is_strict, expected) in [(false, normal), (true, strict)] {
        let triton = serving(callable(), is_strict);
        let expected = expected.map(<[i32]>::to_vec).map_err(str::to_owned);
        assert_eq!(ask(&triton, "m", &[1, 2]), expected, "strict: {is_strict}");
    }
}

fn both(callable: impl Fn() -> InferFunc, expected: Result<&[i32], &str>) {
    check(callable, expected, expected);
}

/// A callable that always gives this.
fn gives(outputs: impl Into<Outputs>) -> impl Fn() -> InferFunc {
    let outputs = outputs.into();
    move || {
        let outputs = outputs.clone();
        batch(move |_| Ok(outputs.clone())).into()
    }
}

#[test]
fn outputs_come_by_name_or_in_order() {
    both(gives([("y", column(&[3, 4]))]), Ok(&[3, 4]));
    both(gives([column(&[3, 4])]), Ok(&[3, 4]));
    both(gives(column(&[3, 4])), Ok(&[3, 4]));
}

#[test]
fn a_failure_is_the_answer_without_a_trace() {
    let fails = || {
        let infer = |_: Inputs| {
            let number: i32 = "seven".parse()?;
            Ok(column(&[number]))
        };
        batch(infer).into()
    };
    both(fails, Err("invalid digit found in string"));
}

#[test]
fn what_a_failure_is_decides_what_clients_see() {
    let triton = serving(
        sample(|request: Request| match request.first::<i32>("x")? {
            0 => Err(Failure::invalid("not 0")),
            1 => Err(Failure::of_kind(ErrorKind::NotFound, "no such thing")),
            it => Ok(column(&[it])),
        }),
        false,
    );
    let kind = |row: i32| asked(&triton, "m", &[row]).wait().unwrap_err().kind();
    assert_eq!(
        (kind(0), kind(1)),
        (ErrorKind::InvalidInput, ErrorKind::NotFound)
    );
}

#[test]
fn a_panic_is_contained_answered_and_counted() {
    let panics = || {
        let infer = |inputs: Inputs| {
            let numbers = inputs.elements::<i32>("x")?.into_owned();
            assert!(numbers != [1, 2], "it is {numbers:?}");
            Ok(column(&numbers))
        };
        InferFunc::from(batch(infer))
    };
    both(panics, Err("model `m` panicked: it is [1, 2]"));
    let triton = serving(panics(), false);
    assert!(ask(&triton, "m", &[1, 2]).is_err());
    assert_eq!(ask(&triton, "m", &[3]), Ok(vec![3]));
    let model = triton.engine().unwrap().model("m", None).unwrap();
    let statistics = model.statistics();
    assert_eq!((statistics.fail.count, statistics.success.count), (1, 1));
    assert!(triton.is_ready());
}

#[test]
fn another_number_of_answers_than_requests_is_an_error() {
    let none = || InferFunc::from(|_: Vec<Request>| Ok(Vec::<Answer>::new()));
    both(none, Err("model `m`: it gave 0 answers to 1 requests"));
    let two = || {
        InferFunc::from(|_: Vec<Request>| {
            let answer: Answer = Ok(column(&[1, 2]).into());
            Ok(vec![answer.clone(), answer])
        })
    };
    both(two, Err("model `m`: it gave 2 answers to 1 requests"));
}

#[test]
fn another_type_than_declared_is_an_error_where_that_is_checked() {
    let floats = Array::new([2, 1], [1.5_f32, 2.5]).unwrap();
    let triton = serving(gives([("y", floats.clone())])(), false);
    let response = asked(&triton, "m", &[1, 2]).wait().unwrap();
    assert_eq!(response.output(0).unwrap().desc.dtype, DType::Fp32);
    let triton = serving(gives([("y", floats)])(), true);
    assert_eq!(
        ask(&triton, "m", &[1, 2]).unwrap_err(),
        "model `m`: output `y` is FP32, and declared as INT32"
    );
}

#[test]
fn another_shape_than_declared_is_an_error_where_that_is_checked() {
    let wide = Array::new([2, 2], [1, 2, 3, 4]).unwrap();
    check(
        gives([("y", wide)]),
        Ok(&[1, 2, 3, 4]),
        Err("model `m`: output `y` has shape [2,2], and is declared as [?,1]"),
    );
}

#[test]
fn too_many_or_too_few_rows_are_an_error() {
    both(
        gives([("y", column(&[1, 2, 3]))]),
        Err("model `m`: output `y` has shape [3,1], and its request has 2 rows"),
    );
    both(
        gives([("y", column(&[1]))]),
        Err("model `m`: output `y` has shape [1,1], and its request has 2 rows"),
    );
    let scalar = Array::new([], [1]).unwrap();
    both(
        gives([("y", scalar)]),
        Err("model `m`: output `y` has shape [], and its request has 2 rows"),
    );
}

#[test]
fn outputs_that_nobody_declared_or_that_are_missing_are_never_passed_over() {
    both(
        gives([("z", column(&[1, 2]))]),
        Err("model `m`: it gave an output `z`, and declares `y`"),
    );
    both(
        gives([column(&[1, 2]), column(&[1, 2])]),
        Err("model `m`: it gave 2 outputs in order, and has 1"),
    );
    both(
        gives([("y", column(&[1, 2])), ("y", column(&[1, 2]))]),
        Err("model `m`: output `y` was given twice"),
    );
    let nothing = || gives(Vec::<(String, Array)>::new())();
    let strict = serving(nothing(), true);
    let missing = "model `m`: it gave no output `y`";
    assert_eq!(ask(&strict, "m", &[1, 2]).unwrap_err(), missing);
    // It may have been left out on purpose, as long as nobody asks for it.
    let normal = serving(nothing(), false);
    let engine = normal.engine().unwrap();
    let response = engine.infer("m", None, request(&[1])).wait().unwrap();
    assert!(response.outputs.is_empty());
    let mut named = request(&[1]);
    named.outputs.push("y".into());
    let error = engine.infer("m", None, named).wait().unwrap_err();
    assert_eq!(error.to_string(), missing);
}

#[test]
fn one_request_of_several_can_fail_and_none_runs_twice() {
    let ran = Arc::new(AtomicUsize::new(0));
    let note = Arc::clone(&ran);
    let (gate, gated) = super::Gate::new();
    let triton = triton();
    let config = || ModelConfig {
        max_batch_size: 8,
        ..ModelConfig::default()
    };
    let all_or_none = batch(move |inputs: Inputs| {
        note.fetch_add(inputs.rows(), Ordering::Relaxed);
        if inputs.elements::<i32>("x")?.contains(&13) {
            return Err(Failure::new("unlucky"));
        }
        Ok(inputs.array("x")?.clone())
    });
    triton.bind("m", all_or_none, x(), y(), config()).unwrap();
    triton.bind("gated", gated, x(), y(), config()).unwrap();
    triton.run().unwrap();
    // What is asked while it is busy comes together.
    let first = asked(&triton, "gated", &[0]);
    gate.entered();
    let others = [asked(&triton, "gated", &[1]), asked(&triton, "gated", &[2])];
    gate.go_on();
    gate.go_on();
    assert_eq!(answer(first), Ok(vec![0]));
    assert_eq!(others.map(answer), [Ok(vec![1]), Ok(vec![2])]);
    assert_eq!(ask(&triton, "m", &[13, 1]), Err("unlucky".to_owned()));
    assert_eq!(ran.load(Ordering::Relaxed), 2);
}

#[test]
fn each_of_several_callables_is_an_instance_of_its_own() {
    let barrier = Arc::new(Barrier::new(3));
    let instance = |number: i32| {
        let barrier = Arc::clone(&barrier);
        batch(move |inputs: Inputs| {
            assert_eq!(inputs.context().instance, usize::try_from(number)?);
            barrier.wait();
            Ok(inputs.array("x")?.map(|_: i32| number)?)
        })
    };
    let instances: Vec<_> = (0..3).map(instance).collect();
    let triton = serving(instances, true);
    // None of them ends before all of them run, and no two of them fit into one batch.
    let rows = [0; 3];
    let replies: Vec<_> = (0..3).map(|_| asked(&triton, "m", &rows)).collect();
    let mut numbers: Vec<i32> = replies
        .into_iter()
        .flat_map(|it| answer(it).unwrap())
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [0, 0, 0, 1, 1, 1, 2, 2, 2]);
}

#[test]
fn a_request_says_what_it_asks_for_and_what_else_there_is_to_say() {
    let triton = triton();
    let told = sample(|request: Request| {
        let wanted: Vec<&str> = request.requested_outputs().collect();
        let words = format!(
            "{:?} {:?} {:?} {} {}",
            request.id(),
            request.parameter("key"),
            wanted,
            request.wants("z"),
            request.context().model,
        );
        Ok([("y", Array::strings([1, 1], [words])?)])
    });
    let text = |name: &str| Tensor::new(DType::Bytes, [1]).named(name);
    let outputs = [text("y"), text("z")];
    triton
        .bind("m", told, x(), outputs, ModelConfig::default())
        .unwrap();
    triton.run().unwrap();
    let mut asked = request(&[1]);
    asked.id = Some("mine".into());
    asked.parameters.push(("key".into(), Parameter::Int(7)));
    asked.outputs.push("y".into());
    let response = triton
        .engine()
        .unwrap()
        .infer("m", None, asked)
        .wait()
        .unwrap();
    let bytes = response.output(0).unwrap().bytes.slice(4..);
    let words = std::str::from_utf8(&bytes).unwrap();
    assert_eq!(words, r#"Some("mine") Some(Int(7)) ["y"] false m"#);
}

#[test]
fn inputs_that_may_be_left_out_are_not_there() {
    let triton = triton();
    let inputs = [
        Tensor::new(DType::Int32, [1]).named("x"),
        Tensor::new(DType::Int32, [1]).named("more").optional(),
    ];
    let add = group_by_keys(batch(|inputs: Inputs| {
        let x = inputs.array("x")?;
        Ok(match inputs.get("more") {
            Some(more) => x.zip(more, |x: i32, more: i32| x + more)?,
            None => x.clone(),
        })
    }));
    triton
        .bind("m", add, inputs, y(), ModelConfig::default())
        .unwrap();
    triton.run().unwrap();
    assert_eq!(ask(&triton, "m", &[1]), Ok(vec![1]));
    let both = request(&[1]).with_input("more", DType::Int32, [1, 1], 5_i32.to_le_bytes().to_vec());
    let engine = triton.engine().unwrap();
    assert_eq!(answer(engine.infer("m", None, both)), Ok(vec![6]));
}

#[test]
fn responses_are_kept_where_the_server_has_room_for_them() {
    let config = nav_adapter::TritonConfig {
        response_cache_byte_size: Some(1 << 20),
        ..free_ports()
    };
    let triton = builder(config).build().unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let note = Arc::clone(&asked);
    let same = batch(move |inputs: Inputs| {
        note.fetch_add(1, Ordering::Relaxed);
        Ok(inputs.array("x")?.clone())
    });
    let config = ModelConfig {
        response_cache: true,
        ..ModelConfig::default()
    };
    triton.bind("m", same, x(), y(), config).unwrap();
    triton.run().unwrap();
    for _ in 0..3 {
        assert_eq!(ask(&triton, "m", &[5]), Ok(vec![5]));
    }
    assert_eq!(ask(&triton, "m", &[6]), Ok(vec![6]));
    assert_eq!(asked.load(Ordering::Relaxed), 2);
}
