//! Which kind of key is in a document, so that the wrong kind is called by its name.

use p256::pkcs8::ObjectIdentifier;
use p256::pkcs8::der::asn1::AnyRef;
use p256::pkcs8::spki::AlgorithmIdentifier;

use super::error::KeyFault;

const ELLIPTIC: &str = "1.2.840.10045.2.1";
const P256: &str = "1.2.840.10045.3.1.7";

/// Other kinds of key that people have.
const ALGORITHMS: &[(&str, &str)] = &[
    ("1.2.840.113549.1.1.1", "RSA"),
    ("1.2.840.113549.1.1.10", "RSA-PSS"),
    ("1.2.840.10040.4.1", "DSA"),
    ("1.3.101.110", "X25519"),
    ("1.3.101.112", "Ed25519"),
    ("1.3.101.113", "Ed448"),
];

/// Other curves that people have.
const CURVES: &[(&str, &str)] = &[
    ("1.3.132.0.10", "secp256k1"),
    ("1.3.132.0.33", "P-224"),
    ("1.3.132.0.34", "P-384"),
    ("1.3.132.0.35", "P-521"),
    ("1.3.36.3.3.2.8.1.1.7", "brainpoolP256r1"),
];

/// Checks that a key is on P-256, going by what is said of it.
pub(super) fn check(algorithm: &AlgorithmIdentifier<AnyRef<'_>>) -> Result<(), KeyFault> {
    let found = algorithm.oid.to_string();
    if found != ELLIPTIC {
        let found = name(ALGORITHMS, found);
        return Err(KeyFault::Algorithm { found });
    }
    // A curve that is spelled out instead of named is refused like one that is not known.
    let curve = algorithm.parameters_oid().map_err(|_| KeyFault::Curve {
        found: "without a name".to_owned(),
    })?;
    let number = curve.to_string();
    if number != P256 {
        let found = name(CURVES, number);
        return Err(KeyFault::Curve { found });
    }
    Ok(())
}

/// Why a document of the older kind holds no key of ours: another curve is named somewhere in it, or it is
/// damaged.
pub(super) fn fault_of_sec1(document: &[u8]) -> KeyFault {
    let is_named = |number: &str| {
        let Ok(number) = ObjectIdentifier::new(number) else {
            return false;
        };
        let number = number.as_bytes();
        let mut places = document.windows(number.len());
        places.any(|place| place == number)
    };
    let curve = CURVES.iter().find(|(number, _)| is_named(number));
    curve.map_or(KeyFault::Damaged, |(_, name)| KeyFault::Curve {
        found: (*name).to_owned(),
    })
}

fn name(known: &[(&str, &str)], number: String) -> String {
    let found = known.iter().find(|(known, _)| *known == number);
    found.map_or(number, |(_, name)| (*name).to_owned())
}
