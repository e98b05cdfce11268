//! Why a model is not loaded: which rule, and what keeps its signature from counting. Plain data.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use super::date::Date;
use crate::Digest;
use crate::signing::SignatureError;

/// A model may not be loaded here.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{path} may not be loaded here: {rule}", path = .path.display())]
pub struct Refusal {
    /// The model.
    pub path: PathBuf,
    /// The rule that is not met.
    pub rule: Rule,
    /// What keeps its signature from counting, where one would have helped.
    #[source]
    pub doubt: Option<Doubt>,
}

/// A rule of a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// What a trusted key signed must be what was signed.
    Whole,
    /// Everything must be signed.
    Signed,
    /// Nothing may hold native code.
    NoNativeCode,
    /// Native code must be signed.
    NativeCodeSigned,
    /// Native code must be built on this machine, or signed.
    NativeCodeBuiltOrSigned,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Whole => "its signature must hold",
            Self::Signed => "the trust policy asks for a signature of a trusted key",
            Self::NoNativeCode => "it holds native code, and the trust policy forbids that",
            Self::NativeCodeSigned => {
                "it holds native code, which the trust policy allows only with a signature of a trusted key"
            }
            Self::NativeCodeBuiltOrSigned => {
                "it holds native code that was not built on this machine, which needs a signature of a \
                 trusted key"
            }
        })
    }
}

/// Why a signature does not count.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Doubt {
    /// No key is trusted, so none was looked at.
    #[error("no key is trusted")]
    NoKeys,
    /// There is none.
    #[error("there is no signature: {path} does not exist", path = .path.display())]
    Missing {
        /// Where it should be.
        path: PathBuf,
    },
    /// None of the keys that are trusted made it.
    #[error("no trusted key made the signature")]
    OtherKey(#[source] Arc<SignatureError>),
    /// It does not hold.
    #[error("the signature does not hold")]
    Broken(#[source] Arc<SignatureError>),
    /// The key that made it is not trusted by this policy.
    #[error("it is signed by {signer}, which is not a trusted key")]
    Untrusted {
        /// The fingerprint of the key.
        signer: Digest,
    },
    /// The key that made it is not trusted any more.
    #[error("it is signed by {signer}, which was trusted until {not_after}")]
    Expired {
        /// The fingerprint of the key.
        signer: Digest,
        /// The last day.
        not_after: Date,
    },
    /// There are files that it leaves out.
    #[error("the signature leaves out files: {count}, {first:?} among them")]
    Uncovered {
        /// One of them.
        first: String,
        /// How many there are.
        count: usize,
    },
}
