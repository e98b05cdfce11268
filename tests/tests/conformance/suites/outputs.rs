//! Outputs belong to whoever asked for them: no later request changes them, and no end of a session.

use nav_package_format::onnx::build::{dims, node, tensor};
use nav_package_format::onnx::proto::GraphProto;
use nav_package_format::{DType, TensorData};
use nav_runners::Outputs;

use crate::case::{Failure, Suite, case};
use crate::comparison::Tolerance;
use crate::subject::{Subject, check_outputs, infer, stage};
use crate::values::{numbers, texts};

pub(crate) const SUITE: Suite = Suite {
    name: "kept-outputs",
    cases: &[
        case("during-later-runs", |subject| {
            kept(subject, negated(), |x| -x)
        }),
        case("output-is-the-input", |subject| {
            kept(subject, passed_on(), |x| x)
        }),
        case("output-copies-the-input", |subject| {
            kept(subject, copied(), |x| x)
        }),
        case("during-later-staging", during_later_staging),
        case("after-the-session", after_the_session),
        case("one-value-twice", one_value_twice),
        case("constant", constant),
        case("strings", strings),
        case("sizes-change", sizes_change),
    ],
};

fn negated() -> GraphProto {
    GraphProto::named("negated")
        .takes("x", DType::Fp32, &dims("n"))
        .with(node("Neg", &["x"], &["y"]))
        .gives("y", DType::Fp32, &dims("n"))
}

/// No node at all: the output is called what the input is.
fn passed_on() -> GraphProto {
    GraphProto::named("passed_on")
        .takes("x", DType::Fp32, &dims("n"))
        .gives("x", DType::Fp32, &dims("n"))
}

fn copied() -> GraphProto {
    GraphProto::named("copied")
        .takes("x", DType::Fp32, &dims("n"))
        .with(node("Identity", &["x"], &["y"]))
        .gives("y", DType::Fp32, &dims("n"))
}

fn same(number: f32) -> TensorData {
    numbers(&[4], &[number; 4])
}

/// All outputs of several runs, looked at after the last.
fn kept(subject: &Subject, graph: GraphProto, expected: fn(f32) -> f32) -> Result<(), Failure> {
    let mut session = subject.session(graph)?;
    let questions: Vec<f32> = (1_u8..=12).map(f32::from).collect();
    let answers: Result<Vec<Outputs>, _> = questions
        .iter()
        .map(|&x| infer(session.as_mut(), &[same(x)]))
        .collect();
    for (x, outputs) in questions.into_iter().zip(answers?) {
        check_outputs(&outputs, &[same(expected(x))], Tolerance::Exact)?;
    }
    Ok(())
}

fn during_later_staging(subject: &Subject) -> Result<(), Failure> {
    for graph in [passed_on(), copied(), negated()] {
        let sign = if graph.node.iter().any(|node| node.op_type() == "Neg") {
            -1.0
        } else {
            1.0
        };
        let mut session = subject.session(graph)?;
        let outputs = infer(session.as_mut(), &[same(1.0)])?;
        stage(session.as_mut(), &[same(2.0)])?;
        check_outputs(&outputs, &[same(sign)], Tolerance::Exact)?;
        check_outputs(&session.run()?, &[same(2.0 * sign)], Tolerance::Exact)?;
    }
    Ok(())
}

fn after_the_session(subject: &Subject) -> Result<(), Failure> {
    for graph in [passed_on(), negated()] {
        let sign = if graph.node.is_empty() { 1.0 } else { -1.0 };
        let mut session = subject.session(graph)?;
        let outputs = infer(session.as_mut(), &[same(1.0)])?;
        let part = outputs.first().map(|output| output.bytes.slice(4..8));
        drop(session);
        check_outputs(&outputs, &[same(sign)], Tolerance::Exact)?;
        drop(outputs);
        if part.as_deref() != Some(&f32::to_le_bytes(sign)[..]) {
            return Err(Failure::new("a slice does not outlive its output"));
        }
    }
    Ok(())
}

fn one_value_twice(subject: &Subject) -> Result<(), Failure> {
    let graph = GraphProto::named("twice")
        .takes("x", DType::Fp32, &dims("n"))
        .with(node("Neg", &["x"], &["y"]))
        .with(node("Identity", &["y"], &["z"]))
        .gives("y", DType::Fp32, &dims("n"))
        .gives("z", DType::Fp32, &dims("n"));
    let mut session = subject.session(graph)?;
    let first = infer(session.as_mut(), &[same(1.0)])?;
    let second = infer(session.as_mut(), &[same(2.0)])?;
    check_outputs(&first, &[same(-1.0), same(-1.0)], Tolerance::Exact)?;
    check_outputs(&second, &[same(-2.0), same(-2.0)], Tolerance::Exact)
}

/// What the model holds is given away without being given up.
fn constant(subject: &Subject) -> Result<(), Failure> {
    let graph = GraphProto::named("constant")
        .takes("x", DType::Fp32, &dims("n"))
        .holds(tensor("c", &[4], &[7.0_f32; 4]))
        .with(node("Neg", &["x"], &["y"]))
        .with(node("Identity", &["c"], &["z"]))
        .gives("y", DType::Fp32, &dims("n"))
        .gives("z", DType::Fp32, &dims("4"));
    let mut session = subject.session(graph)?;
    let first = infer(session.as_mut(), &[same(1.0)])?;
    let second = infer(session.as_mut(), &[same(2.0)])?;
    check_outputs(&first, &[same(-1.0), same(7.0)], Tolerance::Exact)?;
    check_outputs(&second, &[same(-2.0), same(7.0)], Tolerance::Exact)
}

fn strings(subject: &Subject) -> Result<(), Failure> {
    let graph = GraphProto::named("strings")
        .takes("x", DType::Bytes, &dims("n"))
        .with(node("Identity", &["x"], &["y"]))
        .gives("y", DType::Bytes, &dims("n"));
    let mut session = subject.session(graph)?;
    let (one, two) = (texts(&[2], &["one", "1"]), texts(&[2], &["two", "2"]));
    let first = infer(session.as_mut(), std::slice::from_ref(&one))?;
    let second = infer(session.as_mut(), std::slice::from_ref(&two))?;
    check_outputs(&first, &[one], Tolerance::Exact)?;
    check_outputs(&second, &[two], Tolerance::Exact)
}

/// Memory that grows and shrinks takes no output with it.
fn sizes_change(subject: &Subject) -> Result<(), Failure> {
    let mut session = subject.session(negated())?;
    let sizes = [1, 50_000, 3, 100_000, 0, 2];
    let answers: Result<Vec<Outputs>, _> = sizes
        .iter()
        .map(|&size| infer(session.as_mut(), &[numbers(&[size], &vec![1.0_f32; size])]))
        .collect();
    for (size, outputs) in sizes.into_iter().zip(answers?) {
        let y = numbers(&[size], &vec![-1.0_f32; size]);
        check_outputs(&outputs, &[y], Tolerance::Exact)?;
    }
    Ok(())
}
