//! What the signature of a package amounts to, found out once for all models in it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::policy::TrustPolicy;
use crate::signing::{DetachedSignature, SignatureError, Target, Verified};

/// What is known of the signature of a package.
#[derive(Clone, Debug)]
pub enum SignatureState {
    /// Nothing, since no key is trusted to make one.
    NotChecked,
    /// There is none.
    Missing {
        /// Where it should be.
        path: PathBuf,
    },
    /// None of the trusted keys made it.
    OtherKey(Arc<SignatureError>),
    /// It is no signature, or the package is not what was signed.
    Broken(Arc<SignatureError>),
    /// It holds. Whether its key is trusted today is for the policy to say.
    Verified(Verified),
}

impl SignatureState {
    /// Checks the signature in this file with the keys of the policy. `seen` is told the bytes of the
    /// package read so far; nothing of it is read unless a trusted key made the signature.
    pub fn of(
        policy: &TrustPolicy,
        target: Target<'_>,
        signature: &Path,
        seen: &mut dyn FnMut(u64),
    ) -> Self {
        if policy.keys().next().is_none() {
            return Self::NotChecked;
        }
        let verified = DetachedSignature::read(signature)
            .and_then(|signature| signature.check(policy.keys()))
            .and_then(|authentic| authentic.verify(target, seen));
        match verified {
            Ok(verified) => Self::Verified(verified),
            Err(SignatureError::Unsigned { path }) => Self::Missing { path },
            Err(error) if error.is_other_key() => Self::OtherKey(Arc::new(error)),
            Err(error) => Self::Broken(Arc::new(error)),
        }
    }
}
