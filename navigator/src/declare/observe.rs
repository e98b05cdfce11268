//! From what was seen of outputs in several runs to what is declared of them. Runs nothing.

use std::collections::BTreeMap;

use nav_package_format::{DType, Dim, Shape, TensorSpec};

/// A run: the extents that the open dimensions of the inputs had, and what came out.
#[derive(Clone, Debug)]
pub(super) struct Observation {
    pub(super) extents: BTreeMap<String, usize>,
    pub(super) outputs: Vec<(String, DType, Shape)>,
}

/// The outputs that these runs gave: extents that never changed are fixed, those that were always the extent of an open
/// dimension are that one, and of others nothing is known. None where a type or the number of extents changed.
pub(super) fn outputs(runs: &[Observation]) -> Option<Vec<TensorSpec>> {
    let mut specs: Vec<TensorSpec> = Vec::new();
    for (name, dtype, _) in runs.iter().flat_map(|run| &run.outputs) {
        if specs.iter().any(|known| known.name == *name) {
            continue;
        }
        let seen: Vec<(&Observation, &Shape)> = runs
            .iter()
            .filter_map(|run| {
                let mut outputs = run.outputs.iter();
                let (_, found, shape) = outputs.find(|(known, _, _)| known == name)?;
                (found == dtype).then_some((run, shape))
            })
            .collect();
        let rank = seen.first()?.1.len();
        if seen.iter().any(|(_, shape)| shape.len() != rank) {
            return None;
        }
        specs.push(TensorSpec {
            name: name.clone(),
            dtype: *dtype,
            dims: Some((0..rank).map(|axis| dim(axis, &seen)).collect()),
            optional: seen.len() < runs.len(),
        });
    }
    let mut all = runs.iter().flat_map(|run| &run.outputs);
    let is_stable = all.all(|(name, dtype, _)| {
        specs
            .iter()
            .any(|spec| spec.name == *name && spec.dtype == *dtype)
    });
    is_stable.then_some(specs)
}

fn dim(axis: usize, seen: &[(&Observation, &Shape)]) -> Dim {
    let extents: Vec<Option<&usize>> = seen.iter().map(|(_, shape)| shape.get(axis)).collect();
    if let Some((Some(first), others)) = extents.split_first()
        && others.iter().all(|other| *other == Some(first))
    {
        return Dim::Fixed(**first);
    }
    let names = seen.iter().flat_map(|(run, _)| run.extents.keys());
    let mut fitting = names.filter(|name| {
        let mut pairs = seen.iter().zip(&extents);
        pairs.all(|((run, _), extent)| run.extents.get(*name) == *extent)
    });
    fitting
        .next()
        .map_or(Dim::Unknown, |name| Dim::Symbolic(name.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(extents: &[(&str, usize)], outputs: &[(&str, DType, &[usize])]) -> Observation {
        Observation {
            extents: extents
                .iter()
                .map(|&(name, extent)| (name.to_owned(), extent))
                .collect(),
            outputs: outputs
                .iter()
                .map(|&(name, dtype, shape)| {
                    (name.to_owned(), dtype, Shape::new(shape.iter().copied()))
                })
                .collect(),
        }
    }

    #[test]
    fn extents_that_follow_an_input_are_open_under_its_name() {
        let check = |runs: &[Observation], expected: Option<&[&str]>| {
            let found = outputs(runs);
            let found: Option<Vec<String>> =
                found.map(|specs| specs.iter().map(ToString::to_string).collect());
            let expected =
                expected.map(|texts| texts.iter().map(|&text| text.to_owned()).collect());
            assert_eq!(found, expected);
        };
        let of = |batch: usize, length: usize, shape: &[usize]| {
            let extents = [("batch", batch), ("length", length)];
            run(&extents, &[("y", DType::Fp32, shape)])
        };
        check(
            &[
                of(2, 9, &[2, 9, 5]),
                of(3, 9, &[3, 9, 5]),
                of(2, 4, &[2, 4, 5]),
            ],
            Some(&["y: FP32 [batch,length,5]"]),
        );
        check(
            &[of(2, 8, &[2, 4]), of(3, 8, &[3, 4]), of(2, 6, &[2, 3])],
            Some(&["y: FP32 [batch,?]"]),
        );
        // What the batch does not change is fixed, whatever its extent is.
        check(
            &[of(2, 9, &[2, 9]), of(3, 9, &[2, 9])],
            Some(&["y: FP32 [2,9]"]),
        );
        check(&[of(2, 9, &[2, 9]), of(3, 9, &[27])], None);
        check(&[], Some(&[]));
    }

    #[test]
    fn an_output_that_is_not_always_there_may_be_left_out() {
        let first = run(
            &[("n", 2)],
            &[("y", DType::Bool, &[2]), ("z", DType::Fp32, &[])],
        );
        let second = run(&[("n", 3)], &[("y", DType::Bool, &[3])]);
        let found = outputs(&[first.clone(), second]).unwrap();
        let optional: Vec<bool> = found.iter().map(|spec| spec.optional).collect();
        assert_eq!(optional, [false, true]);
        let other = run(&[("n", 3)], &[("y", DType::Fp32, &[3])]);
        assert_eq!(outputs(&[first, other]), None);
    }
}
