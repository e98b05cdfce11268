//! Rules that the operator adds: what is needed for parts of the server, over one protocol.

use nav_serve::{AccessPolicy, AccessRule};

use super::error::ConfigError;

/// The same policy with these rules, which are the values of this field.
pub(super) fn with_rules(
    policy: AccessPolicy,
    field: &str,
    rules: &[String],
) -> Result<AccessPolicy, ConfigError> {
    let refuse = |error: nav_serve::RuleError| ConfigError::field(field, error.to_string());
    rules.iter().try_fold(policy, |policy, text| {
        let rule = AccessRule::parse(text).map_err(refuse)?;
        policy.with_rule(&rule).map_err(refuse)
    })
}
