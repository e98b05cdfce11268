//! From flags to a trust policy, and what else answers whether a model may be loaded.
//! Commands that load models take these arguments.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, anyhow};
use clap::Args;
use nav_package_format::signing::{PublicKey, Target};
use nav_package_format::trust::{
    AllowNativeCode, BuiltHere, Date, Overrides, Question, Refusal, SignatureState, TrustPolicy,
    TrustedKey,
};
use nav_package_format::{Digest, TrustClass};

use crate::commands::sign::beside;
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

/// The answer to whether models of one file may be loaded: what the policy and the file's signature come to.
#[derive(Debug)]
pub(crate) struct Gate<'a> {
    policy: TrustPolicy,
    state: SignatureState,
    today: Date,
    path: &'a Path,
    settings: &'a Settings,
}

impl<'a> Gate<'a> {
    /// The answer for this file, which is open already, so that what is checked is what is used.
    pub(crate) fn of(
        args: &TrustArgs,
        settings: &'a Settings,
        path: &'a Path,
        file: &File,
    ) -> anyhow::Result<Self> {
        let policy = args.policy()?.unwrap_or_default();
        let target = Target::File(file, path);
        let state = SignatureState::of(&policy, target, &beside(path)?, &mut |_| {});
        Ok(Self {
            policy,
            state,
            today: today()?,
            path,
            settings,
        })
    }

    /// Whether a model that may do this much may be loaded. Its digests are all of its files', or none when
    /// they are not known.
    pub(crate) fn admit(&self, trust_class: TrustClass, digests: &[Digest]) -> Result<(), Refusal> {
        // A record that cannot be read vouches for nothing.
        let built_here = !digests.is_empty() && built_here(self.settings, digests).unwrap_or(false);
        let question = Question {
            path: self.path,
            trust_class,
            built_here,
            today: self.today,
        };
        self.policy.admit(&question, &self.state)
    }
}

/// The present day, in UTC.
pub(crate) fn today() -> anyhow::Result<Date> {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let days = since.map(|since| since.as_secs() / 86_400);
    let days = days.ok().and_then(|days| u32::try_from(days).ok());
    days.and_then(Date::of_unix_days)
        .ok_or_else(|| anyhow!("the clock of this machine shows no possible date"))
}

/// Whether this machine built all of these files.
pub(crate) fn built_here(settings: &Settings, digests: &[Digest]) -> anyhow::Result<bool> {
    let folder = settings.built_here.as_deref();
    let Some(folder) = folder.filter(|folder| is_there(folder)) else {
        return Ok(false);
    };
    let record = BuiltHere::open(folder)?;
    record
        .has_all(digests)
        .context("cannot tell what was built here")
}

/// Asking must not make a record where there is none.
fn is_there(folder: &Path) -> bool {
    folder.symlink_metadata().is_ok()
}
