//! Which operators a model uses, and whether a runtime needs more than its own code to run them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::scope::Scope;
use super::structure::{Model, Node};
use crate::TrustClass;

/// The namespace of the standard operators, also written as the empty one.
pub(super) const STANDARD_DOMAIN: &str = "ai.onnx";

/// Namespaces whose operators come with a runtime.
const RUNTIME_DOMAINS: &[&str] = &[
    STANDARD_DOMAIN,
    "ai.onnx.ml",
    "ai.onnx.training",
    "com.microsoft",
    "com.microsoft.nchwc",
];
const PREVIEW_DOMAIN: &str = "ai.onnx.preview";

/// The operator whose value is a model compiled for a device: code, or the path to code.
const COMPILED: (&str, &str) = ("com.microsoft", "EPContext");

/// How often an operator is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperatorCount {
    /// Its namespace; the standard one is spelled out.
    pub domain: String,
    /// The operator.
    pub op_type: String,
    /// How many nodes use it, those of inner graphs and of functions included.
    pub count: u64,
}

/// The operators of a model.
#[derive(Debug)]
pub(super) struct Operators {
    /// How often each is used, sorted.
    pub(super) counts: Vec<OperatorCount>,
    /// Namespaces of operators that come with no runtime and that the model does not define itself, sorted.
    pub(super) custom_domains: Vec<String>,
    /// What running them takes.
    pub(super) trust: TrustClass,
}

impl Operators {
    pub(super) fn of(model: &Model, scopes: &[Scope<'_>]) -> Self {
        let mut counts = BTreeMap::<_, u64>::new();
        for node in scopes.iter().flat_map(|scope| scope.nodes) {
            *counts.entry(key(node)).or_default() += 1;
        }
        let functions: BTreeSet<_> = model
            .functions
            .iter()
            .map(|function| (spelled_out(&function.domain), function.name.as_str()))
            .collect();
        let custom: BTreeSet<_> = counts
            .keys()
            .filter(|key| !comes_with_a_runtime(key.0) && !functions.contains(*key))
            .map(|&(domain, _)| domain.to_owned())
            .collect();
        let trust = if custom.is_empty() && !counts.contains_key(&COMPILED) {
            TrustClass::DataOnly
        } else {
            TrustClass::NativeCode
        };
        let count = |((domain, op_type), count): ((&str, &str), u64)| OperatorCount {
            domain: domain.to_owned(),
            op_type: op_type.to_owned(),
            count,
        };
        Self {
            counts: counts.into_iter().map(count).collect(),
            custom_domains: custom.into_iter().collect(),
            trust,
        }
    }
}

fn key(node: &Node) -> (&str, &str) {
    (spelled_out(&node.domain), &node.op_type)
}

/// A namespace by its full name.
pub(super) const fn spelled_out(domain: &str) -> &str {
    if domain.is_empty() {
        STANDARD_DOMAIN
    } else {
        domain
    }
}

fn comes_with_a_runtime(domain: &str) -> bool {
    let below_preview = domain.strip_prefix(PREVIEW_DOMAIN);
    let preview = below_preview.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    preview || RUNTIME_DOMAINS.contains(&domain)
}
