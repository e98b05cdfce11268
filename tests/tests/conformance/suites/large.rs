//! Large outputs, which a runner may keep elsewhere than small ones: as right, and as much their owner's.

use nav_package_format::DType;
use nav_package_format::TensorData;
use nav_package_format::onnx::build::{dims, int, node};
use nav_package_format::onnx::proto::GraphProto;

use crate::case::{Failure, Suite, case};
use crate::comparison::Tolerance;
use crate::subject::{Subject, check_outputs, infer};
use crate::values::numbers;

pub(crate) const SUITE: Suite = Suite {
    name: "large-outputs",
    cases: &[
        case("during-later-runs", during_later_runs),
        case("output-is-the-input", output_is_the_input),
        case("beside-a-small-one", beside_a_small_one),
        case("of-another-shape-than-declared", of_another_shape),
    ],
};

/// Elements of 10 MB.
const COUNT: usize = 2_500_000;

fn same(number: f32) -> TensorData {
    numbers(&[COUNT], &vec![number; COUNT])
}

fn during_later_runs(subject: &Subject) -> Result<(), Failure> {
    let graph = GraphProto::named("negated")
        .takes("x", DType::Fp32, &dims("n"))
        .with(node("Neg", &["x"], &["y"]))
        .gives("y", DType::Fp32, &dims("n"));
    let mut session = subject.session(graph)?;
    let first = infer(session.as_mut(), &[same(1.0)])?;
    let second = infer(session.as_mut(), &[same(2.0)])?;
    let small = infer(session.as_mut(), &[numbers(&[1], &[3.0_f32])])?;
    drop(session);
    check_outputs(&first, &[same(-1.0)], Tolerance::Exact)?;
    check_outputs(&second, &[same(-2.0)], Tolerance::Exact)?;
    check_outputs(&small, &[numbers(&[1], &[-3.0_f32])], Tolerance::Exact)
}

fn output_is_the_input(subject: &Subject) -> Result<(), Failure> {
    let graph = GraphProto::named("passed_on")
        .takes("x", DType::Fp32, &dims("n"))
        .gives("x", DType::Fp32, &dims("n"));
    let mut session = subject.session(graph)?;
    let first = infer(session.as_mut(), &[same(1.0)])?;
    let second = infer(session.as_mut(), &[same(2.0)])?;
    check_outputs(&first, &[same(1.0)], Tolerance::Exact)?;
    check_outputs(&second, &[same(2.0)], Tolerance::Exact)
}

fn beside_a_small_one(subject: &Subject) -> Result<(), Failure> {
    let graph = GraphProto::named("both")
        .takes("x", DType::Fp32, &dims("n"))
        .with(node("Neg", &["x"], &["y"]))
        .with(node("ReduceMax", &["x"], &["z"]).with(int("keepdims", 0)))
        .gives("z", DType::Fp32, &dims(""))
        .gives("y", DType::Fp32, &dims("n"));
    let mut session = subject.session(graph)?;
    let outputs = infer(session.as_mut(), &[same(5.0)])?;
    let expected = [numbers(&[], &[5.0_f32]), same(-5.0)];
    check_outputs(&outputs, &expected, Tolerance::Exact)
}

/// The model says that the output is as long as the input, and it is twice as long.
fn of_another_shape(subject: &Subject) -> Result<(), Failure> {
    let graph = GraphProto::named("twice")
        .takes("x", DType::Fp32, &dims("n"))
        .with(node("Concat", &["x", "x"], &["y"]).with(int("axis", 0)))
        .gives("y", DType::Fp32, &dims("n"));
    let mut session = subject.session(graph)?;
    for number in [1.0, 2.0] {
        let outputs = infer(session.as_mut(), &[same(number)])?;
        let twice = numbers(&[2 * COUNT], &vec![number; 2 * COUNT]);
        check_outputs(&outputs, &[twice], Tolerance::Exact)?;
    }
    Ok(())
}
