//! Who may manage a server: those with a token, unless that is said otherwise.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};

use nav_serve::{AccessPolicy, Credential, TOKEN_HEADER};

use super::error::ConfigError;

/// What needs the token where nothing is said.
const RESTRICTED: &[&str] = &[
    "shared-memory",
    "model-repository",
    "statistics",
    "trace",
    "logging",
];

/// Who may use which parts of a server.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct TritonSecurityConfig {
    /// What clients send as `triton-access-token`; anything where nothing is said, see
    /// [`Triton::access_token`](crate::Triton::access_token).
    pub access_token: Option<String>,
    /// The parts that need the token: all that tell of clients or change the server where nothing is said, none for an
    /// empty list.
    pub restricted_endpoints: Option<Vec<String>>,
}

impl fmt::Debug for TritonSecurityConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What opens doors is written nowhere.
        f.debug_struct("TritonSecurityConfig")
            .field("restricted_endpoints", &self.restricted_endpoints)
            .finish_non_exhaustive()
    }
}

impl TritonSecurityConfig {
    /// A server that everybody who reaches it manages.
    pub const fn open() -> Self {
        Self {
            access_token: None,
            restricted_endpoints: Some(Vec::new()),
        }
    }

    /// The token that opens what is restricted.
    pub(super) fn token(&self) -> io::Result<String> {
        match &self.access_token {
            Some(token) => Ok(token.clone()),
            None => any_token(),
        }
    }

    /// Who may do what, with this token.
    pub(super) fn policy(&self, token: &str) -> Result<AccessPolicy, ConfigError> {
        let is_visible = |byte: u8| (b'!'..=b'~').contains(&byte);
        if token.is_empty() || !token.bytes().all(is_visible) {
            let reason = "it must be one word of plain characters, since a header carries it";
            return Err(ConfigError::field("access_token", reason));
        }
        let credential = Credential {
            header: TOKEN_HEADER.to_owned(),
            secret: token.to_owned(),
        };
        let parts: Vec<&str> = match &self.restricted_endpoints {
            Some(named) => named.iter().map(String::as_str).collect(),
            None => RESTRICTED.to_vec(),
        };
        let open = AccessPolicy::default().managed();
        parts.into_iter().try_fold(open, |policy, name| {
            policy.restricted(name, &credential).ok_or_else(|| {
                let names = AccessPolicy::names().join(", ");
                let reason = format!("there is no part `{name}` of the server: it has {names}");
                ConfigError::field("restricted_endpoints", reason)
            })
        })
    }
}

/// 128 bits that nobody guesses.
fn any_token() -> io::Result<String> {
    let mut bytes = [0_u8; 16];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    let number = u128::from_le_bytes(bytes);
    Ok(format!("{number:032x}"))
}
