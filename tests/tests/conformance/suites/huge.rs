//! Tensors that no machine has room for are errors, and not the end of the process.

use nav_package_format::onnx::build::{dims, node};
use nav_package_format::onnx::proto::GraphProto;
use nav_package_format::{DType, Shape, TensorData};
use nav_runners::{RunError, Session, TensorDesc};

use crate::case::{Failure, Suite, case, expect_equal};
use crate::comparison::Tolerance;
use crate::subject::{Subject, check_outputs, infer, refused};
use crate::values::numbers;

pub(crate) const SUITE: Suite = Suite {
    name: "huge-tensors",
    cases: &[
        case("input", input),
        case("strings", strings),
        case("output", output),
    ],
};

/// More bytes than a process of today has addresses.
const BYTES: usize = 1 << 48;

fn immense() -> Shape {
    Shape::from([1 << 23, 1 << 23])
}

fn passing(dtype: DType) -> GraphProto {
    GraphProto::named("passing")
        .takes("x", dtype, &dims("m,n"))
        .with(node("Identity", &["x"], &["y"]))
        .gives("y", dtype, &dims("m,n"))
}

fn refuses(session: &mut dyn Session, dtype: DType) -> Result<(), Failure> {
    let desc = TensorDesc {
        index: 0,
        dtype,
        shape: immense(),
        byte_size: BYTES,
    };
    let expected = RunError::OutOfMemory {
        tensor: "x".to_owned(),
        shape: immense(),
        bytes: BYTES,
    };
    expect_equal("refusal", &refused(session.stage(&[desc]))?, &expected)
}

fn input(subject: &Subject) -> Result<(), Failure> {
    let mut session = subject.session(passing(DType::Fp32))?;
    refuses(session.as_mut(), DType::Fp32)?;
    let x = numbers(&[1, 2], &[1.0, 2.0_f32]);
    let outputs = infer(session.as_mut(), std::slice::from_ref(&x))?;
    check_outputs(&outputs, &[x], Tolerance::Exact)
}

fn strings(subject: &Subject) -> Result<(), Failure> {
    let mut session = subject.session(passing(DType::Bytes))?;
    refuses(session.as_mut(), DType::Bytes)
}

/// Two inputs of a common size, each of which repeats the other.
fn output(subject: &Subject) -> Result<(), Failure> {
    let graph = GraphProto::named("table")
        .takes("a", DType::Uint8, &dims("m,1"))
        .takes("b", DType::Uint8, &dims("1,n"))
        .with(node("Add", &["a", "b"], &["y"]))
        .gives("y", DType::Uint8, &dims("m,n"));
    let mut session = subject.session(graph)?;
    let side = 1 << 24;
    let zeros = |shape: [usize; 2]| TensorData::new(DType::Uint8, shape.into(), vec![0; side]);
    let inputs = [zeros([side, 1])?, zeros([1, side])?];
    match refused(infer(session.as_mut(), &inputs))? {
        RunError::Runtime { .. } | RunError::OutOfMemory { .. } => {}
        other => return Err(Failure(format!("it was refused with {other:?}"))),
    }
    let inputs = [numbers(&[2, 1], &[1_u8, 2]), numbers(&[1, 1], &[3_u8])];
    let y = numbers(&[2, 1], &[4_u8, 5]);
    check_outputs(&infer(session.as_mut(), &inputs)?, &[y], Tolerance::Exact)
}
