//! Who may do what, as it is typed: secrets come from files, so that no list of processes and no configuration that is
//! shown holds them.

use std::path::{Path, PathBuf};

use clap::Args;
use nav_serve::{AccessPolicy, AccessRule, RuleError};

use crate::exit::UsageError;
use crate::secret::secret;

/// The arguments about access.
#[derive(Args, Debug)]
pub(crate) struct AccessArgs {
    /// Let everybody who reaches the server manage it: load and unload models, share memory, set what is traced and
    /// logged.
    #[arg(long)]
    allow_management: bool,
    /// Let those manage the server who send what is in this file as the header `triton-access-token`.
    #[arg(long, value_name = "FILE")]
    access_token_file: Option<PathBuf>,
    /// Let only those use these parts who send what is in FILE as HEADER: health, metadata, inference, shared-memory,
    /// model-config, model-repository, statistics, trace, logging.
    #[arg(long, value_name = "PART,...:HEADER=FILE")]
    restrict: Vec<String>,
}

impl AccessArgs {
    /// Whether somebody may manage the server.
    pub(super) const fn is_managed(&self) -> bool {
        self.allow_management || self.access_token_file.is_some() || !self.restrict.is_empty()
    }

    /// What they come to.
    pub(crate) fn policy(&self) -> anyhow::Result<AccessPolicy> {
        let mut policy = AccessPolicy::default();
        if self.allow_management {
            policy = policy.managed();
        }
        if let Some(file) = &self.access_token_file {
            policy = policy.with_token(secret(file)?);
        }
        for rule in &self.restrict {
            policy = restricted(policy, rule)?;
        }
        Ok(policy)
    }
}

fn restricted(policy: AccessPolicy, rule: &str) -> anyhow::Result<AccessPolicy> {
    let wrong = |error: RuleError| match error {
        RuleError::Form { .. } => UsageError(format!("`{rule}` is not PART,...:HEADER=FILE")),
        other => UsageError(other.to_string()),
    };
    let mut read = AccessRule::parse(rule).map_err(wrong)?;
    // What stands there is the file that holds it.
    read.credential.secret = secret(Path::new(&read.credential.secret))?;
    Ok(policy.with_rule(&read).map_err(wrong)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_name_parts_a_header_and_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret");
        std::fs::write(&file, "1234\n").unwrap();
        let file = file.display().to_string();
        let check = |rule: String, expected: Option<&str>| {
            let error = restricted(AccessPolicy::default(), &rule).err();
            assert_eq!(
                error.map(|it| it.to_string()).as_deref(),
                expected,
                "{rule}"
            );
        };
        check(format!("inference,health:admin-key={file}"), None);
        check(
            "inference".to_owned(),
            Some("`inference` is not PART,...:HEADER=FILE"),
        );
        check(
            format!("health:a b={file}"),
            Some("`a b` is no name for a header"),
        );
        let unknown = restricted(AccessPolicy::default(), &format!("all:key={file}"));
        assert!(
            unknown
                .unwrap_err()
                .to_string()
                .starts_with("there is no part `all`")
        );
    }
}
