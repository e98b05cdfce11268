//! Cases: the inputs that every variant's outputs are compared on.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::open_dims::OpenDims;
use crate::optimize::DimRange;

/// An odd batch: one that no kernel is made for.
const ODD_BATCH: usize = 3;

/// The most samples of a user that are compared as they are.
const MOST_GIVEN: usize = 32;

/// One run whose outputs are compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// What it is called.
    pub name: String,
    /// What its inputs are.
    pub data: CaseData,
}

/// What the inputs of a run are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CaseData {
    /// Made of the seed.
    Generated {
        /// How many samples; none for a model without a batch axis.
        batch: Option<usize>,
        /// Extents of the other dimensions.
        dims: BTreeMap<String, usize>,
    },
    /// A sample of the user's, as it is.
    Given {
        /// Which one.
        sample: usize,
    },
    /// Rows of the user's samples, over and over.
    Rows {
        /// How many.
        batch: usize,
    },
}

impl Case {
    /// The case of so many samples, with all other dimensions at their largest.
    pub(super) fn of_batch(
        batch: Option<usize>,
        ranges: &BTreeMap<String, DimRange>,
        given: usize,
    ) -> Self {
        let name = batch.map_or_else(|| "one run".to_owned(), |batch| format!("batch {batch}"));
        let data = match (given, batch) {
            (0, _) => CaseData::Generated {
                batch,
                dims: largest(ranges),
            },
            (_, Some(batch)) => CaseData::Rows { batch },
            (_, None) => CaseData::Given { sample: 0 },
        };
        Self { name, data }
    }
}

fn largest(ranges: &BTreeMap<String, DimRange>) -> BTreeMap<String, usize> {
    let largest = ranges.iter().map(|(name, range)| (name.clone(), range.max));
    largest.collect()
}

/// What is compared before anything is measured: each of the user's samples, one sample, an odd batch, and every
/// dimension at either end of its range. The largest batch follows when it is known.
pub(super) fn first(open: &OpenDims, batches: &[Option<usize>], given: &[String]) -> Vec<Case> {
    let as_given = given.iter().take(MOST_GIVEN).enumerate();
    let mut cases: Vec<Case> = as_given
        .map(|(sample, name)| Case {
            name: format!("sample {name}"),
            data: CaseData::Given { sample },
        })
        .collect();
    let batches: Vec<Option<usize>> = match (batches.first(), batches.last()) {
        (Some(&Some(smallest)), Some(&Some(largest))) => {
            let odd = ODD_BATCH.clamp(smallest, largest);
            let mut batches = vec![Some(smallest), Some(odd)];
            batches.dedup();
            batches
        }
        _ if given.is_empty() => vec![None],
        _ => Vec::new(),
    };
    for &batch in &batches {
        cases.push(Case::of_batch(batch, &open.ranges, given.len()));
    }
    if !given.is_empty() {
        return cases;
    }
    let smallest = batches.first().copied().flatten();
    for (name, range) in open
        .ranges
        .iter()
        .filter(|(_, range)| range.min < range.max)
    {
        let mut dims = largest(&open.ranges);
        dims.insert(name.clone(), range.min);
        cases.push(Case {
            name: format!("{name} {}", range.min),
            data: CaseData::Generated {
                batch: smallest,
                dims,
            },
        });
    }
    cases
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_are_one_sample_an_odd_batch_and_either_end_of_every_dimension() {
        let check = |ranges: &[(&str, usize, usize)],
                     batches: &[Option<usize>],
                     given: &[&str],
                     expected: &[&str]| {
            let open = OpenDims {
                ranges: ranges
                    .iter()
                    .map(|&(name, min, max)| (name.to_owned(), DimRange { min, max }))
                    .collect(),
                ..OpenDims::default()
            };
            let given: Vec<String> = given.iter().map(|&name| name.to_owned()).collect();
            let cases = first(&open, batches, &given);
            let names: Vec<&str> = cases.iter().map(|case| case.name.as_str()).collect();
            assert_eq!(names, expected);
        };
        let growing = &[Some(1), Some(8)];
        check(&[], growing, &[], &["batch 1", "batch 3"]);
        check(&[], &[Some(1)], &[], &["batch 1"]);
        check(&[], &[Some(4), Some(8)], &[], &["batch 4"]);
        check(&[], &[None], &[], &["one run"]);
        check(
            &[("h", 5, 5), ("seq", 8, 128)],
            growing,
            &[],
            &["batch 1", "batch 3", "seq 8"],
        );
        check(
            &[("seq", 8, 128)],
            growing,
            &["a.npz"],
            &["sample a.npz", "batch 1", "batch 3"],
        );
        check(&[], &[None], &["a.npz"], &["sample a.npz"]);
    }

    #[test]
    fn a_dimension_at_its_smallest_leaves_the_others_at_their_largest() {
        let open = OpenDims {
            ranges: BTreeMap::from([
                ("a".to_owned(), DimRange { min: 1, max: 4 }),
                ("b".to_owned(), DimRange { min: 2, max: 6 }),
            ]),
            ..OpenDims::default()
        };
        let cases = first(&open, &[None], &[]);
        let dims = |extents: [usize; 2]| CaseData::Generated {
            batch: None,
            dims: BTreeMap::from([("a".to_owned(), extents[0]), ("b".to_owned(), extents[1])]),
        };
        let found: Vec<CaseData> = cases.into_iter().map(|case| case.data).collect();
        assert_eq!(found, [dims([4, 6]), dims([1, 6]), dims([4, 2])]);
    }
}
