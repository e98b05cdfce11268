//! A policy as people write it, in TOML. What is not known is refused by name and line.

use std::fmt;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::date::Date;
use super::policy::{AllowNativeCode, TrustPolicy, TrustedKey};
use crate::file::{self, FileError};
use crate::signing::{KeyError, KeyFault, PublicKey};

/// More than any policy has.
const MOST: usize = 1 << 20;
/// How a key starts that is written into the policy itself.
const INLINE: &str = "-----BEGIN";

/// A policy cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// The path leads to no file that can be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The system could not read it.
    #[error("cannot read {path}", path = .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// It is far larger than any policy.
    #[error("{path} has more than {limit} bytes, which no trust policy has", path = .path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// How many it may have.
        limit: usize,
    },
    /// It is no TOML, or says something that is not known.
    #[error("line {line} of {path}: {what}", path = .path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong there.
        what: String,
    },
    /// A key that it names cannot be used.
    #[error("a key that {path} trusts", path = .path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong with the key.
        source: KeyError,
    },
    /// A key in it cannot be used.
    #[error("trusted key {number} in {path} cannot be used", path = .path.display())]
    InlineKey {
        /// The file.
        path: PathBuf,
        /// Which of the keys, counted from 1.
        number: usize,
        /// What is wrong with it.
        source: KeyFault,
    },
    /// Nothing could ever be loaded.
    #[error("the trust policy asks for signatures and trusts no key")]
    NoKeys,
}

/// What a file says.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Written {
    require_signature: bool,
    trusted_keys: Vec<WrittenKey>,
    allow_native_code: AllowNativeCode,
}

/// A key: its path or its PEM text, alone or with a last day.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DatedKey {
    key: String,
    not_after: Option<Date>,
}

#[derive(Debug)]
struct WrittenKey(DatedKey);

impl<'de> Deserialize<'de> for WrittenKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(KeyVisitor).map(Self)
    }
}

struct KeyVisitor;

impl<'de> Visitor<'de> for KeyVisitor {
    type Value = DatedKey;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key's path or PEM text, or a table of `key` and `not_after`")
    }

    fn visit_str<E>(self, text: &str) -> Result<DatedKey, E> {
        Ok(DatedKey {
            key: text.to_owned(),
            not_after: None,
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<DatedKey, A::Error> {
        DatedKey::deserialize(MapAccessDeserializer::new(members))
    }
}

impl TrustPolicy {
    /// Reads a policy, and the keys that it names by path, relative to its own folder. Whether it trusts
    /// any key is asked when it is complete, by [`TrustPolicy::with`].
    pub fn read(path: &Path) -> Result<Self, PolicyError> {
        let (file, _) = file::open(path)?;
        let mut text = String::new();
        let read = file.take(MOST as u64 + 1).read_to_string(&mut text);
        read.map_err(|source| PolicyError::Read {
            path: path.to_owned(),
            source,
        })?;
        if text.len() > MOST {
            return Err(PolicyError::TooLarge {
                path: path.to_owned(),
                limit: MOST,
            });
        }
        Self::parse(&text, path)
    }

    /// Reads a policy from its text, as if it were in the file at `path`.
    fn parse(text: &str, path: &Path) -> Result<Self, PolicyError> {
        let written: Written = toml::from_str(text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start));
            PolicyError::Syntax {
                path: path.to_owned(),
                line: before.map_or(1, |before| before.matches('\n').count() + 1),
                what: error.message().replace('\n', " "),
            }
        })?;
        let keys = written.trusted_keys.into_iter().enumerate();
        let keys = keys.map(|(position, WrittenKey(dated))| {
            Ok(TrustedKey {
                key: key(&dated.key, position + 1, path)?,
                not_after: dated.not_after,
            })
        });
        Ok(Self {
            require_signature: written.require_signature,
            trusted_keys: keys.collect::<Result<_, PolicyError>>()?,
            allow_native_code: written.allow_native_code,
        })
    }
}

fn key(text: &str, number: usize, policy: &Path) -> Result<PublicKey, PolicyError> {
    if text.trim_start().starts_with(INLINE) {
        return PublicKey::from_pem(text).map_err(|source| PolicyError::InlineKey {
            path: policy.to_owned(),
            number,
            source,
        });
    }
    let path = policy.with_file_name(text);
    PublicKey::read(&path).map_err(|source| PolicyError::Key {
        path: policy.to_owned(),
        source,
    })
}

impl PolicyError {
    /// Whether a file is not what it should be, rather than the path, the user's rights or the machine.
    pub const fn is_integrity(&self) -> bool {
        match self {
            Self::File(_) | Self::Read { .. } | Self::NoKeys => false,
            Self::Key { source, .. } => source.is_integrity(),
            Self::TooLarge { .. } | Self::Syntax { .. } | Self::InlineKey { .. } => true,
        }
    }
}
