//! Keys of every kind that people have, made by openssl, and those that are made here.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::*;

fn data(name: &str) -> PathBuf {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/signing");
    data.join(name)
}

fn algorithm(found: &str) -> KeyFault {
    let found = found.to_owned();
    KeyFault::Algorithm { found }
}

fn curve(found: &str) -> KeyFault {
    let found = found.to_owned();
    KeyFault::Curve { found }
}

fn fault<K: std::fmt::Debug>(key: Result<K, KeyError>) -> KeyFault {
    match key {
        Err(KeyError::Fault { fault, .. }) => fault,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_private_key_is_read_in_both_forms() {
    let new = PrivateKey::read(&data("key.pem")).unwrap();
    let old = PrivateKey::read(&data("keys/old.pem")).unwrap();
    let public = PublicKey::read(&data("key.pub")).unwrap();
    assert_eq!(new.public(), &public);
    assert_eq!(old.public(), &public);
}

#[test]
fn what_is_no_private_key_of_ours_is_called_by_its_name() {
    let check = |name: &str, expected: KeyFault| {
        assert_eq!(fault(PrivateKey::read(&data(name))), expected, "{name}");
    };
    check("key.pub", KeyFault::Public);
    check("keys/rsa.pem", algorithm("RSA"));
    check("keys/rsa-old.pem", algorithm("\"RSA PRIVATE KEY\""));
    check("keys/ed25519.pem", algorithm("Ed25519"));
    check("keys/p384.pem", curve("P-384"));
    check("keys/p384-old.pem", curve("P-384"));
    check("keys/explicit.pem", curve("without a name"));
    check("keys/encrypted.pem", KeyFault::Encrypted);
    check("keys/encrypted-old.pem", KeyFault::Encrypted);
    check("keys/certificate.pem", KeyFault::Certificate);
    check("folder/config.yaml", KeyFault::NotPem);
    check("folder/sub/weights.bin", KeyFault::NotPem);
}

#[test]
fn what_is_no_public_key_of_ours_is_called_by_its_name() {
    let check = |name: &str, expected: KeyFault| {
        assert_eq!(fault(PublicKey::read(&data(name))), expected, "{name}");
    };
    check("key.pem", KeyFault::Private);
    check("keys/old.pem", KeyFault::Private);
    check("keys/encrypted.pem", KeyFault::Private);
    check("keys/rsa.pub", algorithm("RSA"));
    check("keys/ed25519.pub", algorithm("Ed25519"));
    check("keys/p384.pub", curve("P-384"));
    check("keys/certificate.pem", KeyFault::Certificate);
    check("folder/config.yaml", KeyFault::NotPem);
}

#[test]
fn damaged_and_huge_keys_are_refused() {
    let private = fs::read_to_string(data("key.pem")).unwrap();
    let public = fs::read_to_string(data("key.pub")).unwrap();
    // Within the point, so that it is not on the curve any more.
    let off_the_curve = public.replace("GIkylZQ3", "GIkylZQ4");
    assert_ne!(off_the_curve, public);
    assert_eq!(PublicKey::from_pem(&off_the_curve), Err(KeyFault::Damaged));
    let zero = {
        let start = private.find("BG0wawIBAQQg").unwrap() + 12;
        let mut zero = private.clone();
        zero.replace_range(start..start + 8, "AAAAAAAA");
        zero
    };
    // The public key in it belongs to another.
    assert_eq!(PrivateKey::from_pem(&zero).unwrap_err(), KeyFault::Damaged);
    let twice = public.repeat(2);
    assert_eq!(PublicKey::from_pem(&twice), Err(KeyFault::Several));
    let place = tempfile::tempdir().unwrap();
    let huge = place.path().join("huge.pem");
    fs::write(&huge, format!("{}{private}", " ".repeat(1 << 16))).unwrap();
    let limit = 1 << 16;
    assert_eq!(fault(PrivateKey::read(&huge)), KeyFault::TooLarge { limit });
}

#[test]
fn a_pair_is_written_once_and_for_this_user() {
    let place = tempfile::tempdir().unwrap();
    let (private, public) = (place.path().join("k.pem"), place.path().join("k.pub"));
    let key = PrivateKey::generate().unwrap();
    write_pair(&key, &private, &public).unwrap();
    let mode = fs::metadata(&private).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    let read = PrivateKey::read(&private).unwrap();
    assert_eq!(read.public(), key.public());
    assert_eq!(&PublicKey::read(&public).unwrap(), key.public());
    let before = fs::read(&private).unwrap();
    let other = PrivateKey::generate().unwrap();
    assert_ne!(other.public(), key.public());
    let again = write_pair(&other, &private, &place.path().join("l.pub"));
    assert!(matches!(again, Err(KeyError::Exists { .. })), "{again:?}");
    assert_eq!(fs::read(&private).unwrap(), before);
    // Half a pair is taken back.
    let half = place.path().join("l.pem");
    let again = write_pair(&other, &half, &public);
    assert!(matches!(again, Err(KeyError::Exists { .. })), "{again:?}");
    assert!(!half.exists());
}

#[test]
fn a_private_key_is_never_shown() {
    let text = fs::read_to_string(data("key.pem")).unwrap();
    let key = PrivateKey::from_pem(&text).unwrap();
    let shown = format!("{key:?}");
    assert_eq!(
        shown,
        format!("PrivateKey(of PublicKey({}))", key.public().fingerprint())
    );
}

#[test]
fn a_key_is_named_as_openssl_does() {
    // `openssl pkey -pubin -in key.pub -outform DER | sha256sum`, and `sha256sum key.pub`.
    let key = PublicKey::read(&data("key.pub")).unwrap();
    assert_eq!(
        key.fingerprint().to_string(),
        "a215329bd96194eef6807597d14183adbd8903776910c80c60c9bde5c4d2baef"
    );
    assert_eq!(
        key.hint().to_string(),
        "b4e8cf036b4c5117e7558233b68e1e24cbae0a7e1a0f2b2e5c2d90a127eb6d8d"
    );
}
