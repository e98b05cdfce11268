//! What is written is read back, the same bytes for the same files, and all of it or nothing.

use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};

use proptest::prelude::*;

use super::*;

/// A source that gives nothing.
struct Failing;

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::TimedOut.into())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_is_read_and_the_same_again(
        files in prop::collection::btree_map(
            "[a-z]{1,40}(/[a-zé]{1,40}){0,3}\\.x",
            prop::collection::vec(any::<u8>(), 0..300),
            0..8,
        ),
    ) {
        let files: Vec<(&str, &[u8])> = files.iter().map(|(name, bytes)| (&**name, &**bytes)).collect();
        let (folder, path) = place();
        let expected = write(&path, &files);
        let again = folder.path().join("again.nav");
        write(&again, &files);
        prop_assert_eq!(fs::read(&path).unwrap(), fs::read(&again).unwrap());

        let archive = Archive::open(&path, &Limits::default()).unwrap();
        archive.check_canonical().unwrap();
        archive.verify_all(&expected, &mut |_| {}).unwrap();
        prop_assert_eq!(&archive.digests(&mut |_| {}).unwrap(), &expected);
        let names: Vec<&str> = archive.entries().map(super::super::Entry::name).collect();
        prop_assert_eq!(names, files.iter().map(|(name, _)| *name).collect::<Vec<_>>());
        let whole = fs::read(&path).unwrap();
        for (name, bytes) in &files {
            prop_assert_eq!(&archive.read_to_vec(name, None, 300).unwrap(), bytes);
            let range = archive.stored_range(name).unwrap();
            prop_assert_eq!(range.start % 64, 0);
            let range = usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap();
            prop_assert_eq!(&whole[range], *bytes);
        }
    }
}

#[test]
fn an_archive_takes_its_place_only_when_it_is_complete() {
    let (folder, path) = place();
    fs::write(&path, "before").unwrap();
    let mut writer = ArchiveWriter::create(&path).unwrap();
    writer.add_bytes("a", b"x").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"before");
    let busy = ArchiveWriter::create(&path).unwrap_err();
    assert!(matches!(busy, ArchiveError::Busy { .. }), "{busy}");
    writer.finish().unwrap();
    assert_eq!(names_in(folder.path()), ["model.nav"]);
    open(&fs::read(&path).unwrap()).unwrap();
}

#[test]
fn an_archive_that_is_not_finished_leaves_nothing_behind() {
    let (folder, path) = place();
    let check = |spoil: &dyn Fn(&mut ArchiveWriter) -> Result<(), ArchiveError>, expected: &str| {
        let mut writer = ArchiveWriter::create(&path).unwrap();
        writer.add_bytes("a", b"x").unwrap();
        let error = spoil(&mut writer).and_then(|()| writer.finish());
        assert_eq!(chain(&error.unwrap_err()), expected);
        assert_eq!(names_in(folder.path()), [""; 0]);
    };
    let add = |writer: &mut ArchiveWriter, bytes, mut source: &[u8]| {
        let added = writer.add("b", bytes, &mut source, &mut |_| {});
        added.map(drop)
    };
    check(
        &|writer| add(writer, 3, b"xx"),
        "entry \"b\" of the archive: it has 2 bytes and should have 3",
    );
    check(
        &|writer| add(writer, 1, b"xx"),
        "entry \"b\" of the archive: it has 2 bytes and should have 1",
    );
    check(
        &|writer| {
            add(writer, 1, b"xx").unwrap_err();
            Ok(())
        },
        "the archive's structure is refused: an entry was not completed",
    );
    check(
        &|writer| writer.add_bytes("../b", b"").map(drop),
        "entry \"../b\" of the archive: its name leads out of a folder",
    );
    check(
        &|writer| writer.add_bytes("A", b"").map(drop),
        "entry \"A\" of the archive: its name differs from \"a\" in upper and lower case only",
    );
    check(
        &|writer| writer.add("b", 1, &mut Failing, &mut |_| {}).map(drop),
        "entry \"b\" of the archive: it cannot be read: timed out",
    );
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let mut writer = ArchiveWriter::create(&path).unwrap();
        let _written = writer.add("b", 1, &mut &b"x"[..], &mut |_| panic!("on purpose"));
    }));
    panicked.unwrap_err();
    assert_eq!(names_in(folder.path()), [""; 0]);
}

#[test]
fn what_a_killed_writer_left_is_used_again_and_what_is_not_ours_is_left() {
    let (folder, path) = place();
    let left = folder.path().join(".model.nav.partial");
    fs::write(&left, [7; 1000]).unwrap();
    write(&path, &[("a", b"x")]);
    assert_eq!(names_in(folder.path()), ["model.nav"]);
    open(&fs::read(&path).unwrap()).unwrap();

    let elsewhere = folder.path().join("elsewhere");
    fs::write(&elsewhere, "x").unwrap();
    std::os::unix::fs::symlink(&elsewhere, &left).unwrap();
    let error = ArchiveWriter::create(&path).unwrap_err();
    assert!(matches!(error, ArchiveError::Place { .. }), "{error}");
    fs::remove_file(&left).unwrap();
    fs::hard_link(&elsewhere, &left).unwrap();
    let error = ArchiveWriter::create(&path).unwrap_err();
    assert!(matches!(error, ArchiveError::Place { .. }), "{error}");
    assert_eq!(fs::read(&elsewhere).unwrap(), b"x");
}

#[test]
fn progress_is_told_in_bytes() {
    let (_folder, path) = place();
    let content = vec![7; 600_000];
    let mut seen = Vec::new();
    let mut writer = ArchiveWriter::create(&path).unwrap();
    let written = writer.add("a", 600_000, &mut &content[..], &mut |so_far| {
        seen.push(so_far);
    });
    assert_eq!(written.unwrap().digest, Digest::of(&content));
    assert_eq!(seen, [262_144, 524_288, 600_000]);
    writer.finish().unwrap();
    let mut last = 0;
    let archive = Archive::open(&path, &Limits::default()).unwrap();
    archive.digests(&mut |so_far| last = so_far).unwrap();
    assert_eq!(last, 600_000);
}
