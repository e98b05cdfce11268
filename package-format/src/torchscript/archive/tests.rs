use std::io::{Cursor, Write};

use proptest::prelude::*;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::*;

const CODE: &str = "class Net(Module):\n  def forward(self: __torch__.Net,\n    x: Tensor) -> Tensor:\n    return x\n";
const PICKLE: &[u8] = b"\x80\x02c__torch__\nNet\nq\x00)\x81.";

/// What a small archive holds.
const ENTRIES: &[(&str, &[u8])] = &[
    ("net/data.pkl", PICKLE),
    ("net/code/__torch__.py", CODE.as_bytes()),
    ("net/code/__torch__.py.debug_pkl", b"..."),
    ("net/constants.pkl", b"\x80\x02)."),
    ("net/version", b"3\n"),
    ("net/data/0", &[0; 12]),
    ("net/data/1", &[0; 8]),
    ("net/constants/0", &[0; 4]),
];

fn archive(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        let method = if name.contains("/code/") {
            CompressionMethod::Deflated
        } else {
            CompressionMethod::Stored
        };
        let options = SimpleFileOptions::default().compression_method(method);
        writer.start_file(*name, options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// The same archive with the end for large archives, which `torch.jit.save` always writes.
fn widen(bytes: &[u8]) -> Vec<u8> {
    let (body, end) = bytes.split_at(bytes.len() - 22);
    let mut wide = body.to_vec();
    wide.extend(b"PK\x06\x06");
    wide.extend(44_u64.to_le_bytes());
    wide.extend([45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    for _ in 0..2 {
        wide.extend(&end[10..12]);
        wide.extend([0; 6]);
    }
    wide.extend(&end[12..16]);
    wide.extend([0; 4]);
    wide.extend(&end[16..20]);
    wide.extend([0; 4]);
    wide.extend(b"PK\x06\x07");
    wide.extend([0; 4]);
    wide.extend((body.len() as u64).to_le_bytes());
    wide.extend(1_u32.to_le_bytes());
    wide.extend(end);
    wide
}

fn inspect_bytes(bytes: &[u8]) -> Result<ArchiveFacts, TorchScriptError> {
    inspect(Cursor::new(bytes), &ArchiveLimits::default())
}

fn check_refused(bytes: &[u8], expected: &str) {
    assert_eq!(inspect_bytes(bytes).unwrap_err().to_string(), expected);
}

fn without(names: &[&str]) -> Vec<u8> {
    let kept = ENTRIES.iter().filter(|(name, _)| !names.contains(name));
    archive(&kept.copied().collect::<Vec<_>>())
}

fn with(name: &str) -> Vec<u8> {
    let more = ENTRIES.iter().copied().chain([(name, &b""[..])]);
    archive(&more.collect::<Vec<_>>())
}

#[test]
fn an_archive_is_told_by_its_entries() {
    let expected = ArchiveFacts {
        root: "net".to_owned(),
        format_version: Some(3),
        class: Some("__torch__.Net".to_owned()),
        forward: Some("forward(self: __torch__.Net, x: Tensor) -> Tensor".to_owned()),
        code_files: 1,
        tensors: 3,
        tensor_bytes: 24,
        entries: 8,
        trust: TrustClass::NativeCode,
    };
    let bytes = archive(ENTRIES);
    assert_eq!(inspect_bytes(&bytes).unwrap(), expected);
    assert_eq!(inspect_bytes(&widen(&bytes)).unwrap(), expected);
}

#[test]
fn what_is_no_torch_script_is_named() {
    let code = ["net/code/__torch__.py", "net/code/__torch__.py.debug_pkl"];
    check_refused(
        &without(&code),
        "a pickled checkpoint, not TorchScript: it has weights but no code to run them with",
    );
    check_refused(
        b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.",
        "a bare pickle, not TorchScript: opening it would run code, so it is never opened",
    );
    check_refused(
        &without(&["net/data.pkl"]),
        "a zip archive, but not TorchScript: there is no data.pkl",
    );
    check_refused(
        &without(&["net/constants.pkl"]),
        "a zip archive, but not TorchScript: there is no constants.pkl",
    );
    check_refused(b"", "not a zip archive");
    check_refused(b"PK\x03\x04", "not a zip archive");
}

#[test]
fn entries_with_unsafe_names_are_refused() {
    let check = |name: &str, reason: &str| {
        let expected = format!("the archive's entry {name:?} is refused: {reason}");
        check_refused(&with(name), &expected);
    };
    check("net/../up", "its name is not a plain path");
    check("net//x", "its name is not a plain path");
    check("net/a\\b", "its name has a backslash or a NUL");
    check("other/x", "it is outside the folder of the others");
    check("alone", "it is not in a folder");
}

#[test]
fn a_directory_has_one_reading_only() {
    let bytes = archive(ENTRIES);
    let mut trailing = bytes.clone();
    trailing.push(0);
    check_refused(
        &trailing,
        "the archive's structure is refused: its directory does not end where the file ends",
    );
    let mut prefixed = bytes.clone();
    prefixed.splice(4..4, [0; 10]);
    check_refused(
        &prefixed,
        "the archive's structure is refused: its directory does not reach from its start to its end",
    );
    let mut contradiction = widen(&bytes);
    let end = contradiction.len() - 22;
    contradiction[end + 8] += 1;
    contradiction[end + 10] += 1;
    check_refused(
        &contradiction,
        "the archive's structure is refused: its two ends contradict each other",
    );
}

#[test]
fn checksums_and_sizes_may_come_after_the_content() {
    // So `torch.jit.save` writes them, with padding before the content.
    let mut entries = ENTRIES.to_vec();
    entries.push(("net/data/2", b""));
    let late = with_descriptors(&entries);
    let found = inspect_bytes(&late).unwrap();
    assert_eq!(found, inspect_bytes(&archive(&entries)).unwrap());
    let first = late.windows(4).position(|four| four == b"PK\x07\x08");
    for byte in 4..16 {
        let mut changed = late.clone();
        changed[first.unwrap() + byte] ^= 1;
        inspect_bytes(&changed).unwrap_err();
    }
}

/// An archive as `torch.jit.save` writes it. Empty entries are as they are beyond four GiB: nothing comes
/// after them, and an extra field says where they are.
fn with_descriptors(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    let narrow = |length: usize| u32::try_from(length).unwrap().to_le_bytes();
    for (name, content) in entries {
        let offset = narrow(bytes.len());
        let [low, high, ..] = narrow(name.len());
        let mut checksum = crc32fast::Hasher::new();
        checksum.update(content);
        let mut numbers = checksum.finalize().to_le_bytes().to_vec();
        numbers.extend(narrow(content.len()));
        numbers.extend(narrow(content.len()));
        let is_late = !content.is_empty();
        let flags = [if is_late { 8 } else { 0 }, 8];
        bytes.extend(b"PK\x03\x04\0\0");
        bytes.extend(flags);
        bytes.extend([0; 18]);
        bytes.extend([low, high, if is_late { 6 } else { 18 }, 0]);
        bytes.extend(name.bytes());
        if !is_late {
            bytes.extend([1, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        }
        bytes.extend(b"FB\x02\0ZZ");
        bytes.extend(*content);
        if is_late {
            bytes.extend(b"PK\x07\x08");
            bytes.extend(&numbers);
        }
        directory.extend(b"PK\x01\x02\0\0\0\0");
        directory.extend(flags);
        directory.extend([0; 6]);
        directory.extend(numbers);
        directory.extend([low, high]);
        directory.extend([0; 12]);
        directory.extend(offset);
        directory.extend(name.bytes());
    }
    let offset = narrow(bytes.len());
    let size = narrow(directory.len());
    bytes.extend(directory);
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    let [low, high, ..] = narrow(entries.len());
    bytes.extend([low, high, low, high]);
    bytes.extend(size);
    bytes.extend(offset);
    bytes.extend([0; 2]);
    bytes
}

#[test]
fn a_directory_that_claims_to_be_huge_is_refused_before_it_is_read() {
    let mut bytes = widen(&archive(ENTRIES));
    let end = bytes.len();
    for number in [24, 32] {
        bytes[end - 22 - 20 - 56 + number..][..8].copy_from_slice(&(1_u64 << 40).to_le_bytes());
    }
    bytes[end - 14..][..4].copy_from_slice(&[0xff; 4]);
    check_refused(
        &bytes,
        "the archive has 1099511627776 entries, more than the 100000 allowed",
    );
}

#[test]
fn an_archive_cut_short_anywhere_is_refused() {
    let bytes = archive(ENTRIES);
    for cut in 0..bytes.len() {
        inspect_bytes(&bytes[..cut]).unwrap_err();
    }
}

proptest! {
    #[test]
    fn replaced_bytes_never_panic(
        position in any::<prop::sample::Index>(),
        replacement in prop::collection::vec(any::<u8>(), 1..9),
    ) {
        let mut bytes = widen(&archive(ENTRIES));
        let start = position.index(bytes.len());
        let end = (start + replacement.len()).min(bytes.len());
        bytes.splice(start..end, replacement);
        let _outcome = inspect_bytes(&bytes);
    }
}
