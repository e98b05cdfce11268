//! Signatures and keys: any bytes are refused or read, as an envelope, as what is signed in one, and as PEM.
#![no_main]

use std::sync::LazyLock;

use base64ct::{Base64, Encoding};
use libfuzzer_sys::fuzz_target;
use nav_package_format::signing::{DetachedSignature, PrivateKey, PublicKey};
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{DerSignature, SigningKey};
use p256::pkcs8::{EncodePublicKey, LineEnding};

static KEY: LazyLock<Option<(SigningKey, PublicKey)>> = LazyLock::new(|| {
    let key = SigningKey::from_slice(&[7; 32]).ok()?;
    let pem = key.verifying_key().to_public_key_pem(LineEnding::LF).ok()?;
    Some((key, PublicKey::from_pem(&pem).ok()?))
});

fuzz_target!(|bytes: &[u8]| {
    let (key, public) = KEY.as_ref().expect("seven is a key");
    if let Ok(signature) = DetachedSignature::parse(bytes) {
        let _authentic = signature.check([public]);
    }
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
    match signature.check([public]) {
        Ok(authentic) => assert_eq!(authentic.signer(), public.fingerprint()),
        Err(error) => assert!(!error.is_other_key(), "the signature holds: {error}"),
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _public = PublicKey::from_pem(text);
        let _private = PrivateKey::from_pem(text);
    }
});
