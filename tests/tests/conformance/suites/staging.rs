//! Staging and running as two steps: each in its turn, and either again.

use nav_package_format::DType;
use nav_package_format::onnx::build::{dims, node};
use nav_package_format::onnx::proto::GraphProto;
use nav_runners::RunError;

use crate::case::{Failure, Suite, case, expect_equal};
use crate::comparison::Tolerance;
use crate::subject::{Subject, check_outputs, desc, infer, refused, stage};
use crate::values::numbers;

pub(crate) const SUITE: Suite = Suite {
    name: "staging",
    cases: &[
        case("run-without-stage", run_without_stage),
        case("run-after-refused-stage", run_after_refused_stage),
        case("stage-twice", stage_twice),
        case("run-twice", run_twice),
        case("lent-memory", lent_memory),
    ],
};

fn graph() -> GraphProto {
    GraphProto::named("negated")
        .takes("x", DType::Fp32, &dims("n"))
        .with(node("Neg", &["x"], &["y"]))
        .gives("y", DType::Fp32, &dims("n"))
}

fn run_without_stage(subject: &Subject) -> Result<(), Failure> {
    let mut session = subject.session(graph())?;
    for _ in 0..2 {
        expect_equal("run", &refused(session.run())?, &RunError::NotStaged)?;
    }
    let outputs = infer(session.as_mut(), &[numbers(&[1], &[1.0_f32])])?;
    check_outputs(&outputs, &[numbers(&[1], &[-1.0_f32])], Tolerance::Exact)
}

/// What was staged before is not run in the place of what was refused.
fn run_after_refused_stage(subject: &Subject) -> Result<(), Failure> {
    let mut session = subject.session(graph())?;
    infer(session.as_mut(), &[numbers(&[1], &[1.0_f32])])?;
    refused(session.stage(&[]))?;
    expect_equal("run", &refused(session.run())?, &RunError::NotStaged)
}

fn stage_twice(subject: &Subject) -> Result<(), Failure> {
    let mut session = subject.session(graph())?;
    stage(
        session.as_mut(),
        &[numbers(&[4], &[1.0, 2.0, 3.0, 4.0_f32])],
    )?;
    stage(session.as_mut(), &[numbers(&[2], &[5.0, 6.0_f32])])?;
    let y = numbers(&[2], &[-5.0, -6.0_f32]);
    check_outputs(&session.run()?, &[y], Tolerance::Exact)
}

fn run_twice(subject: &Subject) -> Result<(), Failure> {
    let mut session = subject.session(graph())?;
    stage(session.as_mut(), &[numbers(&[2], &[5.0, 6.0_f32])])?;
    let y = [numbers(&[2], &[-5.0, -6.0_f32])];
    for _ in 0..3 {
        check_outputs(&session.run()?, &y, Tolerance::Exact)?;
    }
    Ok(())
}

/// As large as described, in the order of the descriptions, and aligned for vector instructions.
fn lent_memory(subject: &Subject) -> Result<(), Failure> {
    let graph = GraphProto::named("two")
        .takes("a", DType::Fp32, &dims("m"))
        .takes("b", DType::Int64, &dims("n"))
        .with(node("Identity", &["a"], &["y"]))
        .with(node("Identity", &["b"], &["z"]))
        .gives("y", DType::Fp32, &dims("m"))
        .gives("z", DType::Int64, &dims("n"));
    let (a, b) = (numbers(&[3], &[1.0_f32; 3]), numbers(&[5], &[1_i64; 5]));
    let mut session = subject.session(graph)?;
    let lent = session.stage(&[desc(0, &a), desc(1, &b)])?;
    let sizes: Vec<usize> = lent.iter().map(|memory| memory.len()).collect();
    expect_equal("sizes", &sizes, &vec![12, 40])?;
    let misaligned = lent
        .iter()
        .filter(|memory| memory.as_ptr().addr() % 64 != 0);
    expect_equal("misaligned inputs", &misaligned.count(), &0)
}
