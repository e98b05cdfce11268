//! Signatures and keys: any bytes are refused or read, as an envelope, as what is signed in one, and as PEM.

use std::sync::LazyLock;

use base64ct::{Base64, Encoding};
use nav_package_format::signing::{DetachedSignature, PrivateKey, PublicKey};
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{DerSignature, SigningKey};
use p256::pkcs8::{EncodePublicKey, LineEnding};

static KEY: LazyLock<Option<(SigningKey, PublicKey)>> = LazyLock::new(|| {
    let key = SigningKey::from_slice(&[7; 32]).ok()?;
    let pem = key.verifying_key().to_public_key_pem(LineEnding::LF).ok()?;
    Some((key, PublicKey::from_pem(&pem).ok()?))
});

/// Whether the bytes were taken for a signature that holds, for what can be signed, or for a key.
pub(crate) fn enter(bytes: &[u8]) -> bool {
    let (key, public) = KEY.as_ref().expect("seven is a key");
    let parsed = DetachedSignature::parse(bytes);
    let is_signed = parsed.is_ok_and(|signature| signature.check([public]).is_ok());
    // What is signed is only read when the signature holds, so it is made to.
    let kind = "application/vnd.in-toto+json";
    let mut message = format!("DSSEv1 {} {kind} {} ", kind.len(), bytes.len()).into_bytes();
    message.extend_from_slice(bytes);
    let signature: DerSignature = key.sign(&message);
    let bundle = format!(
        "{{\"mediaType\":\"application/vnd.dev.sigstore.bundle.v0.3+json\",\
         \"verificationMaterial\":{{\"publicKey\":{{}}}},\"dsseEnvelope\":{{\"payload\":\"{}\",\
         \"payloadType\":\"{kind}\",\"signatures\":[{{\"sig\":\"{}\"}}]}}}}",
        Base64::encode_string(bytes),
        Base64::encode_string(signature.as_bytes()),
    );
    let signature =
        DetachedSignature::parse(bundle.as_bytes()).expect("the envelope is well-formed");
    let is_statement = match signature.check([public]) {
        Ok(authentic) => {
            assert_eq!(authentic.signer(), public.fingerprint());
            true
        }
        Err(error) => {
            assert!(!error.is_other_key(), "the signature holds: {error}");
            false
        }
    };
    let is_key = std::str::from_utf8(bytes).is_ok_and(|text| {
        let is_private = PrivateKey::from_pem(text).is_ok();
        PublicKey::from_pem(text).is_ok() || is_private
    });
    is_signed || is_statement || is_key
}
