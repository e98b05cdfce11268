//! Which of the versions that there are a version policy takes.

use super::ConfigError;
use crate::proto::ModelVersionPolicy;
use crate::proto::model_version_policy::PolicyChoice;

/// The versions that are served, of these, which come in any order. From the lowest on.
pub(crate) fn chosen(
    policy: Option<&ModelVersionPolicy>,
    there: &[u64],
) -> Result<Vec<u64>, ConfigError> {
    let mut there = there.to_vec();
    there.sort_unstable();
    let choice = policy.and_then(|policy| policy.policy_choice.as_ref());
    Ok(match choice {
        Some(PolicyChoice::All(_)) => there,
        Some(PolicyChoice::Specific(specific)) => {
            for (index, version) in specific.versions.iter().enumerate() {
                if !u64::try_from(*version).is_ok_and(|it| it > 0) {
                    let field = format!("version_policy.specific.versions[{index}]");
                    let reason = format!("{version} is no version");
                    return Err(ConfigError::field(field, reason));
                }
            }
            let is_meant = |version: &u64| {
                let mut meant = specific.versions.iter();
                meant.any(|it| u64::try_from(*it) == Ok(*version))
            };
            there.retain(is_meant);
            there
        }
        other => {
            let most = match other {
                Some(PolicyChoice::Latest(latest)) => latest.num_versions.max(1),
                _ => 1,
            };
            let most = usize::try_from(most).unwrap_or(usize::MAX);
            there.split_off(there.len().saturating_sub(most))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::config::of_text;

    #[test]
    fn policies_take_what_they_say() {
        let check = |policy: &str, expected: &[u64]| {
            let config = of_text(policy.as_bytes()).unwrap();
            let versions = chosen(config.version_policy.as_ref(), &[10, 1, 3]).unwrap();
            assert_eq!(versions, expected, "{policy}");
        };
        check("", &[10]);
        check("version_policy { }", &[10]);
        check("version_policy { latest { } }", &[10]);
        check("version_policy { latest { num_versions: 2 } }", &[3, 10]);
        check("version_policy { latest { num_versions: 9 } }", &[1, 3, 10]);
        check("version_policy { all { } }", &[1, 3, 10]);
        check(
            "version_policy { specific { versions: [ 3, 4, 1 ] } }",
            &[1, 3],
        );
        check("version_policy { specific { versions: 4 } }", &[]);
        let config = of_text(b"version_policy { specific { versions: -1 } }").unwrap();
        let error = chosen(config.version_policy.as_ref(), &[1]).unwrap_err();
        let expected = "version_policy.specific.versions[0]: -1 is no version";
        assert_eq!(error.to_string(), expected);
    }
}
