//! Inputs and outputs by name, whatever their order and whatever they are called.

use nav_package_format::onnx::build::{dims, node};
use nav_package_format::onnx::proto::GraphProto;
use nav_package_format::{DType, TensorData};
use nav_runners::handle::InferError;
use nav_runners::{InputError, RunError, RunnerHandle};

use crate::case::{Failure, Suite, case, expect_equal};
use crate::comparison::{Tolerance, compare};
use crate::subject::Subject;
use crate::values::numbers;

pub(crate) const SUITE: Suite = Suite {
    name: "names",
    cases: &[
        case("not-alphabetical", |subject| {
            difference(subject, ["z", "a", "m", "b", "y"])
        }),
        case("slashes", |subject| {
            difference(subject, ["/in/z", "in/a:0", "/Sub", "/out/b:0", "out/"])
        }),
        case("spaces-and-accents", |subject| {
            difference(subject, ["the left", "größe", "(?)", "a,b", "x\ty"])
        }),
        case("refusals", refusals),
        case("activation", activation),
    ],
};

/// `a - b` and `a`, `b` as they are: three inputs and three outputs that cannot be mistaken.
fn graph([a, b, c, difference, negated]: [&str; 5]) -> GraphProto {
    GraphProto::named("names")
        .takes(a, DType::Fp32, &dims("n"))
        .takes(b, DType::Fp32, &dims("n"))
        .takes(c, DType::Int64, &dims("m"))
        .with(node("Neg", &[c], &[negated]))
        .with(node("Sub", &[a, b], &[difference]))
        .gives(difference, DType::Fp32, &dims("n"))
        .gives(negated, DType::Int64, &dims("m"))
}

fn handle(subject: &Subject, names: [&str; 5]) -> Result<RunnerHandle, Failure> {
    let model = subject.write(graph(names))?;
    Ok(RunnerHandle::new(
        Box::new(subject.runner),
        model,
        subject.options(),
    ))
}

fn inputs() -> [TensorData; 3] {
    [
        numbers(&[2], &[5.0, 7.0_f32]),
        numbers(&[2], &[1.0, 10.0_f32]),
        numbers(&[1], &[4_i64]),
    ]
}

fn difference(subject: &Subject, names: [&str; 5]) -> Result<(), Failure> {
    let mut handle = handle(subject, names)?;
    handle.activate()?;
    let (values, [a, b, c, difference, negated]) = (inputs(), names);
    let by_name = [
        (a, values[0].view()),
        (b, values[1].view()),
        (c, values[2].view()),
    ];
    for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2], [2, 0, 1]] {
        let outputs = handle.infer(&order.map(|position| by_name[position]))?;
        let all: Vec<&str> = outputs.iter().map(|(name, _)| name).collect();
        expect_equal("outputs", &all, &vec![difference, negated])?;
        let output = |name| {
            outputs
                .get(name)
                .ok_or_else(|| Failure::new("an output is gone"))
        };
        let expected = numbers(&[2], &[4.0, -3.0_f32]);
        compare(output(difference)?, &expected, Tolerance::Exact)?;
        compare(
            output(negated)?,
            &numbers(&[1], &[-4_i64]),
            Tolerance::Exact,
        )?;
    }
    Ok(())
}

fn refusals(subject: &Subject) -> Result<(), Failure> {
    let mut handle = handle(subject, ["z", "a", "m", "b", "y"])?;
    handle.activate()?;
    let values = inputs();
    let [z, a, m] = [0, 1, 2].map(|position| values[position].view());
    let name = |name: &str| name.to_owned();
    let cases = [
        (
            vec![("z", z), ("m", m)],
            InputError::Missing { name: name("a") },
        ),
        (vec![], InputError::Missing { name: name("z") }),
        (
            vec![("z", z), ("a", a), ("m", m), ("q", a)],
            InputError::Unknown { name: name("q") },
        ),
        (
            vec![("z", z), ("a", a), ("m", m), ("a", a)],
            InputError::Duplicate { name: name("a") },
        ),
    ];
    for (inputs, expected) in cases {
        let refusal = handle.infer(&inputs).map(|_| ());
        let expected = Err(InferError::Run(RunError::Input(expected)));
        expect_equal("refusal", &refusal, &expected)?;
    }
    handle.infer(&[("z", z), ("a", a), ("m", m)])?;
    Ok(())
}

/// Nothing is there before, everything after, and nothing again in the end.
fn activation(subject: &Subject) -> Result<(), Failure> {
    let mut handle = handle(subject, ["z", "a", "m", "b", "y"])?;
    let values = inputs();
    let inputs = [
        ("z", values[0].view()),
        ("a", values[1].view()),
        ("m", values[2].view()),
    ];
    for _ in 0..2 {
        expect_equal("signature", &handle.signature().is_some(), &false)?;
        let early = handle.infer(&inputs).map(|_| ());
        let runner = subject.runner.name();
        expect_equal("infer", &early, &Err(InferError::NotActivated { runner }))?;
        handle.activate()?;
        handle.activate()?;
        handle.infer(&inputs)?;
        handle.deactivate();
    }
    Ok(())
}
