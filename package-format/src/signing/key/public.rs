//! A public key: what checks signatures, and what names who made them.

use std::fmt;
use std::path::Path;

use p256::ecdsa::signature::Verifier;
use p256::ecdsa::{DerSignature, VerifyingKey};
use p256::pkcs8::der::Decode;
use p256::pkcs8::spki::SubjectPublicKeyInfoRef;
use p256::pkcs8::{Document, EncodePublicKey, LineEnding};

use super::algorithm;
use super::error::{KeyError, KeyFault};
use super::pem::{Block, only_block};
use super::store;
use crate::Digest;

/// A public key on P-256.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    key: VerifyingKey,
    fingerprint: Digest,
    hint: Digest,
    pem: String,
}

impl PublicKey {
    /// Reads the key in a text, as `openssl ec -pubout` and `nav keygen` write it.
    pub fn from_pem(text: &str) -> Result<Self, KeyFault> {
        let Block { label, text } = only_block(text)?;
        match label {
            "PUBLIC KEY" => {}
            "PRIVATE KEY" | "EC PRIVATE KEY" | "ENCRYPTED PRIVATE KEY" | "RSA PRIVATE KEY" => {
                return Err(KeyFault::Private);
            }
            "CERTIFICATE" => return Err(KeyFault::Certificate),
            _ => return Err(KeyFault::of_label(label)),
        }
        let (_, document) = Document::from_pem(text).map_err(|_| KeyFault::Damaged)?;
        let info = SubjectPublicKeyInfoRef::from_der(document.as_bytes());
        let info = info.map_err(|_| KeyFault::Damaged)?;
        algorithm::check(&info.algorithm)?;
        let key = VerifyingKey::try_from(info).map_err(|_| KeyFault::Damaged)?;
        Self::new(key)
    }

    /// Reads the key in a file.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        store::read(path, Self::from_pem)
    }

    pub(super) fn new(key: VerifyingKey) -> Result<Self, KeyFault> {
        let document = key.to_public_key_der().map_err(|_| KeyFault::Damaged)?;
        let pem = document.to_pem("PUBLIC KEY", LineEnding::LF);
        let pem = pem.map_err(|_| KeyFault::Damaged)?;
        Ok(Self {
            key,
            fingerprint: Digest::of(document.as_bytes()),
            hint: Digest::of(pem.as_bytes()),
            pem,
        })
    }

    /// The SHA-256 of the key as `SubjectPublicKeyInfo` in DER: its name, as people compare it.
    pub const fn fingerprint(&self) -> Digest {
        self.fingerprint
    }

    /// The SHA-256 of the key's PEM text: what signatures say of the key that they are made with.
    pub const fn hint(&self) -> Digest {
        self.hint
    }

    /// The key as PEM text.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// Whether the signature, in DER, is of this message and by this key.
    pub(in crate::signing) fn is_by(&self, message: &[u8], signature: &[u8]) -> bool {
        let signature = DerSignature::from_bytes(signature);
        signature.is_ok_and(|signature| self.key.verify(message, &signature).is_ok())
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.fingerprint)
    }
}
