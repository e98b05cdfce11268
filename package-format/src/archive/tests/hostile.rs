//! Archives that lie, each in one way, and by what they are refused.

use std::io;

use super::super::{Dialect, Layout};
use super::zips::{Header, Zip, zip, zip_wide, zip_with};
use super::*;

/// Opens and reads all of an archive.
fn read(bytes: &[u8]) -> Result<(), ArchiveError> {
    open(bytes)?.digests(&mut |_| {}).map(drop)
}

fn refused(bytes: &[u8], expected: &str) {
    let error = read(bytes).unwrap_err();
    assert_eq!(chain(&error), expected);
    assert!(error.is_integrity());
}

fn refused_entry(entries: &[Zip], expected: &str) {
    refused(&zip(entries), &format!("entry {expected}"));
}

fn plain() -> Zip {
    Zip::file("a", b"content")
}

#[test]
fn sound_archives_of_others_are_read() {
    read(&zip(&[])).unwrap();
    read(&zip(&[plain(), Zip::deflated("b/c", &vec![7; 1 << 16])])).unwrap();
    read(&zip(&[Zip::deflated("a", b"")])).unwrap();
    read(&zip_wide(&[plain()], |_| {})).unwrap();
    let folder = Zip::file("b/", b"").with(|zip| zip.attributes = 0o040_755 << 16 | 0x10);
    let archive = open(&zip(&[folder, Zip::file("b/c", b"x")])).unwrap();
    assert_eq!(archive.entries().count(), 1);
    // As NumPy and Python write the header of a file whose size they do not know yet.
    let late = plain().with(|zip| {
        zip.local.extra = [&[1, 0, 16, 0][..], &[7, 0, 0, 0, 0, 0, 0, 0].repeat(2)].concat();
        (zip.local.bytes, zip.local.packed) = (u32::MAX, u32::MAX);
    });
    read(&zip(&[late])).unwrap();
}

#[test]
fn archives_of_tensors_may_be_written_without_going_back() {
    let check = |change: &dyn Fn(&mut Vec<u8>), is_sound: bool| {
        // As Python writes a file of unknown size to a pipe.
        let late = plain().both(|header| header.flags = 8).with(|zip| {
            zip.local.crc = 0;
            zip.local.extra = wide(&[0, 0]);
            (zip.local.bytes, zip.local.packed) = (u32::MAX, u32::MAX);
            zip.after = b"PK\x07\x08".to_vec();
            zip.after.extend(zip.central.crc.to_le_bytes());
            zip.after.extend([7, 0, 0, 0, 0, 0, 0, 0].repeat(2));
            change(&mut zip.after);
        });
        let mut source = io::Cursor::new(zip(&[late]));
        let read = Layout::read(&mut source, &Limits::default(), Dialect::Tensors);
        assert_eq!(read.is_ok(), is_sound, "{read:?}");
        open(source.get_ref()).unwrap_err();
    };
    check(&|_| {}, true);
    for byte in 0..24 {
        check(&|after| after[byte] ^= 1, false);
    }
    check(&|after| after.push(0), false);
    check(&|after| after.truncate(20), false);
}

#[test]
fn unsafe_names_are_refused() {
    let check = |name: &str, expected: &str| {
        let shown = format!("{name:?} of the archive: {expected}");
        let folder = if name.ends_with('/') { 0o040_755 } else { 0 };
        let zip = Zip::file(name, b"").with(|zip| zip.attributes = folder << 16);
        refused_entry(&[plain(), zip], &shown);
    };
    check("../up", "its name leads out of a folder");
    check("b/../../up", "its name leads out of a folder");
    check("/etc/passwd", "its name is an absolute path");
    check("C:\\x", "its name has the character '\\\\'");
    check("c:x", "its name starts with a drive letter");
    check("b\\c", "its name has the character '\\\\'");
    check("b\0", "its name has the character '\\0'");
    check("b//c", "its name has an empty part");
    check("./b", "its name has an empty part");
    check("", "its name is empty");
    check("/", "its name is empty");
    check(
        "A",
        "its name differs from \"a\" in upper and lower case only",
    );
    check("a", "there are two entries of this name");
    check("a/b", "\"a\" is the name of a file and of a folder");
    check(
        &"b/".repeat(40),
        "its name has more than the 32 parts allowed",
    );
    let latin = Zip::file("a", b"").both(|header| header.name = vec![0xe9]);
    refused_entry(
        &[latin],
        "\"\u{fffd}\" of the archive: its name is not marked as UTF-8, or is not",
    );
    let unmarked = Zip::file("é", b"").both(|header| header.flags = 0);
    refused_entry(
        &[unmarked],
        "\"é\" of the archive: its name is not marked as UTF-8, or is not",
    );
}

#[test]
fn what_is_no_plain_file_is_refused() {
    let check = |attributes: u32, expected: &str| {
        let zip = plain().with(|zip| zip.attributes = attributes);
        refused_entry(&[zip], &format!("\"a\" of the archive: {expected}"));
    };
    let mode = |mode: u32, shown: &str| {
        check(
            mode << 16,
            &format!("it is no plain file: its mode is {shown}"),
        );
    };
    mode(0o120_777, "0o120777");
    mode(0o020_666, "0o20666");
    mode(0o060_666, "0o60666");
    mode(0o010_666, "0o10666");
    mode(0o140_666, "0o140666");
    mode(0o104_755, "0o104755");
    mode(0o102_755, "0o102755");
    check(0o040_755 << 16, "it is not quite a folder");
    check(0x10, "it is not quite a folder");
    check(0x08, "it is no plain file: its mode is 0o0");
    refused_entry(
        &[Zip::file("b/", b"x")],
        "\"b/\" of the archive: it is not quite a folder",
    );
}

#[test]
fn what_cannot_be_read_is_refused() {
    let check = |change: fn(&mut Header), expected: &str| {
        let shown = format!("\"a\" of the archive: {expected}");
        refused_entry(&[plain().both(change)], &shown);
    };
    check(|header| header.flags = 1, "it is encrypted");
    check(|header| header.flags = 0x41, "it is encrypted");
    check(|header| header.flags = 0x2000, "it is encrypted");
    check(
        |header| header.flags = 0x20,
        "its flags 0x0020 are not supported",
    );
    check(
        |header| header.flags = 8,
        "its flags 0x0008 are not supported",
    );
    check(
        |header| header.method = 99,
        "it is neither stored nor deflated, but of method 99",
    );
    let unicode_name = |header: &mut Header| header.extra = vec![0x75, 0x70, 0, 0];
    check(unicode_name, "its extra field 0x7075 is not supported");
    check(
        |header| header.extra = vec![1],
        "its header is refused: its extra fields do not fill the room they have",
    );
    check(
        |header| header.extra = vec![1, 0, 8, 0],
        "its header is refused: its extra fields do not fill the room they have",
    );
    check(
        |header| header.bytes = u32::MAX,
        "its header is refused: it lacks a number that is too large for it",
    );
    check(
        |header| header.bytes = 6,
        "its header is refused: it is stored, but its two sizes differ",
    );
    let disk = plain().with(|zip| zip.disk = 1);
    refused_entry(
        &[disk],
        "\"a\" of the archive: its header is refused: it is on another disk",
    );
    let comment = plain().with(|zip| zip.comment = b"x".to_vec());
    refused_entry(
        &[comment],
        "\"a\" of the archive: its header is refused: it has a comment",
    );
}

#[test]
fn headers_must_agree() {
    let check = |change: fn(&mut Header), field: &str| {
        let zip = plain().with(|zip| change(&mut zip.local));
        let expected = format!(
            "\"a\" of the archive: its header and the archive's directory disagree on its {field}"
        );
        refused_entry(&[zip], &expected);
    };
    check(|header| header.name = b"b".to_vec(), "name");
    check(|header| header.name = b"aa".to_vec(), "name");
    check(|header| header.flags = 0x800, "flags");
    check(|header| header.method = 8, "method");
    check(|header| header.time = 0, "time");
    check(|header| header.crc ^= 1, "checksum");
    check(|header| header.bytes += 1, "size");
    check(|header| header.packed += 1, "size");
    check(
        |header| header.extra = [&[1, 0, 16, 0][..], &[7, 0, 0, 0, 0, 0, 0, 0].repeat(2)].concat(),
        "size",
    );
}

#[test]
fn every_byte_belongs_to_one_entry() {
    let two = || [plain(), Zip::file("b", b"more")];
    let [first, second] = two();
    let gap = first.clone().with(|zip| zip.after = vec![0]);
    refused_entry(
        &[gap, second.clone()],
        "\"a\" of the archive: it does not end where what is after it begins",
    );
    let before_directory = second.clone().with(|zip| zip.after = vec![0]);
    refused_entry(
        &[first.clone(), before_directory],
        "\"b\" of the archive: it does not end where what is after it begins",
    );
    // Both names for one content.
    let twin = second.with(|zip| zip.offset = Some(0));
    refused_entry(
        &[first.clone(), twin],
        "\"a\" of the archive: it does not end where what is after it begins",
    );
    // One entry inside of the other's content.
    let inner = zip(&[Zip::file("b", b"more")]);
    let outer = Zip::file("a", &inner);
    let hidden = Zip::file("b", b"more").with(|zip| zip.offset = Some(31));
    refused_entry(
        &[outer, hidden],
        "\"a\" of the archive: it does not end where what is after it begins",
    );
    let first_not_at_start = first.with(|zip| zip.offset = Some(1));
    refused_entry(
        &[first_not_at_start],
        "\"a\" of the archive: it does not begin where what is before it ends",
    );
    let [first, second] = two();
    let mut swapped = zip(&[first, second]);
    let directory = swapped.windows(4).position(|four| four == b"PK\x01\x02");
    let directory = directory.unwrap();
    swapped[directory..directory + 94].rotate_left(47);
    refused(
        &swapped,
        "entry \"b\" of the archive: it does not begin where what is before it ends",
    );
}

#[test]
fn nothing_is_before_or_after() {
    let bytes = zip(&[plain()]);
    let mut trailing = bytes.clone();
    trailing.push(0);
    refused(
        &trailing,
        "the archive's structure is refused: its directory does not end where the file ends",
    );
    let mut comment = bytes.clone();
    let end = comment.len();
    comment[end - 2] = 1;
    comment.push(b'x');
    refused(
        &comment,
        "the archive's structure is refused: its directory does not end where the file ends",
    );
    let mut leading = b"#!/bin/sh\n".to_vec();
    leading.extend(&bytes);
    refused(
        &leading,
        "the archive's structure is refused: its directory does not reach from its start to its end",
    );
    let leading_that_fits = zip_with(&[], |end| end.offset = 0);
    let leading_that_fits = [b"junk".to_vec(), leading_that_fits].concat();
    refused(
        &leading_that_fits,
        "the archive's structure is refused: its directory does not reach from its start to its end",
    );
}

#[test]
fn ends_that_lie_are_refused() {
    let check = |bytes: &[u8], expected: &str| {
        let expected = format!("the archive's structure is refused: {expected}");
        refused(bytes, &expected);
    };
    let one = [plain()];
    let short = "its directory does not reach from its start to its end";
    check(&zip_with(&one, |end| end.bytes -= 1), short);
    check(&zip_with(&one, |end| end.offset += 1), short);
    check(
        &zip_with(&one, |end| end.entries = 2),
        "its directory is too small for its entries",
    );
    check(
        &zip_with(&one, |end| end.entries = 0),
        "its directory has more than its entries",
    );
    let mut disks = zip(&one);
    let end = disks.len();
    disks[end - 18] = 1;
    check(&disks, "it has several disks");
    disks[end - 18] = 0;
    disks[end - 14] = 2;
    check(&disks, "it has two numbers of entries");

    let huge = 1 << 63;
    check(&zip_wide(&one, |numbers| numbers[2] = huge), short);
    check(
        &zip_wide(&one, |numbers| numbers[3] = huge),
        "its wide end is not where it should be",
    );
    check(
        &zip_wide(&one, |numbers| numbers[3] = u64::MAX),
        "its wide end is not where it should be",
    );
    refused(
        &zip_wide(&one, |numbers| numbers[1] = huge),
        "the archive has 9223372036854775808 bytes of directory, more than the 33554432 allowed",
    );
    refused(
        &zip_wide(&one, |numbers| numbers[0] = huge),
        "the archive has 9223372036854775808 entries, more than the 100000 allowed",
    );
}

/// An extra field with numbers of eight bytes.
fn wide(numbers: &[u64]) -> Vec<u8> {
    let length = u16::try_from(numbers.len() * 8).unwrap().to_le_bytes();
    let mut extra = vec![1, 0];
    extra.extend(length);
    extra.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
    extra
}

#[test]
fn sizes_that_no_file_has_are_refused() {
    let check = |numbers: &'static [u64], expected: &str| {
        let zip = plain().both(|header| {
            header.extra = wide(numbers);
            (header.bytes, header.packed) = (u32::MAX, u32::MAX);
        });
        refused_entry(&[zip], &format!("\"a\" of the archive: {expected}"));
    };
    let end = "it does not end where what is after it begins";
    check(&[8, 8], end);
    check(&[1 << 40, 1 << 40], end);
    let huge = "with it there are 9223372036854775808 bytes of content, more than the 1099511627776 \
                allowed";
    check(&[1 << 63, 1 << 63], huge);
    let lack = "its header is refused: it lacks a number that is too large for it";
    check(&[7], lack);
    check(&[7, 7, 7], "its header is refused: it has a number twice");
    let offset = plain().with(|zip| {
        zip.central.extra = wide(&[1 << 63]);
        zip.offset = Some(u32::MAX);
    });
    refused_entry(
        &[offset],
        "\"a\" of the archive: it does not begin where what is before it ends",
    );
    let total = |name| {
        Zip::file(name, b"").both(|header| {
            header.extra = wide(&[1 << 39, 1 << 39]);
            (header.bytes, header.packed) = (u32::MAX, u32::MAX);
        })
    };
    refused_entry(
        &[total("a"), total("b"), total("c")],
        "\"c\" of the archive: with it there are 1649267441664 bytes of content, more than the \
         1099511627776 allowed",
    );
}

#[test]
fn bombs_are_refused_before_they_are_lit() {
    let bomb = Zip::deflated("a", &vec![0; 4 << 20]);
    let packed = bomb.content.len();
    refused_entry(
        &[bomb],
        &format!(
            "\"a\" of the archive: its {packed} bytes become 4194304, more than 200 times as many"
        ),
    );
    let half = |name| {
        Zip::deflated(name, b"").both(|header| {
            header.extra = wide(&[600 << 20, 600 << 20]);
            (header.bytes, header.packed) = (u32::MAX, u32::MAX);
        })
    };
    refused_entry(
        &[half("a"), half("b")],
        "\"b\" of the archive: with it there are 1258291200 bytes of content, more than the 1073741824 \
         allowed",
    );
    // One that hides what it is: no more than it claims is ever inflated.
    let hidden = Zip::deflated("a", &vec![0; 4 << 20]).both(|header| header.bytes = 7);
    refused_entry(
        &[hidden],
        "\"a\" of the archive: it has 8 bytes and should have 7",
    );
}

#[test]
fn contents_must_be_what_is_said() {
    let crc = plain().both(|header| header.crc ^= 1);
    refused_entry(&[crc], "\"a\" of the archive: its checksum is wrong");
    let crc = Zip::file("a", b"").both(|header| header.crc = 1);
    refused_entry(&[crc], "\"a\" of the archive: its checksum is wrong");
    let longer = Zip::deflated("a", b"content").both(|header| header.bytes = 8);
    refused_entry(
        &[longer],
        "\"a\" of the archive: it has 7 bytes and should have 8",
    );
    let trailing = Zip::deflated("a", b"content").with(|zip| {
        zip.content.push(0);
        zip.local.packed += 1;
        zip.central.packed += 1;
    });
    refused_entry(&[trailing], "\"a\" of the archive: it cannot be inflated");
    let torn = Zip::deflated("a", &[7; 1000]).with(|zip| {
        zip.content.pop();
        zip.local.packed -= 1;
        zip.central.packed -= 1;
    });
    refused(
        &zip(&[torn]),
        "entry \"a\" of the archive: it cannot be inflated",
    );
    let noise = Zip::deflated("a", b"content").with(|zip| zip.content.fill(0xff));
    refused_entry(&[noise], "\"a\" of the archive: it cannot be inflated");
}

#[test]
fn an_archive_cut_short_anywhere_is_refused() {
    let bytes = zip(&[plain(), Zip::deflated("b", &[7; 100])]);
    let wide = zip_wide(&[plain()], |_| {});
    for bytes in [&bytes, &wide] {
        for cut in 0..bytes.len() {
            assert!(read(&bytes[..cut]).unwrap_err().is_integrity(), "{cut}");
        }
    }
}

#[test]
fn an_error_names_long_names_shortly() {
    let name = "é".repeat(30_000);
    let error = read(&zip(&[Zip::file(&name, b"")])).unwrap_err();
    assert_eq!(error.entry().unwrap().chars().count(), 256);
}

proptest::proptest! {
    #[test]
    fn replaced_bytes_never_panic(
        position in proptest::prelude::any::<proptest::sample::Index>(),
        replacement in proptest::collection::vec(proptest::prelude::any::<u8>(), 1..9),
    ) {
        let mut bytes = zip_wide(&[plain(), Zip::deflated("b/c", &[7; 100])], |_| {});
        let start = position.index(bytes.len());
        let end = (start + replacement.len()).min(bytes.len());
        bytes.splice(start..end, replacement);
        let _outcome = read(&bytes);
    }
}
