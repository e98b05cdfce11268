//! How far outputs may be off: one table of defaults, and what a user puts in their place.

use nav_package_format::package::Tolerance;
use nav_package_format::{DType, TensorView};
use serde::{Deserialize, Serialize};

use super::difference::largest_number;
use crate::optimize::ToleranceRule;

/// The default tolerance of an element type.
#[derive(Clone, Copy, Debug)]
pub struct DefaultTolerance {
    /// The element type.
    pub dtype: DType,
    /// What it is called.
    pub name: &'static str,
    /// How far an element may be off, for outputs whose numbers are around 1. Where an output holds larger
    /// ones it grows with the largest: sums are rounded in proportion to what is summed.
    pub absolute: f64,
    /// How far besides, as a part of the original's.
    pub relative: f64,
}

/// The default tolerances. Types that are not here must be equal.
pub const DEFAULTS: &[DefaultTolerance] = &[
    DefaultTolerance {
        dtype: DType::Fp64,
        name: "default-fp64",
        absolute: 1e-9,
        relative: 1e-7,
    },
    DefaultTolerance {
        dtype: DType::Fp32,
        name: "default-fp32",
        absolute: 1e-5,
        relative: 1e-3,
    },
    DefaultTolerance {
        dtype: DType::Fp16,
        name: "default-fp16",
        absolute: 1e-2,
        relative: 1e-2,
    },
    DefaultTolerance {
        dtype: DType::Bf16,
        name: "default-bf16",
        absolute: 5e-2,
        relative: 5e-2,
    },
];

/// The name of the tolerance of everything that is no floating point number.
const EXACT: &str = "exact";

/// The tolerances of one optimization.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tolerances {
    /// What a user put in place of the defaults, in order.
    pub rules: Vec<ToleranceRule>,
}

impl Tolerances {
    /// How far this output of the reference may be missed.
    pub fn of(&self, output: &str, expected: TensorView<'_>) -> Tolerance {
        let dtype = expected.dtype();
        let fits = |rule: &&ToleranceRule| {
            rule.output.as_ref().is_none_or(|name| name == output)
                && rule.dtype.is_none_or(|wanted| wanted == dtype)
        };
        if let Some(rule) = self.rules.iter().find(fits) {
            return Tolerance {
                name: match (&rule.output, rule.dtype) {
                    (Some(output), _) => format!("given for {output}"),
                    (None, Some(dtype)) => format!("given for {dtype}"),
                    (None, None) => "given".to_owned(),
                },
                absolute: rule.absolute,
                relative: rule.relative,
            };
        }
        let default = DEFAULTS.iter().find(|default| default.dtype == dtype);
        default.map_or_else(exact, |default| Tolerance {
            name: default.name.to_owned(),
            absolute: default.absolute * largest_number(expected).max(1.0),
            relative: default.relative,
        })
    }
}

fn exact() -> Tolerance {
    Tolerance {
        name: EXACT.to_owned(),
        absolute: 0.0,
        relative: 0.0,
    }
}

#[cfg(test)]
mod tests {
    use nav_package_format::{Shape, TensorData};

    use super::*;

    #[test]
    fn a_rule_wins_over_the_table_and_the_table_grows_with_the_numbers() {
        let check = |rules: &[(Option<&str>, Option<DType>, f64)],
                     dtype: DType,
                     largest: f32,
                     expected: (&str, f64)| {
            let rules = rules
                .iter()
                .map(|&(output, dtype, absolute)| ToleranceRule {
                    output: output.map(str::to_owned),
                    dtype,
                    absolute,
                    relative: 0.0,
                });
            let tolerances = Tolerances {
                rules: rules.collect(),
            };
            let bytes = match dtype {
                DType::Fp32 => largest.to_le_bytes().to_vec(),
                _ => vec![0; dtype.element_size().unwrap()],
            };
            let tensor = TensorData::new(dtype, Shape::default(), bytes).unwrap();
            let found = tolerances.of("y", tensor.view());
            assert_eq!((found.name.as_str(), found.absolute), expected);
        };
        check(&[], DType::Fp32, 0.5, ("default-fp32", 1e-5));
        check(&[], DType::Fp32, -1000.0, ("default-fp32", 1e-2));
        check(&[], DType::Int64, 0.0, ("exact", 0.0));
        check(&[], DType::Bool, 0.0, ("exact", 0.0));
        check(
            &[(Some("y"), None, 0.5)],
            DType::Fp32,
            9.0,
            ("given for y", 0.5),
        );
        check(
            &[(Some("z"), None, 0.5), (None, Some(DType::Fp32), 0.25)],
            DType::Fp32,
            9.0,
            ("given for FP32", 0.25),
        );
        check(&[(None, None, 2.0)], DType::Int8, 9.0, ("given", 2.0));
    }
}
