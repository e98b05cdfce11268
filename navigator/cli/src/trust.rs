//! From flags to a trust policy, and what else answers whether a model may be loaded.
//! Commands that load models take these arguments.

use std::fs::File;
use std::path::{Path, PathBuf};

use clap::Args;
use nav_package_format::signing::PublicKey;
use nav_package_format::trust::{AllowNativeCode, Overrides, TrustPolicy, TrustedKey};
use nav_worker::packaged::{Gate, GateError};

use crate::exit::UsageError;
use crate::settings::Settings;

/// Whom to trust. Flags win over the file.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Trust")]
pub(crate) struct TrustArgs {
    /// Who is trusted and with what, as TOML.
    #[arg(long, value_name = "FILE")]
    trust_policy: Option<PathBuf>,
    /// Nothing may be loaded that no trusted key signed.
    #[arg(long)]
    require_signature: bool,
    /// A public key that is trusted, instead of those in the policy's file. May be given several times.
    #[arg(long, value_name = "FILE")]
    trusted_key: Vec<PathBuf>,
    /// When native code may be loaded: locally-built-or-signed, signed, never or always.
    #[arg(long, value_name = "WHEN")]
    allow_native_code: Option<AllowNativeCode>,
}

impl TrustArgs {
    /// The policy; none where nothing was said.
    pub(crate) fn policy(&self) -> anyhow::Result<Option<TrustPolicy>> {
        let file = self.trust_policy.as_deref();
        let flags = self.require_signature
            || !self.trusted_key.is_empty()
            || self.allow_native_code.is_some();
        if file.is_none() && !flags {
            return Ok(None);
        }
        let policy = file.map(TrustPolicy::read).transpose()?;
        let keys = self.trusted_key.iter().map(|path| {
            let key = PublicKey::read(path)?;
            anyhow::Ok(TrustedKey {
                key,
                not_after: None,
            })
        });
        let overrides = Overrides {
            require_signature: self.require_signature.then_some(true),
            trusted_keys: keys.collect::<Result<_, _>>()?,
            allow_native_code: self.allow_native_code,
        };
        Ok(Some(policy.unwrap_or_default().with(overrides)?))
    }
}

/// The answer for this file, which is open already, so that what is checked is what is used.
pub(crate) fn gate(
    args: &TrustArgs,
    settings: &Settings,
    (path, file): (&Path, &File),
) -> anyhow::Result<Gate> {
    let policy = args.policy()?.unwrap_or_default();
    let built_here = settings.built_here();
    Gate::of(&policy, (path, file), built_here.as_deref()).map_err(cause)
}

/// Why there is no answer, so that whoever typed a path without a name is told how to use this.
pub(crate) fn cause(error: GateError) -> anyhow::Error {
    match error {
        GateError::Nameless { .. } => UsageError(error.to_string()).into(),
        other => other.into(),
    }
}
