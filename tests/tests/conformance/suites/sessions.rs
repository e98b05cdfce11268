//! Several sessions of one loaded model.

use std::sync::Arc;
use std::thread;

use nav_package_format::onnx::build::{dims, node, tensor};
use nav_package_format::onnx::proto::GraphProto;
use nav_package_format::{DType, TensorData};
use nav_runners::{Loaded, Session};

use crate::case::{Failure, Suite, case};
use crate::comparison::Tolerance;
use crate::subject::{Subject, check_outputs, infer, stage};
use crate::suites::matrices::product;
use crate::values::{noise, numbers};

pub(crate) const SUITE: Suite = Suite {
    name: "sessions",
    cases: &[
        case("one-for-each-thread", one_for_each_thread),
        case("taking-turns", taking_turns),
        case("outlive-the-model", outlive_the_model),
        case("one-after-the-other", one_after_the_other),
        case("several-models", several_models),
    ],
};

const THREADS: u8 = 4;
const RUNS: u8 = 12;

fn graph() -> GraphProto {
    GraphProto::named("shared")
        .takes("x", DType::Fp32, &dims("rows,8"))
        .holds(tensor("weight", &[8, 8], &noise(64)))
        .with(node("MatMul", &["x", "weight"], &["y"]))
        .gives("y", DType::Fp32, &dims("rows,8"))
}

/// A question, and the answer to it, different for each number.
fn example(number: u8) -> (TensorData, TensorData) {
    let rows = usize::from(number % 3) + 1;
    let x: Vec<f32> = noise(rows * 8)
        .iter()
        .map(|x| x + f32::from(number))
        .collect();
    let y = product(&x, &noise(64), [rows, 8, 8]);
    (numbers(&[rows, 8], &x), numbers(&[rows, 8], &y))
}

fn ask(session: &mut dyn Session, number: u8) -> Result<(), Failure> {
    let (x, y) = example(number);
    check_outputs(&infer(session, &[x])?, &[y], Tolerance::Close)
}

fn ask_often(model: Arc<dyn Loaded>, first: u8) -> Result<(), Failure> {
    let mut session = model.session()?;
    (first..first + RUNS).try_for_each(|number| ask(session.as_mut(), number))
}

fn one_for_each_thread(subject: &Subject) -> Result<(), Failure> {
    let model = subject.load(graph())?;
    thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let model = Arc::clone(&model);
                scope.spawn(move || ask_often(model, thread * RUNS))
            })
            .collect();
        threads.into_iter().try_for_each(|thread| {
            thread
                .join()
                .unwrap_or_else(|_| Err(Failure::new("a thread panicked")))
        })
    })
}

/// What is staged in one is not what another runs.
fn taking_turns(subject: &Subject) -> Result<(), Failure> {
    let model = subject.load(graph())?;
    let mut one = Arc::clone(&model).session()?;
    let mut other = model.session()?;
    for number in 0..4 {
        let ((x, y), (u, v)) = (example(number), example(number + 50));
        stage(one.as_mut(), &[x])?;
        stage(other.as_mut(), &[u])?;
        let (first, second) = (one.run()?, other.run()?);
        check_outputs(&first, &[y], Tolerance::Close)?;
        check_outputs(&second, &[v], Tolerance::Close)?;
    }
    Ok(())
}

fn outlive_the_model(subject: &Subject) -> Result<(), Failure> {
    let model = subject.load(graph())?;
    let mut session = Arc::clone(&model).session()?;
    drop(model);
    ask(session.as_mut(), 1)
}

fn one_after_the_other(subject: &Subject) -> Result<(), Failure> {
    let model = subject.load(graph())?;
    (0..8).try_for_each(|number| ask(Arc::clone(&model).session()?.as_mut(), number))
}

fn several_models(subject: &Subject) -> Result<(), Failure> {
    let constant = |number: f32| {
        GraphProto::named("constant")
            .takes("x", DType::Fp32, &dims("1"))
            .holds(tensor("c", &[1], &[number]))
            .with(node("Add", &["x", "c"], &["y"]))
            .gives("y", DType::Fp32, &dims("1"))
    };
    // The file of the first is overwritten by the second: what is loaded, stays.
    let mut one = subject.session(constant(1.0))?;
    let mut two = subject.session(constant(2.0))?;
    let x = [numbers(&[1], &[0.5_f32])];
    for _ in 0..2 {
        let (first, second) = (infer(one.as_mut(), &x)?, infer(two.as_mut(), &x)?);
        check_outputs(&first, &[numbers(&[1], &[1.5_f32])], Tolerance::Exact)?;
        check_outputs(&second, &[numbers(&[1], &[2.5_f32])], Tolerance::Exact)?;
    }
    Ok(())
}
