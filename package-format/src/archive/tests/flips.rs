//! No byte of an archive of ours can change unseen.

use super::*;

/// A name of each kind of length, so that there is padding of several sizes, none included.
const FILES: &[(&str, &[u8])] = &[
    ("status.yaml", b"format_version: 0.3.2\n"),
    ("onnx/model.onnx", &[8; 70]),
    ("samples/aligned-without-any-pad", b"x"),
    ("é/empty", b""),
];

/// Everything that there is to check.
fn verify(bytes: &[u8], expected: &Expected) -> Result<(), ArchiveError> {
    let archive = open(bytes)?;
    archive.check_canonical()?;
    archive.verify_all(expected, &mut |_| {})
}

#[test]
fn a_change_of_any_byte_is_caught_and_located() {
    let (_folder, path) = place();
    let expected = write(&path, FILES);
    let bytes = fs::read(&path).unwrap();
    verify(&bytes, &expected).unwrap();
    let bits = (0..8).map(|bit| 1_u8 << bit);
    let masks: Vec<u8> = bits.chain([0xff, 0x55, 0x20 | 0x80]).collect();
    for position in 0..bytes.len() {
        for mask in &masks {
            let mut changed = bytes.clone();
            changed[position] ^= mask;
            let error = match verify(&changed, &expected) {
                Ok(()) => panic!("byte {position} may change by {mask:#x}"),
                Err(error) => error,
            };
            assert!(error.is_integrity(), "{position}: {error}");
            let located = match &error {
                ArchiveError::Entry { name, .. } => !name.is_empty(),
                other => matches!(
                    other,
                    ArchiveError::Structure { .. } | ArchiveError::TooLarge { .. }
                ),
            };
            assert!(located, "{position}: {error}");
        }
    }
}

#[test]
fn a_change_of_a_content_names_its_file() {
    let (_folder, path) = place();
    let expected = write(&path, FILES);
    let bytes = fs::read(&path).unwrap();
    let archive = open(&bytes).unwrap();
    for entry in archive.entries() {
        let range = archive.stored_range(entry.name()).unwrap();
        for position in range {
            let mut changed = bytes.clone();
            changed[usize::try_from(position).unwrap()] ^= 1;
            let error = verify(&changed, &expected).unwrap_err();
            assert_eq!(error.entry(), Some(entry.name()));
        }
    }
}

#[test]
fn what_is_added_or_missing_is_caught() {
    let (_folder, path) = place();
    let expected = write(&path, FILES);
    let archive = Archive::open(&path, &Limits::default()).unwrap();
    let check = |expected: &Expected, message: &str| {
        let error = archive.verify_all(expected, &mut |_| {}).unwrap_err();
        assert_eq!(chain(&error), format!("entry {message}"));
    };
    let mut fewer = expected.clone();
    fewer.remove("onnx/model.onnx");
    check(
        &fewer,
        "\"onnx/model.onnx\" of the archive: it is not among those that should be there",
    );
    let mut more = expected.clone();
    more.insert("more".to_owned(), (0, Digest::of(b"")));
    check(&more, "\"more\" of the archive: it is missing");
    let mut larger = expected.clone();
    larger.get_mut("status.yaml").unwrap().0 += 1;
    check(
        &larger,
        "\"status.yaml\" of the archive: it has 22 bytes and should have 23",
    );
    let mut other = expected;
    other.get_mut("é/empty").unwrap().1 = Digest::of(b"x");
    let found = Digest::of(b"");
    let wanted = Digest::of(b"x");
    check(
        &other,
        &format!("\"é/empty\" of the archive: its SHA-256 is {found} and should be {wanted}"),
    );
}
