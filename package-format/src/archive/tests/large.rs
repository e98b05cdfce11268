//! Archives beyond four GiB. They take minutes and as much room, so they are run by hand.

use std::io::{self, Read};

use super::*;

const SIZE: u64 = (4 << 30) + 12_345;

#[test]
#[ignore = "writes and reads 8 GiB"]
fn sizes_and_offsets_beyond_four_bytes_are_written_and_read() {
    let (_folder, path) = place();
    let mut writer = ArchiveWriter::create(&path).unwrap();
    let mut expected = Expected::new();
    for name in ["onnx/model.onnx", "onnx/weights.bin"] {
        let mut zeros = io::repeat(0).take(SIZE);
        let written = writer.add(name, SIZE, &mut zeros, &mut |_| {}).unwrap();
        expected.insert(name.to_owned(), (written.bytes, written.digest));
    }
    let written = writer.add_bytes("manifest.json", b"{}").unwrap();
    expected.insert("manifest.json".to_owned(), (2, written.digest));
    writer.finish().unwrap();

    let archive = Archive::open(&path, &Limits::default()).unwrap();
    archive.check_canonical().unwrap();
    archive.verify_all(&expected, &mut |_| {}).unwrap();
    assert_eq!(
        archive.stored_range("onnx/weights.bin").unwrap().start % 64,
        0
    );
    assert_eq!(
        archive.read_to_vec("manifest.json", None, 2).unwrap(),
        b"{}"
    );
}

#[test]
fn more_entries_than_two_bytes_can_count_are_written_and_read() {
    let (_folder, path) = place();
    let mut writer = ArchiveWriter::create(&path).unwrap();
    for number in 0..70_000 {
        writer.add_bytes(&format!("{number}"), b"").unwrap();
    }
    writer.finish().unwrap();
    let archive = Archive::open(&path, &Limits::default()).unwrap();
    archive.check_canonical().unwrap();
    assert_eq!(archive.entries().count(), 70_000);
    assert!(archive.entry("69999").is_some());
}
