//! Inputs that do not fit are refused with the reason, and the session goes on as if nothing was.

use nav_package_format::onnx::build::{dims, node};
use nav_package_format::onnx::proto::GraphProto;
use nav_package_format::{DType, Shape};
use nav_runners::{InputError, RunError, Session, TensorDesc};

use crate::case::{Failure, Suite, case, expect_equal};
use crate::comparison::Tolerance;
use crate::subject::{Subject, check_outputs, desc, infer, refused};
use crate::values::{numbers, texts};

pub(crate) const SUITE: Suite = Suite {
    name: "wrong-inputs",
    cases: &[
        case("missing", missing),
        case("unknown", |subject| {
            refuses(
                subject,
                |descs| {
                    let one_more = descs[1].clone();
                    descs.push(TensorDesc {
                        index: 2,
                        ..one_more
                    });
                },
                || InputError::Unknown {
                    name: "#2".to_owned(),
                },
            )
        }),
        case("duplicate", |subject| {
            refuses(
                subject,
                |descs| descs.push(descs[1].clone()),
                || InputError::Duplicate {
                    name: "b".to_owned(),
                },
            )
        }),
        case("type", |subject| {
            refuses(
                subject,
                |descs| descs[0].dtype = DType::Int32,
                || InputError::DType {
                    name: "a".to_owned(),
                    expected: DType::Fp32,
                    found: DType::Int32,
                },
            )
        }),
        case("rank", |subject| {
            wrong_shape(subject, [6].into(), "[batch,3]")
        }),
        case("extent", |subject| {
            wrong_shape(subject, [3, 2].into(), "[batch,3]")
        }),
        case("byte-size", |subject| {
            refuses(
                subject,
                |descs| descs[1].byte_size = 23,
                || InputError::ByteSize {
                    name: "b".to_owned(),
                    expected: 24,
                    found: 23,
                },
            )
        }),
        case("size-overflows", |subject| {
            refuses(
                subject,
                |descs| descs[0].shape = unaddressable(),
                || InputError::TooLarge {
                    name: "a".to_owned(),
                    found: unaddressable(),
                },
            )
        }),
        case("malformed-strings", malformed_strings),
        case("extents-that-disagree", disagreement),
    ],
};

fn graph() -> GraphProto {
    GraphProto::named("sum")
        .takes("a", DType::Fp32, &dims("batch,3"))
        .takes("b", DType::Fp32, &dims("batch,3"))
        .with(node("Add", &["a", "b"], &["y"]))
        .gives("y", DType::Fp32, &dims("batch,3"))
}

fn descs() -> Vec<TensorDesc> {
    let tensor = numbers(&[2, 3], &[0.0_f32; 6]);
    vec![desc(0, &tensor), desc(1, &tensor)]
}

fn unaddressable() -> Shape {
    Shape::from([usize::MAX / 2, 3])
}

/// Whether the session still does what it is for.
fn still_works(session: &mut dyn Session) -> Result<(), Failure> {
    let (a, b) = (
        numbers(&[1, 3], &[1.0, 2.0, 3.0_f32]),
        numbers(&[1, 3], &[0.5_f32; 3]),
    );
    let y = numbers(&[1, 3], &[1.5, 2.5, 3.5_f32]);
    check_outputs(&infer(session, &[a, b])?, &[y], Tolerance::Exact)
}

fn refuses(
    subject: &Subject,
    spoil: fn(&mut Vec<TensorDesc>),
    expected: fn() -> InputError,
) -> Result<(), Failure> {
    let mut session = subject.session(graph())?;
    let mut descs = descs();
    spoil(&mut descs);
    let refusal = refused(session.stage(&descs))?;
    expect_equal("refusal", &refusal, &RunError::Input(expected()))?;
    still_works(session.as_mut())
}

fn missing(subject: &Subject) -> Result<(), Failure> {
    let mut session = subject.session(graph())?;
    let descs = descs();
    for (given, name) in [(&descs[..1], "b"), (&descs[1..], "a"), (&[], "a")] {
        let name = name.to_owned();
        let expected = RunError::Input(InputError::Missing { name });
        expect_equal("refusal", &refused(session.stage(given))?, &expected)?;
    }
    still_works(session.as_mut())
}

fn wrong_shape(subject: &Subject, found: Shape, declared: &str) -> Result<(), Failure> {
    let mut session = subject.session(graph())?;
    let mut descs = descs();
    descs[0].shape = found.clone();
    let expected = RunError::Input(InputError::Shape {
        name: "a".to_owned(),
        expected: declared.to_owned(),
        found,
    });
    expect_equal("refusal", &refused(session.stage(&descs))?, &expected)?;
    still_works(session.as_mut())
}

/// Only the bytes show it, so it is the run that refuses.
fn malformed_strings(subject: &Subject) -> Result<(), Failure> {
    let graph = GraphProto::named("strings")
        .takes("x", DType::Bytes, &dims("n"))
        .with(node("Identity", &["x"], &["y"]))
        .gives("y", DType::Bytes, &dims("n"));
    let mut session = subject.session(graph)?;
    let good = texts(&[2], &["one", "two"]);
    for (shape, bytes) in [
        ([2], &[9, 0, 0, 0, b'x'][..]),
        ([1], &[1, 0, 0, 0, b'x', b'y']),
        ([1], &[1, 0]),
        ([1], &[0xff; 4]),
        ([3], &[]),
    ] {
        let desc = TensorDesc {
            index: 0,
            dtype: DType::Bytes,
            shape: shape.into(),
            byte_size: bytes.len(),
        };
        for memory in session.stage(&[desc])? {
            memory.copy_from_slice(bytes);
        }
        match refused(session.run())? {
            RunError::Input(InputError::Strings { name, .. }) if name == "x" => {}
            other => return Err(Failure(format!("{bytes:?} were refused with {other:?}"))),
        }
    }
    let outputs = infer(session.as_mut(), std::slice::from_ref(&good))?;
    check_outputs(&outputs, &[good], Tolerance::Exact)
}

/// Each fits alone, and together they do not: the runtime finds out, and says so.
fn disagreement(subject: &Subject) -> Result<(), Failure> {
    let mut session = subject.session(graph())?;
    let (a, b) = (
        numbers(&[2, 3], &[1.0_f32; 6]),
        numbers(&[4, 3], &[1.0_f32; 12]),
    );
    match refused(infer(session.as_mut(), &[a, b]))? {
        RunError::Runtime { .. } | RunError::Input(_) => still_works(session.as_mut()),
        other => Err(Failure(format!("it was refused with {other:?}"))),
    }
}
