//! Callables that give any number of responses.

use std::time::Instant;

use nav_adapter::{
    Answers, Array, BindOptions, Failure, Infer, InferFunc, Inputs, ModelConfig, Outputs, Request,
    Triton, TritonConfig, batch_decoupled, decoupled,
};

use super::{PATIENCE, builder, column, free_ports, request, triton, x, y};

fn serving(callable: impl Into<InferFunc>) -> Triton {
    bound(callable, false)
}

fn bound(callable: impl Into<InferFunc>, strict: bool) -> Triton {
    let triton = triton();
    let config = ModelConfig {
        decoupled: true,
        ..ModelConfig::default()
    };
    let options = BindOptions {
        strict,
        ..config.into()
    };
    triton.bind("m", callable, x(), y(), options).unwrap();
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
    let model = triton.engine().unwrap().model("m", None).unwrap();
    let statistics = model.statistics();
    assert_eq!((statistics.fail.count, statistics.success.count), (1, 1));
}

#[test]
fn each_response_is_checked_where_that_was_asked_for() {
    let gives = || {
        decoupled(|_: Request| {
            let (wide, floats) = (
                Array::new([1, 2], [2, 2])?,
                Array::new([1, 1], [f32::from_bits(3)])?,
            );
            let given: [Outputs; 5] = [
                column(&[1]).into(),
                wide.into(),
                floats.into(),
                column(&[4, 4]).into(),
                Vec::<(String, Array)>::new().into(),
            ];
            Ok(given.map(Ok))
        })
    };
    let strict = bound(gives(), true);
    let wrong = |what: &str| Err(format!("model `m`: {what}"));
    let expected = [
        Ok(1),
        wrong("output `y` has shape [1,2], and is declared as [?,1]"),
        wrong("output `y` is FP32, and declared as INT32"),
        wrong("output `y` has shape [2,1], and its request has 1 rows"),
        wrong("it gave no output `y`"),
    ];
    assert_eq!(responses(&strict, &[7]), expected);
    // Otherwise responses may have any rows, and say anything or nothing.
    let normal = bound(gives(), false);
    let mut stream = normal.engine().unwrap().stream("m", None, request(&[7]));
    let mut found = Vec::new();
    while let Some(answer) = stream.receive_until(Instant::now() + PATIENCE) {
        let outputs = answer.result.unwrap().outputs;
        found.push(outputs.first().map(|it| it.bytes[0]));
    }
    assert_eq!(found, [Some(1), Some(2), Some(3), Some(4), None]);
}

#[test]
fn another_number_of_streams_than_requests_is_an_error() {
    struct Silent;
    impl Infer for Silent {
        fn infer(&mut self, _: Vec<Request>) -> Result<Answers, Failure> {
            Ok(Answers::Streams(Vec::new()))
        }
        fn is_decoupled(&self) -> bool {
            true
        }
    }
    for strict in [false, true] {
        let told = "model `m`: it gave 0 answers to 1 requests".to_owned();
        assert_eq!(responses(&bound(Silent, strict), &[1]), [Err(told)]);
    }
}

#[test]
fn a_stream_that_never_ends_does_not_keep_the_server_from_stopping() {
    let config = TritonConfig {
        exit_timeout_secs: Some(0),
        ..free_ports()
    };
    let triton = builder(config).build().unwrap();
    let endless = decoupled(|_: Request| Ok((0..).map(|it| Ok(column(&[it])))));
    let config = ModelConfig {
        decoupled: true,
        ..ModelConfig::default()
    };
    triton.bind("m", endless, x(), y(), config).unwrap();
    triton.run().unwrap();
    let mut stream = triton.engine().unwrap().stream("m", None, request(&[1]));
    assert!(stream.receive().is_some());
    triton.stop().unwrap();
}
