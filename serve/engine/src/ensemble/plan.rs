//! An ensemble made ready: tensors by number, and which steps wait for which. Pure.

use std::collections::HashMap;

use nav_package_format::Signature;

use super::error::EnsembleError;
use super::spec::{EnsembleSpec, EnsembleStep};

/// The most steps of an ensemble.
const MOST_STEPS: usize = 256;

/// An ensemble whose steps can be run.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) signature: Signature,
    pub(super) steps: Vec<Step>,
    /// How many tensors there are; those of the signature's inputs come first, in its order.
    pub(super) tensors: usize,
    /// The tensors that are the signature's outputs, in its order.
    pub(super) outputs: Vec<usize>,
    /// For each tensor, the steps that use it.
    pub(super) users: Vec<Vec<usize>>,
}

/// A step whose tensors are numbers.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) model: String,
    pub(super) version: Option<u64>,
    pub(super) inputs: Vec<(Box<str>, usize)>,
    pub(super) outputs: Vec<(Box<str>, usize)>,
}

/// What a step's model is like.
#[derive(Debug)]
pub(crate) struct StepModel<'a> {
    pub(crate) signature: &'a Signature,
    pub(crate) is_decoupled: bool,
}

impl Plan {
    /// Numbers the tensors of an ensemble and checks that each is given once, and that no step waits for
    /// itself.
    pub(crate) fn new(spec: &EnsembleSpec) -> Result<Self, EnsembleError> {
        let steps = spec.steps.len();
        if !(1..=MOST_STEPS).contains(&steps) {
            return Err(EnsembleError::Steps {
                steps,
                limit: MOST_STEPS,
            });
        }
        let numbers = numbers(spec)?;
        let number = |tensor: &str| {
            numbers
                .get(tensor)
                .copied()
                .ok_or_else(|| EnsembleError::NotGiven {
                    tensor: tensor.to_owned(),
                })
        };
        let mut users = vec![Vec::new(); numbers.len()];
        let mut numbered = Vec::with_capacity(steps);
        for (index, step) in spec.steps.iter().enumerate() {
            let step = Step::new(step, number)?;
            for &(_, tensor) in &step.inputs {
                if let Some(users) = users.get_mut(tensor)
                    && !users.contains(&index)
                {
                    users.push(index);
                }
            }
            numbered.push(step);
        }
        let outputs = spec.signature.outputs.iter();
        let plan = Self {
            outputs: outputs
                .map(|spec| number(&spec.name))
                .collect::<Result<_, _>>()?,
            signature: spec.signature.clone(),
            steps: numbered,
            tensors: numbers.len(),
            users,
        };
        plan.check_order()?;
        Ok(plan)
    }

    /// Checks that every step has its turn.
    fn check_order(&self) -> Result<(), EnsembleError> {
        let mut is_there = vec![false; self.tensors];
        is_there
            .iter_mut()
            .take(self.signature.inputs.len())
            .for_each(|it| *it = true);
        let mut left: Vec<usize> = (0..self.steps.len()).collect();
        while let Some(&first) = left.first() {
            let before = left.len();
            left.retain(|&index| {
                let Some(step) = self.steps.get(index) else {
                    return false;
                };
                let has_all = step
                    .inputs
                    .iter()
                    .all(|&(_, it)| is_there.get(it) == Some(&true));
                if has_all {
                    for &(_, tensor) in &step.outputs {
                        if let Some(it) = is_there.get_mut(tensor) {
                            *it = true;
                        }
                    }
                }
                !has_all
            });
            if left.len() == before {
                let model = self.steps.get(first).map(|step| step.model.clone());
                return Err(EnsembleError::StepCycle {
                    step: first,
                    model: model.unwrap_or_default(),
                });
            }
        }
        Ok(())
    }

    /// The models that are asked, and their versions.
    pub(crate) fn models(&self) -> impl Iterator<Item = (&str, Option<u64>)> {
        self.steps
            .iter()
            .map(|step| (step.model.as_str(), step.version))
    }

    /// Checks that a step suits its model.
    pub(crate) fn check_step(
        &self,
        index: usize,
        model: &StepModel<'_>,
    ) -> Result<(), EnsembleError> {
        let Some(step) = self.steps.get(index) else {
            return Ok(());
        };
        let name = || step.model.clone();
        if model.is_decoupled {
            let model = name();
            return Err(EnsembleError::Decoupled { step: index, model });
        }
        let missing = |role, tensor: &str| EnsembleError::NoTensor {
            step: index,
            model: name(),
            role,
            tensor: tensor.to_owned(),
        };
        for (input, _) in &step.inputs {
            model
                .signature
                .input(input)
                .ok_or_else(|| missing("input", input))?;
        }
        for (output, _) in &step.outputs {
            model
                .signature
                .output(output)
                .ok_or_else(|| missing("output", output))?;
        }
        let is_given = |name: &str| step.inputs.iter().any(|(input, _)| **input == *name);
        let left_out = model
            .signature
            .inputs
            .iter()
            .find(|spec| !spec.optional && !is_given(&spec.name));
        left_out.map_or(Ok(()), |spec| {
            Err(EnsembleError::InputLeftOut {
                step: index,
                model: name(),
                input: spec.name.clone(),
            })
        })
    }
}

impl Step {
    fn new(
        step: &EnsembleStep,
        number: impl Fn(&str) -> Result<usize, EnsembleError>,
    ) -> Result<Self, EnsembleError> {
        let numbered = |pairs: &[(String, String)]| {
            let pairs = pairs.iter();
            pairs
                .map(|(own, tensor)| Ok((own.as_str().into(), number(tensor)?)))
                .collect::<Result<Vec<(Box<str>, usize)>, EnsembleError>>()
        };
        Ok(Self {
            model: step.model.clone(),
            version: step.version,
            inputs: numbered(&step.inputs)?,
            outputs: numbered(&step.outputs)?,
        })
    }
}

/// A number for each tensor that someone gives.
fn numbers(spec: &EnsembleSpec) -> Result<HashMap<&str, usize>, EnsembleError> {
    let inputs = spec.signature.inputs.iter().map(|spec| spec.name.as_str());
    let outputs = spec.steps.iter().flat_map(|step| &step.outputs);
    let mut numbers = HashMap::new();
    for (number, tensor) in inputs
        .chain(outputs.map(|(_, tensor)| tensor.as_str()))
        .enumerate()
    {
        if numbers.insert(tensor, number).is_some() {
            let tensor = tensor.to_owned();
            return Err(EnsembleError::GivenTwice { tensor });
        }
    }
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use nav_package_format::{DType, TensorSpec};

    use super::*;

    fn signature(inputs: &[&str], outputs: &[&str]) -> Signature {
        let specs = |names: &[&str]| {
            let spec = |name: &&str| TensorSpec {
                name: (*name).to_owned(),
                dtype: DType::Fp32,
                dims: None,
                optional: false,
            };
            names.iter().map(spec).collect()
        };
        Signature {
            inputs: specs(inputs),
            outputs: specs(outputs),
        }
    }

    /// An ensemble from X to Y; each step is the tensors that it takes and those that it gives.
    fn plan(steps: &[(&[&str], &[&str])]) -> Result<Plan, EnsembleError> {
        let pairs = |tensors: &[&str]| {
            let pair = |tensor: &&str| (format!("own_{tensor}"), (*tensor).to_owned());
            tensors.iter().map(pair).collect()
        };
        let step = |(inputs, outputs): &(&[&str], &[&str])| EnsembleStep {
            model: "m".to_owned(),
            version: None,
            inputs: pairs(inputs),
            outputs: pairs(outputs),
        };
        Plan::new(&EnsembleSpec {
            signature: signature(&["X"], &["Y"]),
            steps: steps.iter().map(step).collect(),
            ..EnsembleSpec::default()
        })
    }

    #[test]
    fn each_tensor_is_given_once_and_no_step_waits_for_itself() {
        let check = |steps: &[(&[&str], &[&str])], expected: &str| {
            assert_eq!(plan(steps).unwrap_err().to_string(), expected);
        };
        check(&[], "it has 0 steps, and 1 to 256 are possible");
        check(&[(&["X"], &["a"])], "nobody gives tensor `Y`");
        check(&[(&["q"], &["Y"])], "nobody gives tensor `q`");
        check(&[(&["X"], &["X", "Y"])], "tensor `X` is given twice");
        check(
            &[(&["X"], &["Y"]), (&["X"], &["Y"])],
            "tensor `Y` is given twice",
        );
        check(
            &[(&["X", "b"], &["a"]), (&["a"], &["b", "Y"])],
            "step 0 (m) waits for its own output",
        );
        assert!(plan(&[(&["a", "X"], &["Y"]), (&["X"], &["a"])]).is_ok());
    }

    #[test]
    fn a_step_must_suit_its_model() {
        let plan = plan(&[(&["X"], &["Y"])]).unwrap();
        let check = |inputs: &[&str], outputs: &[&str], expected: &str| {
            let model = StepModel {
                signature: &signature(inputs, outputs),
                is_decoupled: false,
            };
            assert_eq!(
                plan.check_step(0, &model).unwrap_err().to_string(),
                expected
            );
        };
        check(&["x"], &["own_Y"], "step 0: model `m` has no input `own_X`");
        check(
            &["own_X"],
            &["y"],
            "step 0: model `m` has no output `own_Y`",
        );
        check(
            &["own_X", "b"],
            &["own_Y"],
            "step 0: model `m` needs input `b`",
        );
        let model = StepModel {
            signature: &signature(&["own_X"], &["own_Y"]),
            is_decoupled: true,
        };
        let error = plan.check_step(0, &model).unwrap_err();
        assert_eq!(
            error.to_string(),
            "step 0: model `m` gives any number of responses"
        );
    }
}
