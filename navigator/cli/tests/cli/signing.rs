//! `nav keygen`, `nav sign` and `nav verify --key`, `--trust-policy`: what a user types, and what goes wrong.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use nav_package_format::Digest;
use nav_package_format::archive::ArchiveWriter;
use nav_package_format::trust::BuiltHere;

use crate::nav::{Place, listing};

fn data(name: &str) -> PathBuf {
    let data = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../package-format/tests/data");
    data.join(name)
}

/// A place with a package and two pairs of keys, `ours` and `theirs`.
fn place() -> Place {
    let place = Place::new();
    let package = std::fs::read(data("model_navigator/nobatch_add.nav")).unwrap();
    place.write("model.nav", &package);
    for name in ["ours", "theirs"] {
        place
            .nav(&["keygen", "--out", name])
            .expect(0, &["next: `nav sign"]);
    }
    place
}

fn signed() -> Place {
    let place = place();
    place
        .nav(&["sign", "model.nav", "--key", "ours.pem"])
        .expect(0, &["model.nav.sig is the signature of model.nav"]);
    place
}

#[test]
fn keys_are_made_once_and_kept_to_oneself() {
    let place = Place::new();
    let ended = place.nav(&["keygen", "--out", "release.v1"]).expect(
        0,
        &[
            "release.v1.pem is the private key",
            "release.v1.pub is the public key",
        ],
    );
    assert_eq!(ended.stdout.trim().len(), 64, "the fingerprint is data");
    let private = std::fs::read_to_string(place.path("release.v1.pem")).unwrap();
    let secret = private.lines().nth(1).unwrap();
    assert!(!ended.stdout.contains(secret) && !ended.stderr.contains(secret));
    let mode = |name: &str| {
        let found = std::fs::metadata(place.path(name)).unwrap();
        found.permissions().mode() & 0o777
    };
    assert_eq!(mode("release.v1.pem"), 0o600);
    place.nav(&["keygen", "--out", "release.v1"]).expect(
        2,
        &["release.v1.pem exists, and keys are never overwritten"],
    );
    let after = std::fs::read_to_string(place.path("release.v1.pem")).unwrap();
    assert_eq!(after, private);
    place
        .nav(&["keygen", "--out", "none/key"])
        .expect(1, &["none/key.pem"]);
}

#[test]
fn a_signed_package_is_verified_and_its_signer_told() {
    let place = signed();
    let verified = place
        .nav(&["verify", "model.nav", "--key", "ours.pub", "--json"])
        .expect(0, &["signed by key"])
        .json();
    let signer = verified["signed_by"].as_str().unwrap();
    assert_eq!(signer.len(), 64);
    assert_eq!(verified["files"].as_array().unwrap().len(), 19);
    assert_eq!(verified["uncovered"].as_array().unwrap().len(), 0);
    assert!(verified["models"].is_null());
    let before = std::fs::read(place.path("model.nav.sig")).unwrap();
    place
        .nav(&["sign", "model.nav", "--key", "ours.pem"])
        .expect(0, &[]);
    let after = std::fs::read(place.path("model.nav.sig")).unwrap();
    assert_eq!(before, after, "signing again changes nothing");
    // Without a key, nothing is said of the signer.
    let unchecked = place.nav(&["verify", "model.nav", "--json"]);
    let unchecked = unchecked.expect(0, &["model.nav.sig was not checked"]);
    assert!(unchecked.json()["signed_by"].is_null());
}

#[test]
fn what_is_wrong_with_a_signature_is_named() {
    let place = signed();
    let verify = ["verify", "model.nav", "--key", "ours.pub"];
    place
        .nav(&["verify", "model.nav", "--key", "theirs.pub"])
        .expect(4, &["the signature is by another key"]);
    place
        .nav(&["verify", "model.nav", "--key", "ours.pem"])
        .expect(4, &["it is a private key"]);
    let signature = std::fs::read_to_string(place.path("model.nav.sig")).unwrap();
    let check = |changed: String, expected: &str| {
        assert_ne!(changed, signature);
        place.write("model.nav.sig", changed.as_bytes());
        place.nav(&verify).expect(4, &[expected]);
    };
    let (_, payload) = signature.split_once("\"payload\":\"").unwrap();
    let (payload, _) = payload.split_once('"').unwrap();
    let changed = signature.replace(payload, &payload.replacen('a', "b", 1));
    check(changed, "was altered");
    check(signature.replace("v0.3", "v0.4"), "bundle.v0.4+json");
    check(
        signature.replace("\"hint\"", "\"hint\":\"\",\"hint\""),
        "\"hint\" is given twice",
    );
    check(format!("{signature}x"), "trailing characters");
    check(String::new(), "is not the JSON that it should be");
    std::fs::remove_file(place.path("model.nav.sig")).unwrap();
    place
        .nav(&verify)
        .expect(4, &["there is no signature", "hint: name the signature"]);
    place.write("elsewhere.sig", signature.as_bytes());
    place
        .nav(&[&verify[..], &["--signature", "elsewhere.sig"]].concat())
        .expect(0, &[]);
}

#[test]
fn a_package_that_was_changed_after_it_was_signed_is_refused() {
    let place = signed();
    let other = std::fs::read(data("model_navigator/out_order.nav")).unwrap();
    place.write("model.nav", &other);
    // It is a whole package, and still not the one that was signed.
    place.nav(&["verify", "model.nav"]).expect(0, &[]);
    place
        .nav(&["verify", "model.nav", "--key", "ours.pub"])
        .expect(4, &["changed: \"model.nav\""]);
}

#[test]
fn what_is_broken_or_no_package_is_not_signed() {
    let place = place();
    let mut broken = std::fs::read(place.path("model.nav")).unwrap();
    let at = broken.len() / 2;
    broken[at] ^= 1;
    place.write("broken.nav", &broken);
    place.write("text.nav", b"no archive");
    ArchiveWriter::create(&place.path("other.zip"))
        .unwrap()
        .finish()
        .unwrap();
    for name in ["broken.nav", "text.nav", "other.zip"] {
        place
            .nav(&["sign", name, "--key", "ours.pem"])
            .expect(4, &[]);
    }
    place
        .nav(&["sign", "none.nav", "--key", "ours.pem"])
        .expect(1, &["does not exist"]);
    let keys = [
        ("ours.pub", "it is a public key"),
        ("model.nav", "there is no key in PEM form"),
    ];
    for (key, expected) in keys {
        place
            .nav(&["sign", "model.nav", "--key", key])
            .expect(4, &[expected]);
    }
    let listed = listing(place.path("ours.pem").parent().unwrap());
    assert!(
        !listed.iter().any(|name| name.contains(".sig")),
        "{listed:?}"
    );
}

#[test]
fn keys_of_other_kinds_are_called_by_their_name() {
    let place = place();
    let check = |name: &str, expected: &str| {
        let key = data(&format!("signing/keys/{name}"));
        let key = key.to_str().unwrap();
        place
            .nav(&["sign", "model.nav", "--key", key])
            .expect(4, &[expected]);
    };
    check("rsa.pem", "of kind RSA");
    check("p384.pem", "on the curve P-384");
    check("encrypted.pem", "is encrypted");
}

#[test]
fn only_a_signature_is_written_over() {
    let place = place();
    let private = std::fs::read(place.path("ours.pem")).unwrap();
    for output in ["ours.pem", "model.nav"] {
        place
            .nav(&["sign", "model.nav", "--key", "ours.pem", "-o", output])
            .expect(2, &["is no signature, so it is not overwritten"]);
    }
    assert_eq!(std::fs::read(place.path("ours.pem")).unwrap(), private);
    place
        .nav(&["sign", "model.nav", "--key", "theirs.pem"])
        .expect(0, &[]);
    place
        .nav(&["sign", "model.nav", "--key", "ours.pem"])
        .expect(0, &[]);
    place
        .nav(&["verify", "model.nav", "--key", "ours.pub"])
        .expect(0, &[]);
}

#[test]
fn a_key_that_others_may_read_is_pointed_out() {
    let place = place();
    let mode = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(place.path("ours.pem"), mode).unwrap();
    place
        .nav(&["sign", "model.nav", "--key", "ours.pem"])
        .expect(0, &["can be read by others"]);
}

#[test]
fn an_unpacked_package_is_signed_file_by_file() {
    let place = place();
    place.nav(&["unpack", "model.nav", "model"]).expect(0, &[]);
    place
        .nav(&["sign", "model/", "--key", "ours.pem", "-o", "model/own.sig"])
        .expect(2, &["is in the folder that is signed"]);
    place
        .nav(&["sign", "model/", "--key", "ours.pem"])
        .expect(0, &["model.sig"]);
    let verify = ["verify", "model", "--key", "ours.pub"];
    place.nav(&verify).expect(0, &["19 files are whole"]);
    place.nav(&["verify", "model"]).expect(2, &["give --key"]);
    let graph = place.path("model/onnx/model.onnx");
    let bytes = std::fs::read(&graph).unwrap();
    std::fs::write(&graph, b"other").unwrap();
    place
        .nav(&verify)
        .expect(4, &["changed: \"onnx/model.onnx\""]);
    std::fs::remove_file(&graph).unwrap();
    place
        .nav(&verify)
        .expect(4, &["missing: \"onnx/model.onnx\""]);
    std::fs::write(&graph, &bytes).unwrap();
    place.write("model/extra.txt", b"");
    place.nav(&verify).expect(4, &["not signed: \"extra.txt\""]);
    std::fs::remove_file(place.path("model/extra.txt")).unwrap();
    symlink("status.yaml", place.path("model/link")).unwrap();
    for command in [&verify[..], &["sign", "model", "--key", "ours.pem"]] {
        place
            .nav(command)
            .expect(4, &["\"link\" in model is a link"]);
    }
    // The signature of the folder is not one of the file, and the other way round.
    place
        .nav(&[
            "verify",
            "model.nav",
            "--key",
            "ours.pub",
            "--signature",
            "model.sig",
        ])
        .expect(4, &["the signature is of a folder, and this is a file"]);
}

#[test]
fn a_policy_that_asks_for_signatures_admits_nothing_else() {
    let place = signed();
    let policy = b"require_signature = true\ntrusted_keys = [\"ours.pub\"]\n";
    place.write("policy.toml", policy);
    let verify = ["verify", "model.nav", "--trust-policy", "policy.toml"];
    let report = place
        .nav(&[&verify[..], &["--json"]].concat())
        .expect(0, &["may be loaded here"]);
    let models = report.json()["models"].clone();
    assert_eq!(models[0]["name"], "onnx/model.onnx");
    assert_eq!(models[0]["trust"], "data-only");
    place
        .nav(&["sign", "model.nav", "--key", "theirs.pem"])
        .expect(0, &[]);
    place.nav(&verify).expect(
        4,
        &[
            "may not be loaded here",
            "no trusted key made the signature",
        ],
    );
    // Flags win over the file.
    place
        .nav(&[&verify[..], &["--trusted-key", "theirs.pub"]].concat())
        .expect(0, &[]);
    std::fs::remove_file(place.path("model.nav.sig")).unwrap();
    place
        .nav(&verify)
        .expect(4, &["may not be loaded here", "there is no signature"]);
    let mut command = place.command(&["verify", "model.nav"]);
    let ended = command
        .env("NAV_TRUST_POLICY", "policy.toml")
        .output()
        .unwrap();
    assert_eq!(ended.status.code(), Some(4), "the environment is heard");
}

#[test]
fn a_key_past_its_last_day_is_not_trusted() {
    let place = signed();
    let check = |day: &str, code: i32, said: &[&str]| {
        let policy = format!(
            "require_signature = true\n[[trusted_keys]]\nkey = \"ours.pub\"\nnot_after = \"{day}\"\n"
        );
        place.write("policy.toml", policy.as_bytes());
        place
            .nav(&["verify", "model.nav", "--trust-policy", "policy.toml"])
            .expect(code, said);
    };
    check("9999-12-31", 0, &[]);
    check("2020-01-01", 4, &["which was trusted until 2020-01-01"]);
}

#[test]
fn native_code_is_admitted_only_if_built_here_or_signed() {
    let place = place();
    place.write("model/code.pt", b"native");
    place.write("model/notes.txt", b"data");
    place.write("policy.toml", b"trusted_keys = [\"ours.pub\"]\n");
    let verify = ["verify", "model", "--trust-policy", "policy.toml"];
    place.nav(&verify).expect(
        4,
        &[
            "model/code.pt may not be loaded here",
            "not built on this machine",
        ],
    );
    // Built here means: all that lies beside it, too.
    std::fs::create_dir_all(place.cache()).unwrap();
    let record = BuiltHere::open(&place.cache().join("built")).unwrap();
    record.record(&Digest::of(b"native")).unwrap();
    place.nav(&verify).expect(4, &["not built on this machine"]);
    record.record(&Digest::of(b"data")).unwrap();
    place
        .nav(&verify)
        .expect(0, &["\"code.pt\" (native code) may be loaded here"]);
    place
        .nav(&[&verify[..], &["--allow-native-code", "signed"]].concat())
        .expect(4, &["only with a signature"]);
    place
        .nav(&["sign", "model", "--key", "ours.pem"])
        .expect(0, &[]);
    place
        .nav(&[&verify[..], &["--allow-native-code", "signed"]].concat())
        .expect(0, &[]);
    place
        .nav(&[&verify[..], &["--allow-native-code", "never"]].concat())
        .expect(4, &["forbids"]);
    // What was altered is refused, whoever built it.
    place.write("model/notes.txt", b"other");
    place
        .nav(&[&verify[..], &["--allow-native-code", "always"]].concat())
        .expect(4, &["its signature must hold", "changed: \"notes.txt\""]);
}

#[test]
fn a_wrong_policy_is_told_by_line() {
    let place = signed();
    let verify = ["verify", "model.nav", "--trust-policy", "policy.toml"];
    place
        .nav(&verify)
        .expect(1, &["policy.toml does not exist"]);
    place.write("policy.toml", b"\nrequire_signatures = true\n");
    place
        .nav(&verify)
        .expect(4, &["line 2 of policy.toml", "`require_signatures`"]);
    place
        .nav(&["verify", "model.nav", "--require-signature"])
        .expect(2, &["trusts no key"]);
    place
        .nav(&["verify", "model.nav", "--allow-native-code", "maybe"])
        .expect(2, &["`maybe` is none of"]);
}

#[test]
fn packages_of_our_own_are_signed_and_asked_for_by_model() {
    let place = place();
    let package = std::fs::read(data("packages/v1.0.nav")).unwrap();
    place.write("own.nav", &package);
    place
        .nav(&["verify", "own.nav"])
        .expect(0, &["the package is not signed"]);
    place
        .nav(&["sign", "own.nav", "--key", "ours.pem"])
        .expect(0, &[]);
    let verify = [
        "verify",
        "own.nav",
        "--key",
        "ours.pub",
        "--trusted-key",
        "ours.pub",
        "--require-signature",
        "--json",
    ];
    let report = place.nav(&verify).expect(0, &[]).json();
    assert!(!report["models"].as_array().unwrap().is_empty());
    // One flipped bit anywhere is found by the signature, before anything of it is read.
    for at in (0..package.len()).step_by(997) {
        let mut flipped = package.clone();
        flipped[at] ^= 1;
        place.write("own.nav", &flipped);
        place.nav(&verify).expect(4, &["changed: \"own.nav\""]);
    }
}
