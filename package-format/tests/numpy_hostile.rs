//! Files made to do harm: each gives the error of its fault, quickly and without taking memory.

#![expect(clippy::unwrap_used, reason = "a test may panic, its helpers too")]

use std::error::Error;
use std::io::{Cursor, Write};

use nav_package_format::archive::ArchiveError;
use nav_package_format::numpy::{Limits, NumpyError, read_npy, read_npz, write_npy, write_npz};
use nav_package_format::{DType, Shape, TensorData};
use proptest::prelude::*;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// An `.npy` file of this literal and these elements.
fn npy(literal: &str, elements: &[u8]) -> Vec<u8> {
    let mut file = b"\x93NUMPY\x02\x00".to_vec();
    file.extend(u32::try_from(literal.len()).unwrap().to_le_bytes());
    file.extend(literal.as_bytes());
    file.extend(elements);
    file
}

fn array(descr: &str, shape: &str, elements: &[u8]) -> Vec<u8> {
    let literal = format!("{{'descr': '{descr}', 'fortran_order': True, 'shape': ({shape}), }}");
    npy(&literal, elements)
}

fn npz(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::DEFAULT.compression_method(CompressionMethod::Deflated);
    for (name, content) in entries {
        archive.start_file(*name, options).unwrap();
        archive.write_all(content).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn limits() -> Limits {
    Limits {
        total_bytes: 1000,
        entries: 3,
        header_bytes: 200,
    }
}

/// The error and its causes on one line.
fn chain(error: &NumpyError) -> String {
    let mut texts = vec![error.to_string()];
    let mut next = error.source();
    while let Some(cause) = next {
        texts.push(cause.to_string());
        next = cause.source();
    }
    texts.join(": ")
}

fn refuses_npy(file: &[u8], expected: &str) {
    let error = read_npy(file, &limits()).unwrap_err();
    assert_eq!(chain(&error), expected);
}

fn refuses_npz(file: &[u8], expected: &str) {
    let error = read_npz(Cursor::new(file), &limits()).unwrap_err();
    assert_eq!(chain(&error), expected);
}

#[test]
fn headers_that_lie_are_refused() {
    refuses_npy(b"", "the header cannot be read: the data ends inside it");
    refuses_npy(
        b"PK\x03\x04 and more",
        "the header cannot be read: the first bytes are not those of an .npy array",
    );
    refuses_npy(
        b"\x93NUMPY\x04\x00\x00\x00",
        "the header cannot be read: format version 4.0 is not known",
    );
    refuses_npy(
        b"\x93NUMPY\x02\x00\xff\xff\xff\xff",
        "the header cannot be read: its 4294967295 bytes are more than the limit of 200",
    );
    refuses_npy(
        b"\x93NUMPY\x01\x00\x05\x00{",
        "the header cannot be read: the data ends inside it",
    );
    refuses_npy(
        &npy("{'descr': __import__('os')}", &[]),
        "the header cannot be read: expected an element type at byte 10",
    );
    refuses_npy(
        &array("|u1", &"1,".repeat(65), &[0]),
        "65 dimensions are more than the 64 that NumPy can hold",
    );
}

#[test]
fn sizes_that_lie_are_refused() {
    refuses_npy(
        &array("<f4", "3, ", &[0; 11]),
        "the data ends after 11 of 12 bytes",
    );
    refuses_npy(
        &array("<f4", "3, ", &[0; 13]),
        "there is data after the 12 bytes of the elements",
    );
    refuses_npy(
        &array("<f4", "251, ", &[]),
        "shape [251] goes beyond the 1000 bytes that a file may take",
    );
    // Strings of no length take no room in the file, but each has a prefix in memory.
    refuses_npy(
        &array("|S0", "1000000000000, ", &[]),
        "shape [1000000000000] goes beyond the 1000 bytes that a file may take",
    );
    refuses_npy(
        &array("|u1", "18446744073709551615, 2", &[]),
        "a tensor of shape [18446744073709551615,2] has more elements or bytes than this machine \
         can address",
    );
    refuses_npy(
        &array("<f8", "9223372036854775807, ", &[]),
        "a tensor of shape [9223372036854775807] has more elements or bytes than this machine can \
         address",
    );
    let nothing = read_npy(
        &array("<f8", "0, 18446744073709551615, 18446744073709551615", &[])[..],
        &limits(),
    );
    assert_eq!(nothing.unwrap().bytes(), b"");
}

#[test]
fn a_size_without_data_takes_no_memory() {
    let limits = Limits {
        total_bytes: u64::MAX,
        ..limits()
    };
    let file = array("|u1", "4611686018427387904, ", b"abc");
    let error = read_npy(&file[..], &limits).unwrap_err();
    assert_eq!(
        chain(&error),
        "the data ends after 3 of 4611686018427387904 bytes"
    );
}

#[test]
fn elements_that_are_none_are_refused() {
    refuses_npy(
        &array("|b1", "2, ", &[1, 2]),
        "element 1 is 2, and a BOOL is 0 or 1",
    );
    refuses_npy(
        &array("<U1", "1, ", &0xd800_u32.to_le_bytes()),
        "element 0 holds 0xd800, which is no unicode character",
    );
}

#[test]
fn archives_that_lie_are_refused() {
    let one = array("|u1", "", &[7]);
    refuses_npz(
        &npz(&[("a.npy", &one), ("b.txt", b"x")]),
        "array `b.txt`: the archive entry is not an .npy array",
    );
    refuses_npz(
        &npz(&[("a.npy", &one), ("\u{1b}[2J.npy", &one[..5])]),
        "array `\\u{1b}[2J`: the header cannot be read: the data ends inside it",
    );
    let many: Vec<String> = (0..4).map(|number| format!("{number}.npy")).collect();
    let many: Vec<(&str, &[u8])> = many.iter().map(|name| (name.as_str(), &one[..])).collect();
    refuses_npz(
        &npz(&many),
        "the archive cannot be used: the archive has 4 entries, more than the 3 allowed",
    );
    refuses_npz(
        &npz(&[
            ("a.npy", &array("|u1", "600,", &[0; 600])),
            ("b.npy", &array("|u1", "401,", &[0; 401])),
        ]),
        "array `b`: shape [401] goes beyond the 1000 bytes that a file may take",
    );
    // A bomb: what the header does not announce is not inflated.
    refuses_npz(
        &npz(&[("a.npy", &array("|u1", "5,", &vec![0; 1 << 20]))]),
        "array `a`: there is data after the 5 bytes of the elements",
    );
}

#[test]
fn archives_whose_bytes_were_changed_are_refused() {
    let file = npz(&[("a.npy", &array("|u1", "", &[7])), ("b.npy", b"")]);
    let replaced = |from: &[u8], to: &[u8]| {
        let mut file = file.clone();
        for start in 0..=file.len() - from.len() {
            if file[start..].starts_with(from) {
                file[start..start + to.len()].copy_from_slice(to);
            }
        }
        file
    };
    refuses_npz(
        &replaced(b"b.npy", b"a.npy"),
        "the archive cannot be used: entry \"a.npy\" of the archive: there are two entries of this name",
    );
    // The first flag, in the entry and in the directory, says that it is encrypted.
    let mut encrypted = file.clone();
    let directory = file.windows(4).position(|bytes| bytes == b"PK\x01\x02");
    encrypted[6] |= 1;
    encrypted[directory.unwrap() + 8] |= 1;
    refuses_npz(
        &encrypted,
        "the archive cannot be used: entry \"a.npy\" of the archive: it is encrypted",
    );
    // Byte 14 of an entry begins its checksum; the directory has another one then.
    let mut cloaked = file.clone();
    cloaked[14] ^= 1;
    let error = chain(&read_npz(Cursor::new(&cloaked), &limits()).unwrap_err());
    assert!(error.ends_with("disagree on its checksum"), "{error}");
    let both = |position: usize| {
        let mut file = file.clone();
        file[14 + position] ^= 1;
        file[directory.unwrap() + 16 + position] ^= 1;
        file
    };
    let error = chain(&read_npz(Cursor::new(&both(0)), &limits()).unwrap_err());
    assert!(error.ends_with("its checksum is wrong"), "{error}");
    let error = chain(&read_npz(Cursor::new(&file[..file.len() - 30]), &limits()).unwrap_err());
    assert!(error.starts_with("the archive cannot be used: "), "{error}");
}

#[test]
fn an_archive_with_a_huge_directory_is_left_before_it_is_listed() {
    let names: Vec<String> = (0..30_000)
        .map(|number| format!("{number:050}.npy"))
        .collect();
    let entries: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b""[..])).collect();
    let error = read_npz(Cursor::new(npz(&entries)), &limits()).unwrap_err();
    assert!(
        matches!(error, NumpyError::Archive(ArchiveError::TooLarge { .. })),
        "{error}"
    );
}

#[test]
fn folders_of_an_archive_are_passed_over() {
    let one = array("|u1", "", &[7]);
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::DEFAULT;
    archive.add_directory("encoder", options).unwrap();
    archive.start_file("encoder/../../x.npy", options).unwrap();
    archive.write_all(&one).unwrap();
    let file = archive.finish().unwrap();
    let arrays = read_npz(file, &limits()).unwrap();
    assert_eq!(arrays[0].0, "encoder/../../x");
    assert_eq!(arrays.len(), 1);
}

fn sound_files() -> (Vec<u8>, Vec<u8>) {
    let bytes = (0..24).collect();
    let tensor = TensorData::new(DType::Fp32, Shape::from([2, 3]), bytes).unwrap();
    let mut single = Vec::new();
    write_npy(&mut single, tensor.view()).unwrap();
    let arrays = [("a", tensor.view()), ("b/c", tensor.view())];
    let archive = write_npz(Cursor::new(Vec::new()), arrays).unwrap();
    (single, archive.into_inner())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn no_bytes_make_reading_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        drop(read_npy(&bytes[..], &limits()));
        drop(read_npz(Cursor::new(&bytes), &limits()));
        let mut file = b"\x93NUMPY\x01\x00".to_vec();
        file.extend(bytes);
        drop(read_npy(&file[..], &limits()));
    }

    #[test]
    fn no_change_to_a_sound_file_makes_reading_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let (mut single, mut archive) = sound_files();
        for (position, byte) in changes {
            *position.get_mut(&mut single) = byte;
            *position.get_mut(&mut archive) = byte;
        }
        drop(read_npy(&single[..], &limits()));
        drop(read_npz(Cursor::new(&archive), &limits()));
        drop(read_npy(&single[..cut.index(single.len())], &limits()));
        drop(read_npz(Cursor::new(&archive[..cut.index(archive.len())]), &limits()));
    }
}
