//! What runners are known not to do, and why. Every entry is tried, and one that passes is a failure.

use crate::columns::Column;
use crate::suites::SUITES;

/// A known limit of a runner, wherever it runs.
#[derive(Debug)]
pub(crate) struct Skip {
    /// The runner, or what the names of several begin with.
    pub(crate) runner: &'static str,
    /// `suite/case`, or `suite/*` for all of its cases.
    pub(crate) case: &'static str,
    /// Why it cannot be had.
    pub(crate) reason: &'static str,
    /// Where it is one.
    place: Place,
}

/// Where something is a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Wherever the runner runs.
    Anywhere,
    /// Where a library stands in for that of the vendor.
    Double,
    /// Where none does.
    Real,
}

const fn limit(runner: &'static str, case: &'static str, reason: &'static str) -> Skip {
    Skip {
        runner,
        case,
        reason,
        place: Place::Anywhere,
    }
}

/// A limit of what engines are built for, unless somebody says that: which is not asked of a real builder for such extents.
const fn unsaid(case: &'static str, reason: &'static str) -> Skip {
    Skip {
        place: Place::Real,
        ..limit(TENSORRT, case, reason)
    }
}

/// Every known limit.
pub(crate) const SKIPS: &[Skip] = &[
    limit(
        "OnnxCPU",
        "bf16/add",
        "ONNX Runtime adds no BF16 on the processor",
    ),
    limit("TractCPU", "bf16/add", NO_BF16),
    limit("TractCPU", "bf16/to-fp32", NO_BF16),
    limit("TractCPU", "bf16/from-fp32", NO_BF16),
    limit("TractCPU", "bf16/inside-the-graph", NO_BF16),
    limit("TractCPU", "identity/bf16", NO_BF16),
    limit(
        "TractCPU",
        "strings/append",
        "tract does not implement StringConcat",
    ),
    limit(
        "TractCPU",
        "strings/not-utf-8",
        "strings of tract are UTF-8, and others are refused",
    ),
    limit(TORCH, "strings/*", NO_STRINGS),
    limit(TORCH, "identity/bytes", NO_STRINGS),
    limit(TORCH, "huge-tensors/strings", NO_STRINGS),
    limit(TORCH, "kept-outputs/strings", NO_STRINGS),
    limit(TORCH, "wrong-inputs/malformed-strings", NO_STRINGS),
    limit(TORCH, "identity/uint16", NO_WIDE_UNSIGNED),
    limit(TORCH, "identity/uint32", NO_WIDE_UNSIGNED),
    limit(TORCH, "identity/uint64", NO_WIDE_UNSIGNED),
    limit(TORCH, "integers/add-uint16", NO_WIDE_UNSIGNED),
    limit(TORCH, "integers/add-uint32", NO_WIDE_UNSIGNED),
    limit(TORCH, "integers/add-uint64", NO_WIDE_UNSIGNED),
    limit(TORCH, "integers/equal-uint16", NO_WIDE_UNSIGNED),
    limit(TORCH, "integers/equal-uint32", NO_WIDE_UNSIGNED),
    limit(TORCH, "integers/equal-uint64", NO_WIDE_UNSIGNED),
    limit(TORCH, "integers/widen-uint16", NO_WIDE_UNSIGNED),
    limit(TORCH, "integers/widen-uint32", NO_WIDE_UNSIGNED),
    limit(TORCH, "integers/widen-and-add", NO_WIDE_UNSIGNED),
    limit(TORCH, "names/slashes", NO_SUCH_NAMES),
    limit(TORCH, "names/spaces-and-accents", NO_SUCH_NAMES),
    limit(
        TORCH,
        "external-data/*",
        "a TorchScript archive holds all of its weights",
    ),
    limit(
        TORCH,
        "loading/type-that-no-tensor-has",
        "a TorchScript file does not say the types of its inputs",
    ),
    limit(TENSORRT, "strings/*", NO_STRINGS_THERE),
    limit(TENSORRT, "identity/bytes", NO_STRINGS_THERE),
    limit(TENSORRT, "huge-tensors/strings", NO_STRINGS_THERE),
    limit(TENSORRT, "kept-outputs/strings", NO_STRINGS_THERE),
    limit(TENSORRT, "wrong-inputs/malformed-strings", NO_STRINGS_THERE),
    limit(TENSORRT, "integers/add-int16", NO_SUCH_TYPE),
    limit(TENSORRT, "integers/equal-int16", NO_SUCH_TYPE),
    limit(TENSORRT, "integers/add-uint16", NO_SUCH_TYPE),
    limit(TENSORRT, "integers/equal-uint16", NO_SUCH_TYPE),
    limit(TENSORRT, "integers/add-uint32", NO_SUCH_TYPE),
    limit(TENSORRT, "integers/equal-uint32", NO_SUCH_TYPE),
    limit(TENSORRT, "integers/add-uint64", NO_SUCH_TYPE),
    limit(TENSORRT, "integers/equal-uint64", NO_SUCH_TYPE),
    limit(TENSORRT, "integers/widen-int16", NO_SUCH_TYPE),
    limit(TENSORRT, "integers/widen-uint16", NO_SUCH_TYPE),
    limit(TENSORRT, "integers/widen-uint32", NO_SUCH_TYPE),
    limit(TENSORRT, "integers/widen-and-add", NO_SUCH_TYPE),
    limit(TENSORRT, "integers/large-fp64", NO_SUCH_TYPE),
    unsaid("identity/bool", NO_EMPTY),
    unsaid("identity/uint8", NO_EMPTY),
    unsaid("identity/int8", NO_EMPTY),
    unsaid("identity/int32", NO_EMPTY),
    unsaid("identity/int64", NO_EMPTY),
    unsaid("identity/fp16", NO_EMPTY),
    unsaid("identity/bf16", NO_EMPTY),
    unsaid("identity/fp32", NO_EMPTY),
    limit(TENSORRT, "identity/int16", NO_SUCH_TYPE),
    limit(TENSORRT, "identity/uint16", NO_SUCH_TYPE),
    limit(TENSORRT, "identity/uint32", NO_SUCH_TYPE),
    limit(TENSORRT, "identity/uint64", NO_SUCH_TYPE),
    limit(TENSORRT, "identity/fp64", NO_SUCH_TYPE),
    limit(TENSORRT, "signature/scalar", NO_SUCH_TYPE),
    limit(TENSORRT, "signature/unknown-rank", NO_OPEN_RANK),
    limit(TENSORRT, "dynamic-shapes/unknown-rank", NO_OPEN_RANK),
    unsaid("dynamic-shapes/every-dimension", NO_MORE),
    unsaid("matmul/large", NO_MORE),
    unsaid("kept-outputs/sizes-change", NO_MORE),
    unsaid("huge-tensors/output", NO_MORE),
    unsaid("large-outputs/during-later-runs", NO_MORE),
    unsaid("large-outputs/beside-a-small-one", NO_MORE),
    unsaid("large-outputs/of-another-shape-than-declared", NO_MORE),
    limit(TENSORRT, "large-outputs/output-is-the-input", NO_NAME_TWICE),
    limit(TENSORRT, "kept-outputs/output-is-the-input", NO_NAME_TWICE),
    limit(TENSORRT, "kept-outputs/during-later-staging", NO_NAME_TWICE),
    limit(TENSORRT, "kept-outputs/after-the-session", NO_NAME_TWICE),
    Skip {
        runner: TENSORRT,
        case: "bf16/add",
        reason: "what computes in its place adds no BF16 on the processor",
        place: Place::Double,
    },
    unsaid("empty-batch/elementwise", NO_EMPTY),
    unsaid("empty-batch/matmul", NO_EMPTY),
    unsaid("empty-batch/sum-is-zero", NO_EMPTY),
    unsaid("empty-batch/concat", NO_EMPTY),
    unsaid("empty-batch/between-full-ones", NO_EMPTY),
];

const NO_BF16: &str = "tract has no BF16";

/// What runs TorchScript, wherever it runs.
const TORCH: &str = "TorchScript";
const NO_STRINGS: &str = "libtorch has no tensors of strings";
const NO_WIDE_UNSIGNED: &str = "libtorch has next to no operators for wide unsigned numbers";
const TENSORRT: &str = "TensorRT";
const NO_STRINGS_THERE: &str = "TensorRT has no tensors of strings";
const NO_SUCH_TYPE: &str = "TensorRT has no tensors of that type";
const NO_EMPTY: &str = "an engine that nobody says anything of is built for extents of at least 1";
const NO_MORE: &str =
    "an engine that nobody says anything of is built for at most 64 of what is open";
const NO_OPEN_RANK: &str = "TensorRT must know how many dimensions an input has";
const NO_NAME_TWICE: &str = "TensorRT has no two tensors of one name, an input and an output";
const NO_SUCH_NAMES: &str = "inputs of TorchScript have the names of arguments";

impl Skip {
    /// Whether this is about that case in that column.
    pub(crate) fn covers(&self, column: &Column, suite: &str, case: &str) -> bool {
        let is_there = match self.place {
            Place::Anywhere => true,
            Place::Double => column.is_double(),
            Place::Real => !column.is_double(),
        };
        is_there && column.runner.name().starts_with(self.runner) && self.names(suite, case)
    }

    fn names(&self, suite: &str, case: &str) -> bool {
        let parts = self.case.split_once('/');
        parts == Some((suite, case)) || parts == Some((suite, "*"))
    }
}

/// Whether every entry is about a case that there is.
pub(crate) fn check() -> Result<(), String> {
    let cases = || {
        let suites = SUITES.iter();
        suites.flat_map(|suite| suite.cases.iter().map(|case| (suite.name, case.name)))
    };
    for skip in SKIPS {
        if !cases().any(|(suite, case)| skip.names(suite, case)) {
            return Err(format!("there is no case `{}` to skip", skip.case));
        }
    }
    let mut names: Vec<_> = cases().collect();
    names.sort_unstable();
    match names.array_windows().find(|[one, other]| one == other) {
        Some([(suite, case), _]) => Err(format!("there are two cases `{suite}/{case}`")),
        None => Ok(()),
    }
}
