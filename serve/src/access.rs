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
    fn no_secret_is_shown() {
        let policy = AccessPolicy::default().with_token("abc");
        assert!(!format!("{policy:?}").contains("abc"));
    }
}
