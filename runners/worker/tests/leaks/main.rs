//! Nothing is left behind, counted in a process that does nothing else.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "all of this is a test, and shares its runners and helpers with the other tests"
)]

use std::path::Path;

use nav_package_format::DType;

use runners::{FAULTY, Fault, tensor};
use support::{PATIENT, ask_for, cause_of, load, run, session};

#[path = "../it/runners.rs"]
mod runners;
#[path = "../it/support.rs"]
mod support;

#[test]
#[ignore = "the child that the other test starts"]
fn child_worker() {
    runners::serve();
}

fn open_files() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

fn mappings() -> usize {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    maps.matches("nav-shared-memory").count()
}

/// Processes whose parent is this one, zombies too.
fn children() -> usize {
    let us = std::process::id().to_string();
    let is_child = |folder: &Path| {
        let stat = std::fs::read_to_string(folder.join("stat")).ok()?;
        // After the name, which may hold anything but is in brackets: the state, then the parent.
        let (_, after_name) = stat.rsplit_once(") ")?;
        (after_name.split(' ').nth(1)? == us).then_some(())
    };
    let processes = std::fs::read_dir("/proc").unwrap();
    processes
        .filter_map(|entry| is_child(&entry.unwrap().path()))
        .count()
}

#[test]
fn a_hundred_children_leave_nothing_behind() {
    let before = open_files();
    let x = tensor(0, DType::Int64, &[], vec![1, 0, 0, 0, 0, 0, 0, 0]);
    for round in 0..100 {
        let model = load(FAULTY, "m", PATIENT).unwrap();
        let mut one = session(&model);
        let kept = run(one.as_mut(), std::slice::from_ref(&x)).unwrap();
        // Every fourth child crashes and makes way for another one.
        if round % 4 == 0 {
            cause_of(ask_for(one.as_mut(), Fault::Exit));
            run(session(&model).as_mut(), std::slice::from_ref(&x)).unwrap();
        }
        assert!(mappings() > 0);
        assert!(children() > 0);
        drop((model, one));
        assert_eq!(kept[0], x);
    }
    load(FAULTY, "refused", PATIENT).unwrap_err();
    load(FAULTY, "aborts", PATIENT).unwrap_err();
    assert_eq!(open_files(), before);
    assert_eq!(mappings(), 0);
    assert_eq!(children(), 0);
}
