//! The rules, and the answer to whether a model may be loaded. Pure: opens no file.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use serde::Deserialize;

use super::date::Date;
use super::file::PolicyError;
use super::refusal::{Doubt, Refusal, Rule};
use super::state::SignatureState;
use crate::TrustClass;
use crate::signing::{PublicKey, Verified};

/// When models that hold native code may be loaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AllowNativeCode {
    /// When this machine built them, or a trusted key signed them.
    #[default]
    LocallyBuiltOrSigned,
    /// When a trusted key signed them.
    Signed,
    /// Not at all.
    Never,
    /// Whoever made them.
    Always,
}

impl AllowNativeCode {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::LocallyBuiltOrSigned,
        Self::Signed,
        Self::Never,
        Self::Always,
    ];

    /// The name users see.
    pub const fn name(self) -> &'static str {
        match self {
            Self::LocallyBuiltOrSigned => "locally-built-or-signed",
            Self::Signed => "signed",
            Self::Never => "never",
            Self::Always => "always",
        }
    }
}

impl fmt::Display for AllowNativeCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Text that names none of them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is none of locally-built-or-signed, signed, never, always")]
pub struct AllowNativeCodeError {
    /// The text as given.
    pub text: String,
}

impl FromStr for AllowNativeCode {
    type Err = AllowNativeCodeError;

    fn from_str(text: &str) -> Result<Self, AllowNativeCodeError> {
        let mut all = Self::ALL.iter().copied();
        all.find(|allow| allow.name() == text)
            .ok_or_else(|| AllowNativeCodeError {
                text: text.to_owned(),
            })
    }
}

/// A key that is trusted, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedKey {
    /// The key.
    pub key: PublicKey,
    /// The last day on which it is.
    pub not_after: Option<Date>,
}

/// Which models may be loaded. Without a file and flags: data-only models whoever made them, native code if
/// this machine built it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustPolicy {
    pub(super) require_signature: bool,
    pub(super) trusted_keys: Vec<TrustedKey>,
    pub(super) allow_native_code: AllowNativeCode,
}

/// What flags say. They win over a policy's file, each by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// Whether everything must be signed.
    pub require_signature: Option<bool>,
    /// The keys that are trusted instead of the file's, if there are any.
    pub trusted_keys: Vec<TrustedKey>,
    /// When native code may be loaded.
    pub allow_native_code: Option<AllowNativeCode>,
}

/// What is asked: may this be loaded?
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The model, as it is to be called in an answer.
    pub path: &'a Path,
    /// What opening it may do.
    pub trust_class: TrustClass,
    /// Whether this machine built all of its files, as [`super::BuiltHere`] remembers.
    pub built_here: bool,
    /// The present day.
    pub today: Date,
}

impl TrustPolicy {
    /// The policy with what flags say. One that asks for signatures and trusts no key is refused, as it
    /// would refuse everything.
    pub fn with(mut self, overrides: Overrides) -> Result<Self, PolicyError> {
        if let Some(require) = overrides.require_signature {
            self.require_signature = require;
        }
        if let Some(allow) = overrides.allow_native_code {
            self.allow_native_code = allow;
        }
        if !overrides.trusted_keys.is_empty() {
            self.trusted_keys = overrides.trusted_keys;
        }
        if self.require_signature && self.trusted_keys.is_empty() {
            return Err(PolicyError::NoKeys);
        }
        Ok(self)
    }

    /// Whether everything must be signed.
    pub const fn requires_signature(&self) -> bool {
        self.require_signature
    }

    /// The keys that are trusted, expired ones too.
    pub fn keys(&self) -> impl Iterator<Item = &PublicKey> {
        self.trusted_keys.iter().map(|trusted| &trusted.key)
    }

    /// Whether a model may be loaded, given the signature of the package it is in. Nothing may be shown to
    /// a runtime that was not admitted.
    ///
    /// A signature counts when a trusted key made it that has not expired, and when it covers every file.
    /// One that a trusted key is said to have made and that does not hold is refused under every policy:
    /// something was altered. Any other signature counts as none.
    pub fn admit(
        &self,
        question: &Question<'_>,
        signature: &SignatureState,
    ) -> Result<(), Refusal> {
        let refused = |rule, doubt| Refusal {
            path: question.path.to_owned(),
            rule,
            doubt,
        };
        let signed = self.signed(signature, question.today);
        if let (SignatureState::Broken(_), Err(doubt)) = (signature, &signed) {
            return Err(refused(Rule::Whole, Some(doubt.clone())));
        }
        if self.require_signature
            && let Err(doubt) = &signed
        {
            return Err(refused(Rule::Signed, Some(doubt.clone())));
        }
        match (question.trust_class, self.allow_native_code, signed) {
            (TrustClass::DataOnly, _, _) | (_, AllowNativeCode::Always, _) => Ok(()),
            (_, AllowNativeCode::Never, _) => Err(refused(Rule::NoNativeCode, None)),
            (_, AllowNativeCode::LocallyBuiltOrSigned, _) if question.built_here => Ok(()),
            (_, _, Ok(())) => Ok(()),
            (_, AllowNativeCode::Signed, Err(doubt)) => {
                Err(refused(Rule::NativeCodeSigned, Some(doubt)))
            }
            (_, AllowNativeCode::LocallyBuiltOrSigned, Err(doubt)) => {
                Err(refused(Rule::NativeCodeBuiltOrSigned, Some(doubt)))
            }
        }
    }

    /// Whether the signature counts on this day.
    fn signed(&self, signature: &SignatureState, today: Date) -> Result<(), Doubt> {
        match signature {
            SignatureState::NotChecked => Err(Doubt::NoKeys),
            SignatureState::Missing { path } => Err(Doubt::Missing { path: path.clone() }),
            SignatureState::OtherKey(error) => Err(Doubt::OtherKey(error.clone())),
            SignatureState::Broken(error) => Err(Doubt::Broken(error.clone())),
            SignatureState::Verified(verified) => self.counts(verified, today),
        }
    }

    fn counts(&self, verified: &Verified, today: Date) -> Result<(), Doubt> {
        let signer = verified.signer();
        // A key that is listed twice is trusted as long as either line says.
        let last = self
            .trusted_keys
            .iter()
            .filter(|trusted| trusted.key.fingerprint() == signer)
            .map(|trusted| trusted.not_after)
            .reduce(|one, other| one.zip(other).map(|(one, other)| one.max(other)));
        match last {
            None => return Err(Doubt::Untrusted { signer }),
            Some(Some(not_after)) if today > not_after => {
                return Err(Doubt::Expired { signer, not_after });
            }
            Some(_) => {}
        }
        match verified.uncovered() {
            [] => Ok(()),
            uncovered @ [first, ..] => Err(Doubt::Uncovered {
                first: first.clone(),
                count: uncovered.len(),
            }),
        }
    }
}
