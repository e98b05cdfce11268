//! Who may do what: the one check below all routes of all protocols.
//!
//! Whatever changes the server is closed unless it was opened, to all or to those with a token; anything can be
//! closed to those without the right header.

use std::fmt;

use subtle::ConstantTimeEq;

use crate::refusal::{Refusal, RefusalKind};

/// What can be done, under the names that clients and operators know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Whether the server and its models live and are ready.
    Health,
    /// What the server and its models are.
    Metadata,
    /// Asking models.
    Inference,
    /// Memory that clients share with the server.
    SharedMemory,
    /// How models are served.
    ModelConfig,
    /// Which models there are.
    ModelIndex,
    /// Loading and unloading models.
    ModelRepository,
    /// What happened in models.
    Statistics,
    /// What is traced.
    Trace,
    /// What is logged.
    Logging,
}

/// The operations, and how each is called where it is restricted.
const OPERATIONS: &[(Operation, &str)] = &[
    (Operation::Health, "health"),
    (Operation::Metadata, "metadata"),
    (Operation::Inference, "inference"),
    (Operation::SharedMemory, "shared-memory"),
    (Operation::ModelConfig, "model-config"),
    (Operation::ModelIndex, "model-repository"),
    (Operation::ModelRepository, "model-repository"),
    (Operation::Statistics, "statistics"),
    (Operation::Trace, "trace"),
    (Operation::Logging, "logging"),
];

/// The header that a token is sent in.
pub const TOKEN_HEADER: &str = "triton-access-token";

/// What must be sent in a header.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    /// The header, in lower case.
    pub header: String,
    /// Its value.
    pub secret: String,
}

/// What must be sent for some operations, as operators write it: `part,part:header=value`.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessRule {
    /// The names of the operations.
    parts: Vec<String>,
    /// What must be sent.
    pub credential: Credential,
}

/// Why a rule is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// It does not have the form of a rule.
    #[error("`{rule}` is not PART,...:HEADER=VALUE")]
    Form {
        /// As much of it as is no secret.
        rule: String,
    },
    /// A header cannot be called like this.
    #[error("`{header}` is no name for a header")]
    Header {
        /// The name as given.
        header: String,
    },
    /// The server has no such part.
    #[error("there is no part `{part}` of the server: it has {}", AccessPolicy::names().join(", "))]
    Part {
        /// The name as given.
        part: String,
    },
}

/// Who may do what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessPolicy {
    /// Whether management is open to everybody who is not asked for a credential.
    is_managed: bool,
    /// What opens management to those who send it.
    token: Option<Credential>,
    /// What must be sent for these operations, whatever else holds.
    restricted: Vec<(Operation, Credential)>,
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What opens doors is written nowhere.
        write!(f, "Credential({})", self.header)
    }
}

impl fmt::Debug for AccessRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AccessRule({:?}, {:?})", self.parts, self.credential)
    }
}

impl AccessRule {
    /// The rule that this text is. Whether there are such parts is seen when it is added to a policy.
    pub fn parse(text: &str) -> Result<Self, RuleError> {
        let (shown, _) = text.split_once('=').unwrap_or((text, ""));
        let form = || RuleError::Form {
            rule: shown.to_owned(),
        };
        let (parts, rest) = text.split_once(':').ok_or_else(form)?;
        let (header, secret) = rest.split_once('=').ok_or_else(form)?;
        let header = header.trim();
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if header.is_empty() || !header.bytes().all(is_token) {
            let header = header.to_owned();
            return Err(RuleError::Header { header });
        }
        let parts = parts.split(',').map(|part| part.trim().to_owned());
        Ok(Self {
            parts: parts.collect(),
            credential: Credential {
                header: header.to_ascii_lowercase(),
                secret: secret.to_owned(),
            },
        })
    }
}

impl Operation {
    /// Whether it changes the server rather than tells of it or uses it.
    const fn is_management(self) -> bool {
        matches!(
            self,
            Self::SharedMemory | Self::ModelRepository | Self::Trace | Self::Logging
        )
    }
}

impl AccessPolicy {
    /// The same, with management open to everybody.
    #[must_use]
    pub const fn managed(mut self) -> Self {
        self.is_managed = true;
        self
    }

    /// The same, with management open to those who send this token.
    #[must_use]
    pub fn with_token(mut self, secret: impl Into<String>) -> Self {
        self.token = Some(Credential {
            header: TOKEN_HEADER.to_owned(),
            secret: secret.into(),
        });
        self
    }

    /// The same, with this needed for the operations of this name. `None` when there are none.
    #[must_use]
    pub fn restricted(mut self, name: &str, credential: &Credential) -> Option<Self> {
        let named = OPERATIONS.iter().filter(|(_, known)| *known == name);
        let before = self.restricted.len();
        self.restricted
            .extend(named.map(|(operation, _)| (*operation, credential.clone())));
        (self.restricted.len() > before).then_some(self)
    }

    /// The same, with this rule.
    pub fn with_rule(self, rule: &AccessRule) -> Result<Self, RuleError> {
        rule.parts.iter().try_fold(self, |policy, part| {
            let restricted = policy.restricted(part, &rule.credential);
            restricted.ok_or_else(|| RuleError::Part { part: part.clone() })
        })
    }

    /// The names that [`AccessPolicy::restricted`] knows.
    pub fn names() -> Vec<&'static str> {
        let mut names: Vec<&str> = OPERATIONS.iter().map(|(_, name)| *name).collect();
        names.dedup();
        names
    }

    /// Fails unless this may be done by whoever sent these headers.
    pub(crate) fn check<'a>(
        &self,
        operation: Operation,
        header: impl Fn(&str) -> Option<&'a [u8]>,
    ) -> Result<(), Refusal> {
        let is_sent = |credential: &Credential| {
            let sent = header(&credential.header);
            sent.is_some_and(|sent| sent.ct_eq(credential.secret.as_bytes()).into())
        };
        let mut asked = self
            .restricted
            .iter()
            .filter(|(known, _)| *known == operation);
        if let Some((_, credential)) = asked.clone().next() {
            return if asked.any(|(_, credential)| is_sent(credential)) {
                Ok(())
            } else {
                Err(expecting(credential))
            };
        }
        if !operation.is_management() || self.is_managed {
            return Ok(());
        }
        match &self.token {
            Some(token) if is_sent(token) => Ok(()),
            Some(token) => Err(expecting(token)),
            None => Err(Refusal::new(
                RefusalKind::Forbidden,
                "this server is not managed over the network",
            )),
        }
    }
}

fn expecting(credential: &Credential) -> Refusal {
    let header = &credential.header;
    let text = format!("This API is restricted, expecting header '{header}'");
    Refusal::new(RefusalKind::Forbidden, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credential(header: &str, secret: &str) -> Credential {
        Credential {
            header: header.to_owned(),
            secret: secret.to_owned(),
        }
    }

    fn is_open(policy: &AccessPolicy, operation: Operation, sent: Option<(&str, &str)>) -> bool {
        let header = |name: &str| {
            let (_, value) = sent.filter(|(known, _)| *known == name)?;
            Some(value.as_bytes())
        };
        policy.check(operation, header).is_ok()
    }

    #[test]
    fn management_is_closed_until_it_is_opened() {
        let closed = AccessPolicy::default();
        for (operation, _) in OPERATIONS {
            let expected = !operation.is_management();
            assert_eq!(
                is_open(&closed, *operation, None),
                expected,
                "{operation:?}"
            );
        }
        let open = AccessPolicy::default().managed();
        assert!(is_open(&open, Operation::Logging, None));
        let guarded = AccessPolicy::default().with_token("abc");
        assert!(!is_open(&guarded, Operation::Trace, None));
        assert!(!is_open(
            &guarded,
            Operation::Trace,
            Some((TOKEN_HEADER, "abd"))
        ));
        assert!(is_open(
            &guarded,
            Operation::Trace,
            Some((TOKEN_HEADER, "abc"))
        ));
        assert!(is_open(&guarded, Operation::Inference, None));
    }

    #[test]
    fn what_is_restricted_asks_for_its_own_header() {
        let key = credential("admin-key", "1234");
        let policy = AccessPolicy::default()
            .restricted("inference", &key)
            .unwrap();
        assert!(!is_open(&policy, Operation::Inference, None));
        assert!(is_open(
            &policy,
            Operation::Inference,
            Some(("admin-key", "1234"))
        ));
        assert!(is_open(&policy, Operation::Health, None));
        assert_eq!(AccessPolicy::default().restricted("everything", &key), None);
    }

    #[test]
    fn rules_are_read_and_what_is_none_is_told() {
        let check = |text: &str, expected: &str| {
            let rule = AccessRule::parse(text);
            let found = rule.and_then(|rule| AccessPolicy::default().with_rule(&rule));
            let told = found.map_or_else(|error| error.to_string(), |_| "a rule".to_owned());
            assert_eq!(told, expected);
        };
        check("inference, health:Key=1:2=3", "a rule");
        check("inference", "`inference` is not PART,...:HEADER=VALUE");
        check(
            "inference:key",
            "`inference:key` is not PART,...:HEADER=VALUE",
        );
        check("health:a b=1", "`a b` is no name for a header");
        check(
            "all:key=1",
            "there is no part `all` of the server: it has health, metadata, inference, shared-memory, model-config, model-repository, statistics, trace, logging",
        );
    }

    #[test]
    fn no_secret_is_shown() {
        let policy = AccessPolicy::default().with_token("abc");
        assert!(!format!("{policy:?}").contains("abc"));
        let rule = AccessRule::parse("health:key=abc");
        assert!(!format!("{rule:?}").contains("abc"));
        let wrong = AccessRule::parse("key=abc").unwrap_err();
        assert!(!wrong.to_string().contains("abc"));
    }
}
