//! Why a case failed: a class that can be counted, and a reason for people.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use nav_runners::{LoadError, RunError};

/// The kinds of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Class {
    /// An input or output has an element type that requests cannot carry: float8, int4, complex.
    ElementType,
    /// An input or output is a sequence, an optional value or a map.
    NotATensor,
    /// The operator belongs to training or to a preview of what may come.
    PreviewDomain,
    /// The runtime knows the operator but not for this element type, or does not know it.
    NotImplemented,
    /// The format or the operator set is newer than what the runtime reads.
    NewerFormat,
    /// The runtime needs a value while it loads the model that the case gives as an input.
    NeedsConstant,
    /// The host lacks something, such as a locale. On another host the case may pass.
    Host,
    /// The runtime refuses the model for another reason.
    Refused,
    /// The inputs do not fit what the model declares.
    Input,
    /// The runtime fails at run time.
    Failed,
    /// The answer is off by no more than a thousandth of its largest number, and by more than is allowed.
    Rounding,
    /// The answer is pseudorandom, and the runtime has another generator.
    Random,
    /// The runtime answers, and not what the case expects.
    WrongResult,
    /// The process of the runtime ended.
    Lost,
    /// The case itself cannot be read.
    Unreadable,
}

impl Class {
    /// All of them, in the order of reports.
    pub(crate) const ALL: &'static [Self] = &[
        Self::ElementType,
        Self::NotATensor,
        Self::PreviewDomain,
        Self::NotImplemented,
        Self::NewerFormat,
        Self::NeedsConstant,
        Self::Host,
        Self::Refused,
        Self::Input,
        Self::Failed,
        Self::Rounding,
        Self::Random,
        Self::WrongResult,
        Self::Lost,
        Self::Unreadable,
    ];

    /// The name in lists and reports.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::ElementType => "element-type",
            Self::NotATensor => "not-a-tensor",
            Self::PreviewDomain => "preview-domain",
            Self::NotImplemented => "not-implemented",
            Self::NewerFormat => "newer-format",
            Self::NeedsConstant => "needs-constant",
            Self::Host => "host",
            Self::Refused => "refused",
            Self::Input => "input",
            Self::Failed => "failed",
            Self::Rounding => "rounding",
            Self::Random => "random",
            Self::WrongResult => "wrong-result",
            Self::Lost => "lost",
            Self::Unreadable => "unreadable",
        }
    }
}

impl FromStr for Class {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        let known = Self::ALL.iter().find(|class| class.name() == name);
        known.copied().ok_or(())
    }
}

/// A failed case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// What kind of failure.
    pub(crate) class: Class,
    /// One line for people.
    pub(crate) reason: String,
}

/// How long a reason may be in a list.
const REASON_LENGTH: usize = 160;

impl Failure {
    /// A failure with this reason, made to fit on a line.
    pub(crate) fn new(class: Class, reason: &str) -> Self {
        let words: Vec<&str> = reason.split_whitespace().collect();
        let reason = words.join(" ").chars().take(REASON_LENGTH).collect();
        Self { class, reason }
    }

    /// The same failure, of a model with these versions of operator sets.
    pub(crate) fn of_opsets(self, opsets: &BTreeMap<String, i64>) -> Self {
        let preview = opsets.keys().any(|domain| domain.starts_with(PREVIEW));
        match self.class {
            Class::Refused | Class::NotImplemented if preview => Self {
                class: Class::PreviewDomain,
                ..self
            },
            Class::WrongResult => {
                let version = opsets.get("ai.onnx").copied().unwrap_or_default();
                Self::new(self.class, &format!("{} (opset {version})", self.reason))
            }
            _ => self,
        }
    }
}

/// How the namespaces of operators begin that are previews, those for training among them.
const PREVIEW: &str = "ai.onnx.preview";

/// `class: reason`, as in the lists.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.class.name(), self.reason)
    }
}

/// How the runners' names of types begin that are no tensors.
const NOT_TENSORS: &[&str] = &["seq", "opt", "map"];

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::DType { dtype, tensor, .. } => {
                let lower = dtype.to_lowercase();
                let class = if NOT_TENSORS.iter().any(|kind| lower.starts_with(kind)) {
                    Class::NotATensor
                } else {
                    Class::ElementType
                };
                Self::new(class, &format!("`{tensor}` is {dtype}"))
            }
            LoadError::Model { reason, .. } => Self::new(class_of_refusal(&reason), &reason),
            LoadError::WorkerLost { cause, .. } => Self::new(Class::Lost, &cause),
            LoadError::Unacceptable { reason, .. } | LoadError::Unreadable { reason, .. } => {
                Self::new(Class::Refused, &reason)
            }
            other => Self::new(Class::Refused, &other.to_string()),
        }
    }
}

/// What the runtimes say when it is no fault of the model.
const SAYINGS: &[(&str, Class)] = &[
    (
        "only *guarantees* support for models stamped",
        Class::NewerFormat,
    ),
    ("Unsupported model IR version", Class::NewerFormat),
    ("Unrecognized attribute", Class::NewerFormat),
    ("Could not find an implementation", Class::NotImplemented),
    ("Failed to find kernel", Class::NotImplemented),
    ("is not a registered function/op", Class::NotImplemented),
    ("tract does not implement", Class::NotImplemented),
    ("is not supported", Class::NotImplemented),
    ("are not supported", Class::NotImplemented),
    ("Unknown DatumType", Class::NotImplemented),
    ("a constant", Class::NeedsConstant),
    ("be a const", Class::NeedsConstant),
    ("be constant", Class::NeedsConstant),
    ("not const", Class::NeedsConstant),
    ("Expect constant", Class::NeedsConstant),
    ("is a const", Class::NeedsConstant),
    ("is variable", Class::NeedsConstant),
    ("must be a known", Class::NeedsConstant),
    ("Neither sizes nor scales makes sense", Class::NeedsConstant),
    ("to be determined", Class::NeedsConstant),
    ("Failed to construct locale", Class::Host),
];

fn class_of_refusal(reason: &str) -> Class {
    let said = SAYINGS.iter().find(|(saying, _)| reason.contains(saying));
    said.map_or(Class::Refused, |&(_, class)| class)
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Input(error) => Self::new(Class::Input, &error.to_string()),
            RunError::DType { dtype, tensor, .. } => {
                Self::new(Class::ElementType, &format!("`{tensor}` is {dtype}"))
            }
            RunError::WorkerLost { cause, .. } | RunError::WorkerDown { cause, .. } => {
                Self::new(Class::Lost, &cause)
            }
            RunError::Runtime { reason, .. } => Self::new(Class::Failed, &reason),
            other => Self::new(Class::Failed, &other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_is_read_back_by_its_name() {
        for &class in Class::ALL {
            assert_eq!(class.name().parse(), Ok(class));
        }
    }

    #[test]
    fn a_reason_is_one_short_line() {
        let failure = Failure::new(Class::Failed, &format!("a\n  b {}", "c".repeat(500)));
        assert!(failure.reason.starts_with("a b c"), "{failure}");
        assert_eq!(failure.reason.len(), REASON_LENGTH);
    }
}
