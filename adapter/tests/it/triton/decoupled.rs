//! Callables that give any number of responses.

use std::time::Instant;

use nav_adapter::{
    Failure, InferFunc, Inputs, ModelConfig, Request, Triton, batch_decoupled, decoupled,
};

use super::{PATIENCE, column, request, triton, x, y};

fn serving(callable: impl Into<InferFunc>) -> Triton {
    let triton = triton();
    let config = ModelConfig {
        decoupled: true,
        ..ModelConfig::default()
    };
    triton.bind("m", callable, x(), y(), config).unwrap();
    triton.run().unwrap();
    triton
}

/// The first number of each response, or the words of an error.
fn responses(triton: &Triton, rows: &[i32]) -> Vec<Result<u8, String>> {
    let mut stream = triton.engine().unwrap().stream("m", None, request(rows));
    let mut found = Vec::new();
    while let Some(answer) = stream.receive_until(Instant::now() + PATIENCE) {
        let result = answer.result.map_err(|error| error.to_string());
        found.push(result.map(|it| it.output(0).unwrap().bytes[0]));
    }
    found
}

#[test]
fn an_iterator_is_a_stream_of_responses() {
    let triton = serving(decoupled(|request: Request| {
        let count = request.first::<i32>("x")?;
        if count < 0 {
            return Err(Failure::invalid("less than none"));
        }
        Ok((0..count).map(|it| Ok(column(&[it]))))
    }));
    for count in [0_u8, 1, 40] {
        let expected: Vec<_> = (0..count).map(Ok).collect();
        assert_eq!(responses(&triton, &[i32::from(count)]), expected);
    }
    let none = Err("less than none".to_owned());
    assert_eq!(responses(&triton, &[-1]), [none]);
}

#[test]
fn an_error_or_what_is_no_answer_stands_among_the_responses() {
    let triton = serving(decoupled(|_: Request| {
        let given = [
            Ok([("y", column(&[1]))]),
            Err(Failure::new("not this one")),
            Ok([("z", column(&[2]))]),
            Ok([("y", column(&[3]))]),
        ];
        Ok(given)
    }));
    let expected = [
        Ok(1),
        Err("not this one".to_owned()),
        Err("model `m`: it gave an output `z`, and declares `y`".to_owned()),
        Ok(3),
    ];
    assert_eq!(responses(&triton, &[1]), expected);
}

#[test]
fn a_batch_can_be_answered_again_and_again() {
    let triton = serving(batch_decoupled(|inputs: Inputs| {
        let x = inputs.array("x")?.clone();
        Ok((0..3).map(move |more| Ok(x.map(|it: i32| it + more)?)))
    }));
    assert_eq!(responses(&triton, &[5]), [Ok(5), Ok(6), Ok(7)]);
}

/// Tells that it is dropped.
struct Told(std::sync::mpsc::Sender<()>);
impl Drop for Told {
    fn drop(&mut self) {
        self.0.send(()).ok();
    }
}

#[test]
fn an_iterator_is_asked_no_more_when_nobody_waits() {
    let (sender, ended) = std::sync::mpsc::channel();
    let triton = serving(decoupled(move |_: Request| {
        let told = Told(sender.clone());
        Ok((0..).map(move |it| {
            let _kept = &told;
            Ok(column(&[it]))
        }))
    }));
    let mut stream = triton.engine().unwrap().stream("m", None, request(&[1]));
    assert!(stream.receive().is_some());
    drop(stream);
    ended.recv_timeout(PATIENCE).unwrap();
}

#[test]
fn a_stream_that_panics_ends_with_an_error_and_the_model_goes_on() {
    let triton = serving(decoupled(|request: Request| {
        let count = request.first::<i32>("x")?;
        Ok((0..count).map(|it| {
            assert!(it < 2, "no more");
            Ok(column(&[it]))
        }))
    }));
    let panicked = "model `m` panicked: while it was responding".to_owned();
    assert_eq!(responses(&triton, &[3]), [Ok(0), Ok(1), Err(panicked)]);
    assert_eq!(responses(&triton, &[1]), [Ok(0)]);
}
