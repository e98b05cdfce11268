//! Signatures made here, and what can be done to them. Those that the tool of `OpenSSF` made are in
//! `tests/signing.rs`.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use proptest::prelude::*;
use tempfile::TempDir;

use super::bundle::Bundle;
use super::statement::Statement;
use super::*;

static KEY: LazyLock<PrivateKey> = LazyLock::new(|| PrivateKey::generate().unwrap());
static OTHER: LazyLock<PrivateKey> = LazyLock::new(|| PrivateKey::generate().unwrap());

/// A folder with files to sign, in a place of its own.
fn folder(files: &[(&str, &[u8])]) -> (TempDir, PathBuf) {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("model");
    for (name, content) in files {
        put(&folder, name, content);
    }
    (place, folder)
}

fn put(folder: &Path, name: &str, content: &[u8]) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

fn signed(folder: &Path) -> Vec<u8> {
    let contents = Contents::of(Target::Folder(folder), &mut |_| {}).unwrap();
    sign(&contents, &KEY).unwrap()
}

fn holds(signature: &[u8], target: Target<'_>) -> Result<Verified, SignatureError> {
    let signature = DetachedSignature::parse(signature)?;
    signature.check([KEY.public()])?.verify(target, &mut |_| {})
}

/// The whole story of an error.
fn said(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[track_caller]
fn refused(signature: &[u8], target: Target<'_>, expected: &str) {
    let error = holds(signature, target).unwrap_err();
    assert_eq!(said(&error), expected);
    assert!(error.is_integrity());
}

/// A signature of any statement that is text, by the key.
fn of_statement(payload: &str) -> Vec<u8> {
    let mut bundle = Bundle {
        hint: Some(KEY.public().hint().to_string()),
        payload: payload.as_bytes().to_vec(),
        signature: Vec::new(),
    };
    bundle.signature = KEY.sign(&bundle.message());
    bundle.to_json().unwrap()
}

#[test]
fn a_signed_file_is_verified_under_any_name() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("model.nav");
    fs::write(&path, b"content").unwrap();
    let file = open_target(&path).unwrap().unwrap();
    let contents = Contents::of(Target::File(&file, &path), &mut |_| {}).unwrap();
    let signature = sign(&contents, &KEY).unwrap();
    assert_eq!(signature, sign(&contents, &KEY).unwrap(), "the same again");

    let beside = place.path().join("model.nav.sig");
    write(&beside, &signature).unwrap();
    let renamed = Target::File(&file, Path::new("other.nav"));
    let verified = verify(renamed, &beside, &[KEY.public().clone()], &mut |_| {}).unwrap();
    assert_eq!(verified.signer(), KEY.public().fingerprint());

    fs::write(&path, b"c0ntent").unwrap();
    refused(
        &signature,
        Target::File(&file, &path),
        "what was signed was something else: changed: \"model.nav\"",
    );
    let expected = "the signature is of a file, and this is a folder";
    refused(&signature, Target::Folder(place.path()), expected);
}

#[test]
fn what_differs_from_a_signed_folder_is_named() {
    let (_place, folder) = folder(&[("a", b"1"), ("b/c", b"2"), ("b.d", b"3")]);
    let signature = signed(&folder);
    let target = Target::Folder(&folder);
    let verified = holds(&signature, target).unwrap();
    let names: Vec<&str> = verified.files().keys().map(String::as_str).collect();
    assert_eq!(names, ["a", "b.d", "b/c"]);
    assert!(verified.uncovered().is_empty());

    put(&folder, "b/e", b"4");
    let told = "what was signed was something else: ";
    refused(&signature, target, &format!("{told}not signed: \"b/e\""));
    fs::rename(folder.join("b/e"), folder.join("b/c")).unwrap();
    refused(&signature, target, &format!("{told}changed: \"b/c\""));
    fs::remove_file(folder.join("b/c")).unwrap();
    refused(&signature, target, &format!("{told}missing: \"b/c\""));
    put(&folder, "b/c", b"2");
    put(&folder, ".git/config", b"");
    refused(
        &signature,
        target,
        &format!("{told}not signed: \".git/config\""),
    );
    fs::remove_dir_all(folder.join(".git")).unwrap();
    // Folders without files are of no consequence.
    fs::create_dir(folder.join("empty")).unwrap();
    holds(&signature, target).unwrap();
}

#[test]
fn links_and_devices_are_neither_signed_nor_verified() {
    let (place, folder) = folder(&[("a", b"1"), ("b/c", b"2")]);
    let signature = signed(&folder);
    let outside = place.path().join("outside");
    fs::write(&outside, b"1").unwrap();
    let check = |make: &dyn Fn(&Path), expected: &str| {
        let odd = folder.join("b/odd");
        make(&odd);
        let expected = format!("\"b/odd\" in {} {expected}", folder.display());
        let signing = Contents::of(Target::Folder(&folder), &mut |_| {});
        assert_eq!(said(&signing.unwrap_err()), expected);
        refused(&signature, Target::Folder(&folder), &expected);
        fs::remove_file(&odd).unwrap();
    };
    let link = "is a link, and links are not followed";
    check(&|odd| symlink(&outside, odd).unwrap(), link);
    check(&|odd| symlink("nowhere", odd).unwrap(), link);
    check(
        &|odd| fs::hard_link(&outside, odd).unwrap(),
        "has a second name, by which it may be changed",
    );
    check(
        &|odd| {
            let (mode, kind) = (rustix::fs::Mode::RUSR, rustix::fs::FileType::Fifo);
            rustix::fs::mknodat(rustix::fs::CWD, odd, kind, mode, 0).unwrap();
        },
        "is no file and no folder",
    );
    let bad = "cannot be signed: its name has the character '\\\\'";
    put(&folder, "b/o\\d", b"");
    let signing = Contents::of(Target::Folder(&folder), &mut |_| {});
    let expected = format!("\"b/o\\\\d\" in {} {bad}", folder.display());
    assert_eq!(said(&signing.unwrap_err()), expected);
}

#[test]
fn a_folder_without_files_is_not_signed() {
    let place = tempfile::tempdir().unwrap();
    let contents = Contents::of(Target::Folder(place.path()), &mut |_| {});
    assert!(matches!(contents, Err(ContentsError::Empty { .. })));
}

#[test]
fn what_the_signer_left_out_is_told_but_not_the_signature() {
    let (_place, folder) = folder(&[("a", b"1"), ("skip/b", b"2"), ("skipped", b"3")]);
    let statement = Statement {
        name: String::new(),
        files: Contents::of(Target::Folder(&folder), &mut |_| {})
            .unwrap()
            .files,
        ignored: Vec::new(),
    };
    let json = String::from_utf8(statement.to_json().unwrap()).unwrap();
    let ignoring = "\"ignore_paths\":[\"skip\",\"model.sig\"],\"method\"";
    let json = json.replace("\"method\"", ignoring);
    // The file in `skip` was signed, so it is missed: what is left out is not looked at.
    let told = "what was signed was something else: missing: \"skip/b\"";
    refused(&of_statement(&json), Target::Folder(&folder), told);

    let mut files = statement.files;
    files.remove("skip/b");
    let statement = Statement { files, ..statement };
    let json = String::from_utf8(statement.to_json().unwrap()).unwrap();
    let json = json.replace("\"method\"", ignoring);
    let inside = folder.join("model.sig");
    fs::write(&inside, of_statement(&json)).unwrap();
    let keys = [KEY.public().clone()];
    let verified = verify(Target::Folder(&folder), &inside, &keys, &mut |_| {}).unwrap();
    assert_eq!(verified.uncovered(), ["skip/b"]);
    // Another file of that name may hold anything.
    let elsewhere = folder.with_file_name("elsewhere.sig");
    fs::copy(&inside, &elsewhere).unwrap();
    let verified = verify(Target::Folder(&folder), &elsewhere, &keys, &mut |_| {}).unwrap();
    assert_eq!(verified.uncovered(), ["model.sig", "skip/b"]);
}

#[test]
fn the_wrong_key_is_told_from_what_was_altered() {
    let (_place, folder) = folder(&[("a", b"1")]);
    let signature = signed(&folder);
    let check = |bytes: &[u8], key: &PrivateKey| {
        let signature = DetachedSignature::parse(bytes).unwrap();
        let keys = [OTHER.public(), key.public()];
        signature.check(keys).unwrap_err()
    };
    let wrong = DetachedSignature::parse(&signature).unwrap();
    let error = wrong.check([OTHER.public()]).unwrap_err();
    let (hint, given) = (KEY.public().hint(), OTHER.public().hint());
    let expected = format!(
        "the signature is by another key: its hint is \"{hint}\", and that of the key given is {given}"
    );
    assert_eq!(said(&error), expected);
    assert!(error.is_other_key());
    let error = DetachedSignature::parse(&signature).unwrap().check([]);
    assert!(matches!(error, Err(SignatureError::NoKey)));

    let mut bundle = Bundle::parse(&signature).unwrap();
    bundle.payload.push(b' ');
    let error = check(&bundle.to_json().unwrap(), &KEY);
    assert!(matches!(error, SignatureError::Altered), "{error}");
    // Who says to be another and is not.
    bundle.payload.pop();
    bundle.signature = OTHER.sign(&bundle.message());
    let error = check(&bundle.to_json().unwrap(), &KEY);
    assert!(matches!(error, SignatureError::Altered), "{error}");
    bundle.hint = None;
    let signature = DetachedSignature::parse(&bundle.to_json().unwrap()).unwrap();
    let error = signature.check([KEY.public()]).unwrap_err();
    assert!(matches!(error, SignatureError::NoHint), "{error}");
    // Without a hint, every key is tried.
    let signature = DetachedSignature::parse(&bundle.to_json().unwrap()).unwrap();
    let authentic = signature.check([KEY.public(), OTHER.public()]).unwrap();
    assert_eq!(authentic.signer(), OTHER.public().fingerprint());
    bundle.signature = b"garbage".to_vec();
    let signature = DetachedSignature::parse(&bundle.to_json().unwrap()).unwrap();
    assert!(signature.check([KEY.public()]).is_err());
}

#[test]
fn a_statement_of_anything_else_is_refused_though_it_is_signed() {
    let (_place, folder) = folder(&[("a", b"1"), ("b", b"2")]);
    let contents = Contents::of(Target::Folder(&folder), &mut |_| {}).unwrap();
    let statement = Statement {
        name: contents.name,
        files: contents.files,
        ignored: Vec::new(),
    };
    let json = String::from_utf8(statement.to_json().unwrap()).unwrap();
    let target = Target::Folder(&folder);
    holds(&of_statement(&json), target).unwrap();
    let check = |old: &str, new: &str, expected: &str| {
        let changed = json.replacen(old, new, 1);
        assert_ne!(changed, json, "{old}");
        refused(&of_statement(&changed), target, expected);
    };
    check(
        "https://model_signing/signature/v1.0",
        "https://model_signing/Digests/v0.1",
        "the statement that is signed is a \"https://model_signing/Digests/v0.1\", not of files",
    );
    check(
        "in-toto.io/Statement/v1",
        "in-toto.io/Statement/v2",
        "what is signed is of type \"https://in-toto.io/Statement/v2\", not an in-toto statement",
    );
    check(
        "\"hash_type\":\"sha256\"",
        "\"hash_type\":\"blake3\"",
        "files are signed by digests of kind \"blake3\", and only SHA-256 is supported",
    );
    check(
        "\"algorithm\":\"sha256\"",
        "\"algorithm\":\"sha1\"",
        "files are signed by digests of kind \"sha1\", and only SHA-256 is supported",
    );
    check(
        "\"method\":\"files\"",
        "\"method\":\"shards\"",
        "files are signed by \"shards\", and only whole files are supported",
    );
    check(
        "\"name\":\"b\"",
        "\"name\":\"a\"",
        "the signature is of two files \"a\"",
    );
    check(
        "\"name\":\"b\"",
        "\"name\":\"../b\"",
        "the signature is of a file \"../b\": its name leads out of a folder",
    );
    check(
        "\"name\":\"b\"",
        "\"name\":\".\"",
        "`predicate.resources` in the signature are not those of a file or a folder",
    );
    let contradiction =
        "the signature contradicts itself: its digest of all files is not that of its files";
    check("\"digest\":\"6b", "\"digest\":\"6c", contradiction);
    check(
        "\"sha256\":\"",
        "\"sha256\":\"A",
        "`subject[0].digest.sha256` in the signature is no SHA-256 digest",
    );
    check(
        "\"predicate\":",
        "\"predicate\":1,\"predicate\":",
        "what is signed is not the JSON that it should be: \"predicate\" is given twice at line 1 column 239",
    );
    check(
        "\"subject\":[",
        "\"subject\":[1,",
        "`subject` in the signature is not a list of one",
    );
    // What is not known is signed, and so may be there.
    let more = json.replacen("\"_type\"", "\"more\":[{}],\"_type\"", 1);
    holds(&of_statement(&more), target).unwrap();
}

#[test]
fn an_envelope_of_anything_else_is_refused() {
    let (_place, folder) = folder(&[("a", b"1")]);
    let json = String::from_utf8(signed(&folder)).unwrap();
    let target = Target::Folder(&folder);
    let check = |old: &str, new: &str, expected: &str| {
        let changed = json.replacen(old, new, 1);
        assert_ne!(changed, json, "{old}");
        refused(changed.as_bytes(), target, expected);
    };
    check(
        "bundle.v0.3+json",
        "bundle.v0.4+json",
        "the signature is of type \"application/vnd.dev.sigstore.bundle.v0.4+json\", and only version 0.3 \
         of Sigstore bundles is supported",
    );
    check(
        "\"publicKey\":",
        "\"certificate\":",
        "the signature is made with a certificate, and only plain keys are supported",
    );
    check(
        "\"hint\":",
        "\"hind\":",
        "`verificationMaterial.publicKey.hind` in the signature is not known",
    );
    check(
        "\"tlogEntries\":[]",
        "\"tlogEntries\":[{}]",
        "`verificationMaterial.tlogEntries` in the signature are of a log that is not supported",
    );
    check(
        "vnd.in-toto+json",
        "vnd.in-toto+xml",
        "what is signed is of type \"application/vnd.in-toto+xml\", not an in-toto statement",
    );
    check(
        "\"keyid\":\"\"",
        "\"keyid\":\"k\"",
        "`dsseEnvelope.signatures[0].keyid` in the signature names a key in a way that is not supported",
    );
    check(
        "\"signatures\":[",
        "\"signatures\":[{},",
        "`dsseEnvelope.signatures` in the signature is not a list of one",
    );
    check(
        "\"sig\":\"",
        "\"sig\":\" ",
        "`dsseEnvelope.signatures[0].sig` in the signature is no base64",
    );
    check(
        "\"payload\":",
        "\"load\":",
        "`dsseEnvelope.load` in the signature is not known",
    );
    check(
        "{\"mediaType\"",
        "{\"more\":1,\"mediaType\"",
        "`more` in the signature is not known",
    );
    let huge = vec![b' '; (32 << 20) + 1];
    refused(&huge, target, "the signature has more than 33554432 bytes");
    let garbage = b"-----BEGIN PGP SIGNATURE-----";
    let expected =
        "the signature is not the JSON that it should be: invalid number at line 1 column 2";
    refused(garbage, target, expected);
}

/// Ours have no blanks, no member that does not matter, and no second spelling of anything.
#[test]
fn every_flipped_bit_of_a_signature_of_ours_is_refused() {
    let (_place, folder) = folder(&[("a", b"1")]);
    let signature = signed(&folder);
    let target = Target::Folder(&folder);
    holds(&signature, target).unwrap();
    for at in 0..signature.len() {
        for bit in 0..8 {
            let mut flipped = signature.clone();
            flipped[at] ^= 1 << bit;
            assert!(holds(&flipped, target).is_err(), "bit {bit} of byte {at}");
        }
    }
}

#[test]
fn a_signature_is_written_whole_or_not_at_all() {
    let (place, folder) = folder(&[("a", b"1")]);
    let path = place.path().join("model.sig");
    write(&path, b"before").unwrap();
    let signature = signed(&folder);
    write(&path, &signature).unwrap();
    assert_eq!(fs::read(&path).unwrap(), signature);
    let names = fs::read_dir(place.path()).unwrap();
    assert_eq!(names.count(), 2, "nothing else is left");
    assert!(write(&place.path().join("none/model.sig"), &signature).is_err());
    assert!(write(&folder, &signature).is_err());
}

#[test]
fn a_package_without_a_signature_is_unsigned() {
    let (place, folder) = folder(&[("a", b"1")]);
    let keys = [KEY.public().clone()];
    let missing = place.path().join("model.sig");
    let error = verify(Target::Folder(&folder), &missing, &keys, &mut |_| {}).unwrap_err();
    assert!(matches!(error, SignatureError::Unsigned { .. }), "{error}");
    assert!(error.is_integrity());
    let error = verify(Target::Folder(&folder), &folder, &keys, &mut |_| {}).unwrap_err();
    assert!(matches!(error, SignatureError::File(_)), "{error}");
    assert!(!error.is_integrity());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever is in a folder, it is verified as it was signed, and no byte of it can change unseen.
    #[test]
    fn no_byte_of_a_signed_folder_changes_unseen(
        files in prop::collection::btree_map("[a-c]{1,2}(/[d-f]{1,2})?x", prop::collection::vec(any::<u8>(), 1..40), 1..6),
        which in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        bit in 0..8_u32,
    ) {
        let files: Vec<(&str, &[u8])> = files.iter().map(|(name, content)| (name.as_str(), &content[..])).collect();
        let (_place, folder) = folder(&files);
        let signature = signed(&folder);
        prop_assert!(holds(&signature, Target::Folder(&folder)).is_ok());
        let (name, content) = files[which.index(files.len())];
        let mut content = content.to_vec();
        let at = at.index(content.len());
        content[at] ^= 1 << bit;
        put(&folder, name, &content);
        match holds(&signature, Target::Folder(&folder)) {
            Err(SignatureError::Differs(differences)) => prop_assert_eq!(differences.changed, [name]),
            other => prop_assert!(false, "{:?}", other),
        }
    }

    /// Any bytes at all are refused without a panic.
    #[test]
    fn garbage_is_no_signature(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(DetachedSignature::parse(&bytes).is_err());
    }
}
