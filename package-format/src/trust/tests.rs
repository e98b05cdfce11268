//! Every rule against every kind of signature, and policies as people write them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use tempfile::TempDir;

use super::*;
use crate::TrustClass;
use crate::signing::{Contents, PrivateKey, Target, open_target, sign, write};

static KEY: LazyLock<PrivateKey> = LazyLock::new(|| PrivateKey::generate().unwrap());
static OTHER: LazyLock<PrivateKey> = LazyLock::new(|| PrivateKey::generate().unwrap());

fn date(text: &str) -> Date {
    text.parse().unwrap()
}

fn trusted(not_after: Option<&str>) -> TrustedKey {
    TrustedKey {
        key: KEY.public().clone(),
        not_after: not_after.map(date),
    }
}

fn policy(require: bool, keys: Vec<TrustedKey>, allow: AllowNativeCode) -> TrustPolicy {
    let overrides = Overrides {
        require_signature: Some(require),
        trusted_keys: keys,
        allow_native_code: Some(allow),
    };
    TrustPolicy::default().with(overrides).unwrap()
}

/// A package in a place of its own, and where its signature would be.
struct Package {
    _place: TempDir,
    path: PathBuf,
    signature: PathBuf,
}

impl Package {
    fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("model.nav");
        fs::write(&path, b"content").unwrap();
        Self {
            signature: place.path().join("model.nav.sig"),
            path,
            _place: place,
        }
    }

    fn signed_by(key: &PrivateKey) -> Self {
        let package = Self::new();
        let file = open_target(&package.path).unwrap().unwrap();
        let target = Target::File(&file, &package.path);
        let contents = Contents::of(target, &mut |_| {}).unwrap();
        write(&package.signature, &sign(&contents, key).unwrap()).unwrap();
        package
    }

    fn altered() -> Self {
        let package = Self::signed_by(&KEY);
        fs::write(&package.path, b"c0ntent").unwrap();
        package
    }

    fn state(&self, policy: &TrustPolicy) -> SignatureState {
        let file = open_target(&self.path).unwrap().unwrap();
        let target = Target::File(&file, &self.path);
        SignatureState::of(policy, target, &self.signature, &mut |_| {})
    }

    fn ask(&self, policy: &TrustPolicy, trust_class: TrustClass, built_here: bool) -> String {
        let question = Question {
            path: Path::new("model.nav"),
            trust_class,
            built_here,
            today: date("2026-11-21"),
        };
        match policy.admit(&question, &self.state(policy)) {
            Ok(()) => "yes".to_owned(),
            Err(refusal) => format!("{:?}", refusal.rule),
        }
    }
}

#[test]
fn what_is_data_only_needs_no_signature_unless_the_policy_asks_for_one() {
    let loose = policy(false, vec![trusted(None)], AllowNativeCode::default());
    let strict = policy(true, vec![trusted(None)], AllowNativeCode::default());
    let check = |package: &Package, loosely: &str, strictly: &str| {
        let data = TrustClass::DataOnly;
        assert_eq!(package.ask(&loose, data, false), loosely);
        assert_eq!(package.ask(&strict, data, false), strictly);
        // To have built it is no signature.
        assert_eq!(package.ask(&strict, data, true), strictly);
    };
    check(&Package::signed_by(&KEY), "yes", "yes");
    check(&Package::new(), "yes", "Signed");
    check(&Package::signed_by(&OTHER), "yes", "Signed");
    check(&Package::altered(), "Whole", "Whole");
    let unsigned = Package::new();
    let nobody = TrustPolicy::default();
    assert_eq!(unsigned.ask(&nobody, TrustClass::DataOnly, false), "yes");
}

#[test]
fn native_code_is_loaded_only_if_built_here_or_signed() {
    let check = |allow: AllowNativeCode, package: &Package, built: bool, expected: &str| {
        let policy = policy(false, vec![trusted(None)], allow);
        let found = package.ask(&policy, TrustClass::NativeCode, built);
        assert_eq!(found, expected, "{allow}, built here: {built}");
    };
    let (signed, unsigned) = (Package::signed_by(&KEY), Package::new());
    let (other, altered) = (Package::signed_by(&OTHER), Package::altered());
    let either = AllowNativeCode::LocallyBuiltOrSigned;
    check(either, &signed, false, "yes");
    check(either, &unsigned, true, "yes");
    check(either, &other, true, "yes");
    check(either, &unsigned, false, "NativeCodeBuiltOrSigned");
    check(either, &other, false, "NativeCodeBuiltOrSigned");
    check(either, &altered, true, "Whole");
    let must = AllowNativeCode::Signed;
    check(must, &signed, false, "yes");
    check(must, &unsigned, true, "NativeCodeSigned");
    check(must, &other, false, "NativeCodeSigned");
    check(AllowNativeCode::Never, &signed, true, "NoNativeCode");
    check(AllowNativeCode::Always, &unsigned, false, "yes");
    check(AllowNativeCode::Always, &altered, false, "Whole");
    let nobody = TrustPolicy::default();
    let found = unsigned.ask(&nobody, TrustClass::NativeCode, false);
    assert_eq!(found, "NativeCodeBuiltOrSigned");
    assert_eq!(unsigned.ask(&nobody, TrustClass::NativeCode, true), "yes");
}

#[test]
fn a_package_without_its_signature_is_refused_where_one_is_asked_for() {
    let policy = policy(true, vec![trusted(None)], AllowNativeCode::Always);
    let package = Package::signed_by(&KEY);
    assert_eq!(package.ask(&policy, TrustClass::NativeCode, true), "yes");
    fs::remove_file(&package.signature).unwrap();
    for class in [TrustClass::DataOnly, TrustClass::NativeCode] {
        assert_eq!(package.ask(&policy, class, true), "Signed");
    }
    // A signature of a kind that came later is none, and so is something else of that name.
    let later = Package::signed_by(&KEY);
    let text = fs::read_to_string(&later.signature).unwrap();
    fs::write(&later.signature, text.replace("v0.3", "v0.4")).unwrap();
    assert_eq!(later.ask(&policy, TrustClass::DataOnly, true), "Whole");
}

#[test]
fn a_key_is_trusted_up_to_its_last_day() {
    let package = Package::signed_by(&KEY);
    let check = |not_after: &[Option<&str>], expected: &str| {
        let keys = not_after.iter().map(|day| trusted(*day)).collect();
        let policy = policy(true, keys, AllowNativeCode::default());
        let found = package.ask(&policy, TrustClass::DataOnly, false);
        assert_eq!(found, expected, "{not_after:?}");
    };
    check(&[Some("2026-11-22")], "yes");
    check(&[Some("2026-11-21")], "yes");
    check(&[Some("2026-11-20")], "Signed");
    check(&[Some("2026-11-20"), Some("2027-01-01")], "yes");
    check(&[Some("2026-11-20"), None], "yes");
    check(&[Some("2026-11-20"), Some("2026-01-01")], "Signed");
    let policy = policy(
        true,
        vec![trusted(Some("2026-01-01"))],
        AllowNativeCode::Always,
    );
    let question = Question {
        path: &package.path,
        trust_class: TrustClass::NativeCode,
        built_here: true,
        today: date("2026-01-02"),
    };
    let refusal = policy.admit(&question, &package.state(&policy));
    let doubt = refusal.unwrap_err().doubt.unwrap();
    let signer = KEY.public().fingerprint();
    assert_eq!(
        doubt.to_string(),
        format!("it is signed by {signer}, which was trusted until 2026-01-01")
    );
}

#[test]
fn a_signature_that_holds_counts_only_under_a_policy_that_trusts_its_key() {
    let package = Package::signed_by(&OTHER);
    let theirs = TrustedKey {
        key: OTHER.public().clone(),
        not_after: None,
    };
    let state = package.state(&policy(true, vec![theirs], AllowNativeCode::Always));
    assert!(matches!(state, SignatureState::Verified(_)), "{state:?}");
    let ours = policy(true, vec![trusted(None)], AllowNativeCode::Always);
    let question = Question {
        path: &package.path,
        trust_class: TrustClass::DataOnly,
        built_here: true,
        today: date("2026-11-21"),
    };
    let doubt = ours.admit(&question, &state).unwrap_err().doubt;
    assert!(matches!(doubt, Some(Doubt::Untrusted { .. })), "{doubt:?}");
}

#[test]
fn files_that_the_signer_left_out_keep_a_signature_from_counting() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/signing");
    let key = crate::signing::PublicKey::read(&data.join("key.pub")).unwrap();
    let keys = vec![TrustedKey {
        key,
        not_after: None,
    }];
    let policy = policy(true, keys, AllowNativeCode::default());
    let folder = data.join("folder");
    let check = |signature: &str, expected: Option<&str>| {
        let signature = data.join("by_model_signing").join(signature);
        let state = SignatureState::of(&policy, Target::Folder(&folder), &signature, &mut |_| {});
        let question = Question {
            path: &folder,
            trust_class: TrustClass::DataOnly,
            built_here: false,
            today: date("2026-11-21"),
        };
        let refusal = policy.admit(&question, &state).err();
        let doubt = refusal.and_then(|refusal| refusal.doubt);
        assert_eq!(doubt.map(|doubt| doubt.to_string()).as_deref(), expected);
    };
    check("folder.sig", None);
    check(
        "ignoring.sig",
        Some("the signature leaves out files: 2, \"a b.txt\" among them"),
    );
    check("blake3.sig", Some("the signature does not hold"));
}

/// Writes a policy, with the public key beside it.
fn written(text: &str) -> Result<TrustPolicy, PolicyError> {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("release.pub"), KEY.public().pem()).unwrap();
    fs::write(place.path().join("notes.txt"), "no key").unwrap();
    let path = place.path().join("policy.toml");
    fs::write(&path, text).unwrap();
    TrustPolicy::read(&path)
}

#[test]
fn a_policy_is_read_with_keys_by_path_and_in_it() {
    let pem = OTHER.public().pem();
    let text = format!(
        "require_signature = true\nallow_native_code = \"signed\"\n\
         trusted_keys = [\"release.pub\", '''\n{pem}''', {{ key = \"release.pub\", not_after = \"2027-01-01\" }}]\n"
    );
    let found = written(&text).unwrap();
    let other = TrustedKey {
        key: OTHER.public().clone(),
        not_after: None,
    };
    let expected = vec![trusted(None), other, trusted(Some("2027-01-01"))];
    assert_eq!(found, policy(true, expected, AllowNativeCode::Signed));
    let tables = "[[trusted_keys]]\nkey = \"release.pub\"\nnot_after = \"2027-01-01\"\n";
    let expected = vec![trusted(Some("2027-01-01"))];
    let found = written(tables).unwrap();
    assert_eq!(found, policy(false, expected, AllowNativeCode::default()));
    assert_eq!(written("").unwrap(), TrustPolicy::default());
}

#[test]
fn what_is_wrong_with_a_policy_is_named_with_its_line() {
    let check = |text: &str, line: usize, expected: &str| match written(text) {
        Err(PolicyError::Syntax {
            line: found, what, ..
        }) => {
            assert_eq!(found, line, "{what}");
            assert!(what.contains(expected), "{what}");
        }
        other => panic!("{other:?}"),
    };
    check("\nrequire_signatures = true", 2, "`require_signatures`");
    check("require_signature = 1", 1, "expected a boolean");
    check("a = [\n", 1, "");
    check("\n\nallow_native_code = \"maybe\"", 3, "maybe");
    check("trusted_keys = \"release.pub\"", 1, "expected a sequence");
    check(
        "trusted_keys = [\n \"a\",\n 1]",
        3,
        "a key's path or PEM text",
    );
    let table = "[[trusted_keys]]\nkey = \"release.pub\"\n";
    check(&format!("{table}until = \"2027-01-01\""), 3, "`until`");
    check(
        &format!("{table}not_after = \"2027-02-30\""),
        3,
        "`2027-02-30`",
    );
    check("[[trusted_keys]]\nnot_after = \"2027-01-01\"", 1, "`key`");
    check(
        "require_signature = true\nrequire_signature = false",
        2,
        "duplicate key",
    );
}

#[test]
fn keys_that_cannot_be_used_are_named() {
    let error = written("trusted_keys = [\"none.pub\"]").unwrap_err();
    assert!(matches!(error, PolicyError::Key { .. }), "{error}");
    assert!(!error.is_integrity());
    let error = written("trusted_keys = [\"notes.txt\"]").unwrap_err();
    assert!(matches!(error, PolicyError::Key { .. }), "{error}");
    assert!(error.is_integrity());
    let error = written("trusted_keys = [\"release.pub\", \"-----BEGIN x\"]").unwrap_err();
    let number = match error {
        PolicyError::InlineKey { number, .. } => number,
        other => panic!("{other:?}"),
    };
    assert_eq!(number, 2);
}

#[test]
fn flags_win_over_the_file_and_a_policy_that_admits_nothing_is_refused() {
    let file = policy(
        true,
        vec![trusted(Some("2027-01-01"))],
        AllowNativeCode::Never,
    );
    assert_eq!(file.clone().with(Overrides::default()).unwrap(), file);
    let flags = Overrides {
        require_signature: Some(false),
        trusted_keys: vec![trusted(None)],
        allow_native_code: Some(AllowNativeCode::Always),
    };
    let expected = policy(false, vec![trusted(None)], AllowNativeCode::Always);
    assert_eq!(file.with(flags).unwrap(), expected);
    let nothing = Overrides {
        require_signature: Some(true),
        ..Overrides::default()
    };
    let refused = TrustPolicy::default().with(nothing);
    assert!(matches!(refused, Err(PolicyError::NoKeys)), "{refused:?}");
}

#[test]
fn when_native_code_is_allowed_has_one_spelling_everywhere() {
    for allow in AllowNativeCode::ALL {
        assert_eq!(allow.name().parse(), Ok(*allow));
        let text = format!("allow_native_code = \"{allow}\"");
        let expected = policy(false, Vec::new(), *allow);
        assert_eq!(written(&text).unwrap(), expected);
    }
    assert!("Always".parse::<AllowNativeCode>().is_err());
}
