//! The extents that an engine is built for: of a graph's open dimensions, from what is known of them. Pure.

use std::collections::BTreeMap;

use nav_package_format::{Dim, TensorSpec};

use crate::native::{Extents, InputRange};

/// The least, the usual and the most extent of a dimension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DimExtents {
    pub(crate) least: i64,
    pub(crate) usual: i64,
    pub(crate) most: i64,
}

/// What a dimension is built for of which nothing is known.
const UNKNOWN: DimExtents = DimExtents {
    least: 1,
    usual: 8,
    most: 64,
};

/// Why no extents could be told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ProfileError {
    /// The number of dimensions is open, too.
    #[error("the number of dimensions of input `{input}` is not known")]
    OpenRank {
        /// Which input.
        input: String,
    },
    /// TensorRT has at most eight.
    #[error("input `{input}` has more dimensions than TensorRT knows")]
    Rank {
        /// Which input.
        input: String,
    },
    /// Extents of a dimension that no input has.
    #[error("extents are given for `{name}`, and no input has such a dimension")]
    Unknown {
        /// The dimension.
        name: String,
    },
}

/// The ranges of all inputs with open dimensions. A dimension without a name is called by its input and its axis: `x.0`.
pub(crate) fn ranges(
    inputs: &[TensorSpec],
    known: &BTreeMap<String, DimExtents>,
) -> Result<Vec<InputRange>, ProfileError> {
    let mut unused: Vec<&String> = known.keys().collect();
    let mut ranges = Vec::new();
    for input in inputs {
        let dims = input.dims.as_ref().ok_or_else(|| ProfileError::OpenRank {
            input: input.name.clone(),
        })?;
        let extents: Vec<DimExtents> = dims
            .iter()
            .enumerate()
            .map(|(axis, dim)| {
                let name = match dim {
                    Dim::Fixed(fixed) => return DimExtents::fixed(*fixed),
                    Dim::Symbolic(name) => name.clone(),
                    Dim::Unknown => format!("{}.{axis}", input.name),
                };
                unused.retain(|unused| **unused != name);
                known.get(&name).copied().unwrap_or(UNKNOWN)
            })
            .collect();
        if dims.iter().all(|dim| matches!(dim, Dim::Fixed(_))) {
            continue;
        }
        let rank = || ProfileError::Rank {
            input: input.name.clone(),
        };
        let each = |part: fn(&DimExtents) -> i64| {
            let parts: Vec<i64> = extents.iter().map(part).collect();
            Extents::new(&parts).ok_or_else(rank)
        };
        ranges.push(InputRange {
            name: input.name.clone(),
            least: each(|extent| extent.least)?,
            usual: each(|extent| extent.usual)?,
            most: each(|extent| extent.most)?,
        });
    }
    match unused.first() {
        Some(name) => Err(ProfileError::Unknown {
            name: (*name).clone(),
        }),
        None => Ok(ranges),
    }
}

impl DimExtents {
    fn fixed(extent: usize) -> Self {
        let extent = i64::try_from(extent).unwrap_or(i64::MAX);
        Self {
            least: extent,
            usual: extent,
            most: extent,
        }
    }

    /// Reads `1:8:32`, or one number for all three. They do not fall.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let parts: Result<Vec<i64>, _> = text.split(':').map(str::parse).collect();
        let (least, usual, most) = match *parts.ok()?.as_slice() {
            [only] => (only, only, only),
            [least, usual, most] => (least, usual, most),
            _ => return None,
        };
        let is_sound = 0 <= least && least <= usual && usual <= most;
        is_sound.then_some(Self { least, usual, most })
    }
}

#[cfg(test)]
mod tests {
    use nav_package_format::DType;

    use super::*;

    fn input(name: &str, dims: Option<&str>) -> TensorSpec {
        let dim = |text: &str| match text {
            "?" => Dim::Unknown,
            text => text
                .parse()
                .map_or_else(|_| Dim::Symbolic(text.to_owned()), Dim::Fixed),
        };
        TensorSpec {
            name: name.to_owned(),
            dtype: DType::Fp32,
            dims: dims.map(|dims| dims.split(',').map(dim).collect()),
            optional: false,
        }
    }

    fn told(inputs: &[TensorSpec], known: &[(&str, &str)]) -> Result<Vec<String>, String> {
        let known = known
            .iter()
            .map(|(name, text)| ((*name).to_owned(), DimExtents::parse(text).unwrap()));
        let ranges = ranges(inputs, &known.collect()).map_err(|error| error.to_string())?;
        let text = |range: &InputRange| {
            let (least, usual, most) = (&range.least, &range.usual, &range.most);
            format!(
                "{} {:?} {:?} {:?}",
                range.name,
                least.as_slice(),
                usual.as_slice(),
                most.as_slice()
            )
        };
        Ok(ranges.iter().map(text).collect())
    }

    #[test]
    fn open_dimensions_take_what_is_known_of_them_and_fixed_ones_stay() {
        let inputs = [
            input("x", Some("batch,3,h,?")),
            input("mask", Some("batch")),
            input("scale", Some("2,2")),
        ];
        let known = [("batch", "1:4:16"), ("h", "224"), ("x.3", "8:32:32")];
        let expected = [
            "x [1, 3, 224, 8] [4, 3, 224, 32] [16, 3, 224, 32]",
            "mask [1] [4] [16]",
        ];
        assert_eq!(
            told(&inputs, &known),
            Ok(expected.map(str::to_owned).to_vec())
        );
    }

    #[test]
    fn what_nobody_knows_is_from_one_to_sixty_four() {
        let expected = vec!["x [1, 2] [8, 2] [64, 2]".to_owned()];
        assert_eq!(told(&[input("x", Some("n,2"))], &[]), Ok(expected));
    }

    #[test]
    fn what_cannot_be_built_for_is_refused_by_name() {
        let check = |inputs: &[TensorSpec], known: &[(&str, &str)], expected: &str| {
            assert_eq!(told(inputs, known), Err(expected.to_owned()));
        };
        check(
            &[input("x", None)],
            &[],
            "the number of dimensions of input `x` is not known",
        );
        check(
            &[input("x", Some("n,1,1,1,1,1,1,1,1"))],
            &[],
            "input `x` has more dimensions than TensorRT knows",
        );
        check(
            &[input("x", Some("n"))],
            &[("m", "1")],
            "extents are given for `m`, and no input has such a dimension",
        );
    }

    #[test]
    fn extents_are_numbers_that_do_not_fall() {
        let check = |text: &str, expected: Option<(i64, i64, i64)>| {
            let found = DimExtents::parse(text);
            let found = found.map(|found| (found.least, found.usual, found.most));
            assert_eq!(found, expected, "{text}");
        };
        check("7", Some((7, 7, 7)));
        check("1:8:32", Some((1, 8, 32)));
        check("0:8:32", Some((0, 8, 32)));
        check("-1:8:32", None);
        check("1:9:8", None);
        check("1:2", None);
        check("1:2:3:4", None);
        check("a", None);
        check("", None);
    }
}
