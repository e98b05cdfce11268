//! Byte strings.

use std::slice::from_ref;

use nav_package_format::DType;
use nav_package_format::onnx::build::{dims, int, node, string_tensor};
use nav_package_format::onnx::proto::GraphProto;

use crate::case::{Failure, Suite, case};
use crate::comparison::Tolerance;
use crate::subject::{Subject, check_outputs, infer};
use crate::values::{bools, texts};

pub(crate) const SUITE: Suite = Suite {
    name: "strings",
    cases: &[
        case("text", |subject| {
            identity(subject, &[b"one", "zwölf".as_bytes(), b""])
        }),
        case("inner-zeros", |subject| {
            identity(subject, &[b"a\0b", b"\0", b""])
        }),
        case("not-utf-8", |subject| {
            identity(subject, &[b"\xff\xfe", b"ok", b"\x80"])
        }),
        case("long", |subject| {
            identity(subject, &[&[b'x'; 100_000], b"", b"y"])
        }),
        case("empty-batch", empty_batch),
        case("concat", concat),
        case("append", append),
        case("equal", equal),
        case("lengths-change", lengths_change),
    ],
};

fn passing() -> GraphProto {
    GraphProto::named("strings")
        .takes("x", DType::Bytes, &dims("n"))
        .with(node("Identity", &["x"], &["y"]))
        .gives("y", DType::Bytes, &dims("n"))
}

fn identity(subject: &Subject, elements: &[&[u8]; 3]) -> Result<(), Failure> {
    let x = texts(&[3], elements);
    subject.check(passing(), from_ref(&x), from_ref(&x), Tolerance::Exact)
}

fn empty_batch(subject: &Subject) -> Result<(), Failure> {
    let none = texts::<&str>(&[0], &[]);
    subject.check(
        passing(),
        from_ref(&none),
        from_ref(&none),
        Tolerance::Exact,
    )
}

/// With a constant of the model.
fn concat(subject: &Subject) -> Result<(), Failure> {
    let graph = GraphProto::named("strings")
        .takes("x", DType::Bytes, &dims("n"))
        .holds(string_tensor("end", &[1], &["end"]))
        .with(node("Concat", &["x", "end"], &["y"]).with(int("axis", 0)))
        .gives("y", DType::Bytes, &dims("more"));
    let y = texts(&[3], &["a", "b", "end"]);
    subject.check(graph, &[texts(&[2], &["a", "b"])], &[y], Tolerance::Exact)
}

fn append(subject: &Subject) -> Result<(), Failure> {
    let graph = GraphProto::named("strings")
        .takes("a", DType::Bytes, &dims("n"))
        .takes("b", DType::Bytes, &dims("n"))
        .with(node("StringConcat", &["a", "b"], &["y"]))
        .gives("y", DType::Bytes, &dims("n"));
    let inputs = [texts(&[2], &["a", "b"]), texts(&[2], &["x", ""])];
    let y = texts(&[2], &["ax", "b"]);
    subject.check(graph, &inputs, &[y], Tolerance::Exact)
}

fn equal(subject: &Subject) -> Result<(), Failure> {
    let graph = GraphProto::named("strings")
        .takes("a", DType::Bytes, &dims("n"))
        .takes("b", DType::Bytes, &dims("n"))
        .with(node("Equal", &["a", "b"], &["y"]))
        .gives("y", DType::Bool, &dims("n"));
    let inputs = [texts(&[2], &["a", "b"]), texts(&[2], &["a", ""])];
    let y = bools(&[2], &[true, false]);
    subject.check(graph, &inputs, &[y], Tolerance::Exact)
}

/// The same shape, and another size each time.
fn lengths_change(subject: &Subject) -> Result<(), Failure> {
    let mut session = subject.session(passing())?;
    for length in [1, 1000, 0, 70_000, 2] {
        let x = texts(&[2], &["x".repeat(length), "y".to_owned()]);
        let outputs = infer(session.as_mut(), from_ref(&x))?;
        check_outputs(&outputs, &[x], Tolerance::Exact)?;
    }
    Ok(())
}
