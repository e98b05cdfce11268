//! One case on one runner, in a process that may die of it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use nav_package_format::{Format, TensorData, TensorView, onnx};
use nav_runners::{
    Libraries, LoadOptions, ModelFile, Outputs, RunError, Runner, Session, Tensor, TensorDesc,
};
use nav_worker::{Isolated, WorkerCommand, WorkerOptions};

use crate::case::{Case, CaseError, DataSet};
use crate::compare::{Tolerance, check};
use crate::failure::{Class, Failure};
use crate::tensor::TensorError;

/// The argument that makes this program the child of itself.
pub(crate) const CHILD: &str = "__worker";

/// Ample for models of a single operator.
const PATIENCE: WorkerOptions = WorkerOptions {
    load_deadline: Duration::from_secs(30),
    run_deadline: Duration::from_secs(30),
    shutdown_grace: Duration::from_secs(5),
    first_backoff: Duration::ZERO,
    longest_backoff: Duration::ZERO,
    output_limit: 1 << 30,
};

/// A runner and where its library is.
#[derive(Debug)]
pub(crate) struct Attempts {
    runner: Isolated,
    libraries: Libraries,
}

impl Attempts {
    /// This runner, in children of this program.
    pub(crate) fn new(runner: &'static dyn Runner, program: PathBuf, libraries: Libraries) -> Self {
        let command = WorkerCommand::new(program).with_argument(CHILD);
        Self {
            runner: Isolated::new(runner, command).with_options(PATIENCE),
            libraries,
        }
    }

    /// Tries a case, in a new process.
    pub(crate) fn attempt(&self, case: &Case) -> Result<(), Failure> {
        self.load_and_run(case).map_err(|failure| {
            let facts = onnx::verify(&case.model());
            let opsets = facts.map(|facts| facts.opset_imports);
            failure.of_opsets(&opsets.unwrap_or_default())
        })
    }

    fn load_and_run(&self, case: &Case) -> Result<(), Failure> {
        let model = ModelFile {
            path: case.model(),
            format: Format::Onnx,
        };
        let options = LoadOptions {
            libraries: self.libraries.clone(),
            ..LoadOptions::default()
        };
        let loaded = self.runner.load(&model, &options)?;
        let data_sets = case.data_sets().map_err(|error| unreadable(&error))?;
        let mut session = Arc::clone(&loaded).session()?;
        for data_set in &data_sets {
            let outputs = run(session.as_mut(), &data_set.inputs)?;
            check_all(case, data_set, &outputs)?;
        }
        Ok(())
    }
}

fn unreadable(error: &CaseError) -> Failure {
    let class = match error {
        CaseError::Tensor {
            source: TensorError::ElementType(_),
            ..
        } => Class::ElementType,
        _ => Class::Unreadable,
    };
    Failure::new(class, &error.to_string())
}

fn run(session: &mut dyn Session, inputs: &[TensorData]) -> Result<Outputs, RunError> {
    let descs: Vec<TensorDesc> = inputs
        .iter()
        .enumerate()
        .map(|(index, input)| TensorDesc {
            index,
            dtype: input.dtype(),
            shape: input.shape().clone(),
            byte_size: input.bytes().len(),
        })
        .collect();
    for (memory, input) in session.stage(&descs)?.into_iter().zip(inputs) {
        memory.copy_from_slice(input.bytes());
    }
    session.run()
}

fn check_all(case: &Case, data_set: &DataSet, outputs: &Outputs) -> Result<(), Failure> {
    let tolerance = Tolerance {
        relative: case.facts.rtol,
        absolute: case.facts.atol,
    };
    for (index, expected) in data_set.outputs.iter().enumerate() {
        let found = outputs.iter().find(|output| output.desc.index == index);
        let checked = match found {
            Some(found) => check_one(found, expected, tolerance),
            None => Err(Failure::new(Class::WrongResult, "left out")),
        };
        checked.map_err(|failure| failure_of(case, index, &failure))?;
    }
    Ok(())
}

fn check_one(found: &Tensor, expected: &TensorData, tolerance: Tolerance) -> Result<(), Failure> {
    let desc = &found.desc;
    let view = TensorView::new(desc.dtype, &desc.shape, &found.bytes);
    let view = view.map_err(|error| Failure::new(Class::WrongResult, &error.to_string()))?;
    check(view, expected.view(), tolerance)
}

/// Dropout in training is the only operator with a random answer that the cases compare.
const RANDOM: &str = "test_training_dropout";

fn failure_of(case: &Case, index: usize, failure: &Failure) -> Failure {
    let class = match failure.class {
        Class::WrongResult if case.facts.name.starts_with(RANDOM) => Class::Random,
        class => class,
    };
    Failure::new(class, &format!("output {index}: {}", failure.reason))
}
