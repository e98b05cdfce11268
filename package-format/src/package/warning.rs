//! What is wrong with a package that can be read all the same.

use std::fmt;

/// Whether a tensor goes in or comes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It goes in.
    Input,
    /// It comes out.
    Output,
}

/// A fault that does not keep a package from being read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// A recorded model is not in the package.
    NoModel {
        /// Its key.
        key: String,
    },
    /// A recorded model was never run.
    NeverRun {
        /// Its key.
        key: String,
    },
    /// A model in the package cannot be read.
    Unreadable {
        /// Its file.
        entry: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A recorded element type is not one of the protocol.
    ElementType {
        /// The tensor.
        name: String,
        /// The element type as recorded.
        dtype: String,
    },
    /// The record contradicts the graph, which is right.
    Contradiction {
        /// Which way the tensor goes.
        role: Role,
        /// What is recorded.
        recorded: String,
        /// What the graph says.
        graph: String,
    },
    /// The graph has a tensor that is not recorded.
    Unrecorded {
        /// Which way the tensor goes.
        role: Role,
        /// What the graph says.
        graph: String,
    },
    /// A tensor is recorded that the graph does not have.
    Unknown {
        /// Which way the tensor goes.
        role: Role,
        /// What is recorded.
        recorded: String,
    },
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Input => "input",
            Self::Output => "output",
        })
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoModel { key } => write!(f, "there is no model of `{key}` in the package"),
            Self::NeverRun { key } => write!(f, "`{key}` was run on no runner"),
            Self::Unreadable { entry, reason } => {
                write!(f, "the model at `{entry}` cannot be read: {reason}")
            }
            Self::ElementType { name, dtype } => {
                write!(
                    f,
                    "`{name}` is recorded with element type `{dtype}`, which is none of ours"
                )
            }
            Self::Contradiction {
                role,
                recorded,
                graph,
            } => {
                write!(
                    f,
                    "{role} is recorded as {recorded}, and the graph says {graph}"
                )
            }
            Self::Unrecorded { role, graph } => {
                write!(f, "{role} {graph} of the graph is not recorded")
            }
            Self::Unknown { role, recorded } => {
                write!(
                    f,
                    "{role} {recorded} is recorded, and the graph has none of that name"
                )
            }
        }
    }
}
