//! A private key: what signs. It is wiped from memory when it is dropped, and never shown.

use std::fmt;
use std::io;
use std::path::Path;

use p256::SecretKey;
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{DerSignature, SigningKey};
use p256::elliptic_curve::Generate;
use p256::pkcs8::der::Decode;
use p256::pkcs8::{EncodePrivateKey, LineEnding, PrivateKeyInfoRef, SecretDocument};
use zeroize::Zeroizing;

use super::algorithm;
use super::error::{KeyError, KeyFault};
use super::pem::{Block, only_block};
use super::public::PublicKey;
use super::store;

/// A private key on P-256.
pub struct PrivateKey {
    key: SigningKey,
    public: PublicKey,
}

impl PrivateKey {
    /// Makes a new key from the system's random numbers.
    pub fn generate() -> Result<Self, KeyError> {
        let random = |error: String| KeyError::Random(io::Error::other(error));
        let key = SigningKey::try_generate().map_err(|error| random(error.to_string()))?;
        Self::new(key).map_err(|fault| random(fault.to_string()))
    }

    /// Reads the key in a text: PKCS#8, as `nav keygen` and `openssl genpkey` write it, or SEC 1, as
    /// `openssl ecparam -genkey` does.
    pub fn from_pem(text: &str) -> Result<Self, KeyFault> {
        let Block { label, text } = only_block(text)?;
        // The old way to encrypt a key is told by a line in its block.
        if label == "ENCRYPTED PRIVATE KEY" || text.contains("Proc-Type: 4,ENCRYPTED") {
            return Err(KeyFault::Encrypted);
        }
        let secret = match label {
            "PRIVATE KEY" => of_pkcs8(text)?,
            "EC PRIVATE KEY" => of_sec1(text)?,
            "PUBLIC KEY" => return Err(KeyFault::Public),
            "CERTIFICATE" => return Err(KeyFault::Certificate),
            _ => return Err(KeyFault::of_label(label)),
        };
        Self::new(SigningKey::from(secret))
    }

    /// Reads the key in a file.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        store::read(path, Self::from_pem)
    }

    fn new(key: SigningKey) -> Result<Self, KeyFault> {
        let public = PublicKey::new(*key.verifying_key())?;
        Ok(Self { key, public })
    }

    /// The public key that belongs to it.
    pub const fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The key as PEM text, PKCS#8. It is wiped when it is dropped.
    pub(super) fn to_pem(&self) -> Result<Zeroizing<String>, KeyFault> {
        let pem = self.key.to_pkcs8_pem(LineEnding::LF);
        pem.map_err(|_| KeyFault::Damaged)
    }

    /// Signs a message: SHA-256 and ECDSA as RFC 6979 has it, so that the same message gives the same
    /// signature. In DER.
    pub(in crate::signing) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let signature: DerSignature = self.key.sign(message);
        signature.as_bytes().to_vec()
    }
}

fn of_pkcs8(text: &str) -> Result<SecretKey, KeyFault> {
    let (_, document) = SecretDocument::from_pem(text).map_err(|_| KeyFault::Damaged)?;
    let info = PrivateKeyInfoRef::from_der(document.as_bytes());
    let info = info.map_err(|_| KeyFault::Damaged)?;
    algorithm::check(&info.algorithm)?;
    SecretKey::try_from(info).map_err(|_| KeyFault::Damaged)
}

fn of_sec1(text: &str) -> Result<SecretKey, KeyFault> {
    let (_, document) = SecretDocument::from_pem(text).map_err(|_| KeyFault::Damaged)?;
    let secret = SecretKey::from_sec1_der(document.as_bytes());
    secret.map_err(|_| algorithm::fault_of_sec1(document.as_bytes()))
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey(of {:?})", self.public)
    }
}
