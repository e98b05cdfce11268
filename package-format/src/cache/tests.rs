use std::fs;
use std::io::{BufRead, BufReader, Read, Write, stdin};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use tempfile::TempDir;

use super::*;
use crate::Digest;
use crate::archive::ArchiveError;

const CONTENT: &[u8] = b"content";

fn file(name: &str, content: &[u8]) -> CachedFile {
    CachedFile {
        name: name.to_owned(),
        bytes: content.len() as u64,
        digest: Digest::of(content),
    }
}

fn put(content: &[u8], target: &mut dyn Write) -> Result<(), ArchiveError> {
    target.write_all(content).map_err(ArchiveError::Target)
}

/// Gets a file of [`CONTENT`], and tells whether it was asked for.
fn get(cache: &Cache) -> (String, bool) {
    let mut asked = false;
    let path = cache.get_or_insert(&file("model.onnx", CONTENT), &mut |target| {
        asked = true;
        put(CONTENT, target)
    });
    (path.unwrap().into_os_string().into_string().unwrap(), asked)
}

fn cache() -> (TempDir, Cache) {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(&folder.path().join("cache")).unwrap();
    (folder, cache)
}

fn names(folder: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(folder.path().join("cache")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.collect()
}

#[test]
fn a_model_and_its_weights_lie_side_by_side_and_are_asked_for_once() {
    let (folder, cache) = cache();
    let files = [file("model.onnx", b"graph"), file("data/w.bin", b"weights")];
    let mut asked = Vec::new();
    let mut contents = |file: &CachedFile, target: &mut dyn Write| {
        asked.push(file.name.clone());
        put(
            if file.bytes == 5 {
                b"graph"
            } else {
                b"weights"
            },
            target,
        )
    };
    let path = cache.materialise(&files, &mut contents).unwrap();
    let other_order = [files[1].clone(), files[0].clone()];
    assert_eq!(
        cache.materialise(&other_order, &mut contents).unwrap(),
        path
    );
    assert_eq!(asked, ["data/w.bin", "model.onnx"]);
    assert_eq!(fs::read(path.join("model.onnx")).unwrap(), b"graph");
    assert_eq!(fs::read(path.join("data/w.bin")).unwrap(), b"weights");
    assert_eq!(names(&folder).len(), 1);
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o700);
}

#[test]
fn what_is_not_right_any_more_is_replaced() {
    let (folder, cache) = cache();
    let (path, asked) = get(&cache);
    assert!(asked);
    assert!(!get(&cache).1);
    let again = || Cache::open(&folder.path().join("cache")).unwrap();
    assert!(!get(&again()).1);
    let spoil: [fn(&Path); 7] = [
        |path| fs::remove_dir_all(path.parent().unwrap()).unwrap(),
        |path| fs::write(path, b"Content").unwrap(),
        |path| fs::write(path, b"c").unwrap(),
        |path| fs::remove_file(path).unwrap(),
        |path| fs::hard_link(path, path.with_extension("link")).unwrap(),
        |path| {
            fs::rename(path, path.with_extension("other")).unwrap();
            symlink(path.with_extension("other"), path).unwrap();
        },
        |path| {
            let parent = path.parent().unwrap();
            fs::remove_dir_all(parent).unwrap();
            fs::write(parent, b"").unwrap();
        },
    ];
    for (number, spoil) in spoil.iter().enumerate() {
        for cache in [&cache, &again()] {
            spoil(Path::new(&path));
            assert!(get(cache).1, "{number}");
            assert_eq!(fs::read(&path).unwrap(), CONTENT);
            assert!(!get(cache).1, "{number}");
            assert_eq!(names(&folder).len(), 1);
        }
    }
}

#[test]
fn what_is_given_must_be_what_was_asked_for() {
    let (folder, cache) = cache();
    let check = |given: &'static [u8], expected: &str| {
        let model = file("model.onnx", CONTENT);
        let error = cache.get_or_insert(&model, &mut |target| put(given, target));
        let error = error.unwrap_err();
        assert!(error.is_integrity());
        let error = error.to_string();
        assert!(error.starts_with(expected), "{error}");
        assert_eq!(names(&folder), [""; 0]);
    };
    check(
        b"CONTENT",
        "what was given for \"model.onnx\" has 7 bytes of ",
    );
    check(
        b"conten",
        "what was given for \"model.onnx\" has 6 bytes of ",
    );
    check(
        b"content!",
        "what was given for \"model.onnx\" has more than 7 bytes",
    );
    let failing = cache.get_or_insert(&file("a", b"x"), &mut |_| Err(ArchiveError::NotZip));
    assert!(failing.unwrap_err().is_integrity());
    let outside = cache.get_or_insert(&file("../a", b"x"), &mut |_| Ok(()));
    assert!(matches!(outside, Err(CacheError::Name { .. })));
    assert_eq!(names(&folder), [""; 0]);
    assert!(get(&cache).1);
}

#[test]
fn a_folder_that_is_not_the_users_alone_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let check = |name: &str, expected: &str| {
        let error = Cache::open(&folder.path().join(name)).unwrap_err();
        assert!(error.to_string().ends_with(expected), "{error}");
    };
    let open = folder.path().join("open");
    fs::create_dir(&open).unwrap();
    fs::set_permissions(&open, fs::Permissions::from_mode(0o750)).unwrap();
    check("open", "is not private: others may read or write it");
    symlink(folder.path(), folder.path().join("link")).unwrap();
    check("link", "is not private: it is no folder");
    fs::write(folder.path().join("file"), "").unwrap();
    check("file", "is not private: it is no folder");
}

#[test]
fn threads_that_want_the_same_ask_for_it_once() {
    let (folder, first) = cache();
    let second = Cache::open(&folder.path().join("cache")).unwrap();
    let asked = AtomicUsize::new(0);
    thread::scope(|scope| {
        for number in 0..8 {
            let cache = if number % 2 == 0 { &first } else { &second };
            let asked = &asked;
            scope.spawn(move || {
                let (path, was_asked) = get(cache);
                asked.fetch_add(usize::from(was_asked), Ordering::Relaxed);
                assert_eq!(fs::read(path).unwrap(), CONTENT);
            });
        }
    });
    assert_eq!(asked.into_inner(), 1);
    assert_eq!(names(&folder).len(), 1);
}

/// Runs one of the ignored tests below in a process of its own, in this folder.
fn child(name: &str, folder: &TempDir) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "--ignored", "--nocapture", name]);
    command.current_dir(folder.path());
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    command.spawn().unwrap()
}

fn wait_for(child: &mut Child, text: &str) {
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains(text)));
}

#[test]
fn processes_that_want_the_same_share_it() {
    let (folder, cache) = cache();
    let mut children: Vec<Child> = (0..4)
        .map(|_| child("cache::tests::get_in_a_process", &folder))
        .collect();
    assert_eq!(fs::read(get(&cache).0).unwrap(), CONTENT);
    let asked = children.iter_mut().map(|child| {
        let mut output = String::new();
        let mut stdout = child.stdout.take().unwrap();
        stdout.read_to_string(&mut output).unwrap();
        assert!(child.wait().unwrap().success());
        usize::from(output.contains("asked: true"))
    });
    assert!(asked.sum::<usize>() <= 1);
    assert_eq!(names(&folder).len(), 1);
}

#[test]
#[ignore = "run by another test"]
fn get_in_a_process() {
    if !Path::new("cache").exists() {
        return;
    }
    let cache = Cache::open(Path::new("cache")).unwrap();
    println!("asked: {}", get(&cache).1);
}

#[test]
fn what_a_killed_process_left_harms_nobody_and_is_removed() {
    for opened_before in [true, false] {
        let (folder, cache) = cache();
        let mut killed = child("cache::tests::stop_in_the_middle", &folder);
        wait_for(&mut killed, "in the middle");
        // While it runs, nobody takes its folder away.
        Cache::open(&folder.path().join("cache")).unwrap();
        assert!(names(&folder).iter().any(|name| name.ends_with(".partial")));
        killed.kill().unwrap();
        killed.wait().unwrap();
        if opened_before {
            assert!(get(&cache).1);
            assert_eq!(names(&folder).len(), 1);
        } else {
            Cache::open(&folder.path().join("cache")).unwrap();
            assert_eq!(names(&folder), [""; 0]);
        }
    }
}

#[test]
#[ignore = "run by another test"]
fn stop_in_the_middle() {
    if !Path::new("cache").exists() {
        return;
    }
    let cache = Cache::open(Path::new("cache")).unwrap();
    let model = file("model.onnx", CONTENT);
    let stopped = cache.get_or_insert(&model, &mut |target| {
        put(b"con", target)?;
        println!("in the middle");
        // Until it is killed, or the other end is closed.
        stdin().read_to_end(&mut Vec::new()).unwrap();
        Ok(())
    });
    stopped.unwrap_err();
}
