//! Signatures that must hold for ever: made by the tool of `OpenSSF` (model-signing 1.1.1), and by us.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on panics where it stands"
)]

use std::fs;
use std::path::{Path, PathBuf};

use nav_package_format::signing::{
    Contents, DetachedSignature, PrivateKey, PublicKey, SignatureError, Target, Verified,
    open_target, sign, verify,
};

const THEIRS: &str = "by_model_signing";
const OURS: &str = "by_nav";

fn data(name: &str) -> PathBuf {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    data.join(name)
}

fn key() -> PublicKey {
    PublicKey::read(&data("signing/key.pub")).unwrap()
}

/// Verifies the folder, or the package, by a signature of someone's.
fn check(signature: &str, target: &str) -> Result<Verified, SignatureError> {
    let signature = data(&format!("signing/{signature}"));
    let path = data(target);
    let file = open_target(&path).unwrap();
    let target = match &file {
        Some(file) => Target::File(file, &path),
        None => Target::Folder(&path),
    };
    verify(target, &signature, &[key()], &mut |_| {})
}

const FOLDER: &str = "signing/folder";
const FILE: &str = "model_navigator/nobatch_add.nav";

#[test]
fn what_others_signed_is_verified() {
    for (signature, target, files) in [("folder.sig", FOLDER, 4), ("file.sig", FILE, 1)] {
        for maker in [THEIRS, OURS] {
            let verified = check(&format!("{maker}/{signature}"), target).unwrap();
            assert_eq!(verified.signer(), key().fingerprint());
            assert_eq!(verified.files().len(), files);
            assert!(verified.uncovered().is_empty());
        }
    }
}

#[test]
fn what_they_left_out_is_told() {
    let verified = check("by_model_signing/ignoring.sig", FOLDER).unwrap();
    assert_eq!(verified.uncovered(), ["a b.txt", "sub/weights.bin"]);
}

#[test]
fn what_is_not_supported_is_called_by_its_name() {
    let check = |signature: &str, expected: &str| {
        let error = check(&format!("{THEIRS}/{signature}"), FOLDER).unwrap_err();
        assert_eq!(error.to_string(), expected);
    };
    check(
        "blake3.sig",
        "files are signed by digests of kind \"blake3\", and only SHA-256 is supported",
    );
    check(
        "shards.sig",
        "files are signed by \"shards\", and only whole files are supported",
    );
    check(
        "file.sig",
        "the signature is of a file, and this is a folder",
    );
}

#[test]
fn another_key_did_not_sign() {
    let other = PublicKey::read(&data("signing/other.pub")).unwrap();
    for maker in [THEIRS, OURS] {
        let path = data(&format!("signing/{maker}/folder.sig"));
        let signature = DetachedSignature::read(&path).unwrap();
        let error = signature.check([&other]).unwrap_err();
        assert!(matches!(error, SignatureError::WrongKey { .. }), "{error}");
    }
}

#[test]
fn the_same_files_and_key_give_the_same_signature_for_ever() {
    let key = PrivateKey::read(&data("signing/key.pem")).unwrap();
    let folder = data(FOLDER);
    let contents = Contents::of(Target::Folder(&folder), &mut |_| {}).unwrap();
    let path = data("signing/by_nav/folder.sig");
    assert_eq!(sign(&contents, &key).unwrap(), fs::read(path).unwrap());
}

/// Theirs have no blanks outside of what is signed either.
#[test]
fn every_flipped_bit_of_a_signature_of_theirs_is_refused() {
    let path = data(FILE);
    let file = open_target(&path).unwrap().unwrap();
    let signature = fs::read(data("signing/by_model_signing/file.sig")).unwrap();
    let key = key();
    let holds = |bytes: &[u8]| {
        let signature = DetachedSignature::parse(bytes)?;
        let authentic = signature.check([&key])?;
        authentic.verify(Target::File(&file, &path), &mut |_| {})
    };
    holds(&signature).unwrap();
    for at in 0..signature.len() {
        let mut flipped = signature.clone();
        flipped[at] ^= 1 << (at % 7);
        assert!(holds(&flipped).is_err(), "byte {at}");
    }
}
