//! `nav runtime`: what is installed is checked, whole or not there at all.

use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process_group};

use crate::nav::{Ended, Place, listing};

/// A stand-in for Python: a script that is called like `python3 -m pip download ...`.
fn with_python(place: &Place, script: &str) -> String {
    let path = place.write("python", format!("#!/bin/sh\n{script}\n").as_bytes());
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path.to_str().unwrap().to_owned()
}

fn install(place: &Place, script: &str) -> Ended {
    let python = with_python(place, script);
    let mut command = place.command(&["runtime", "install", "onnxruntime"]);
    let output = command
        .env("NAV_PYTHON", python)
        .env_remove("NAV_OFFLINE")
        .output()
        .unwrap();
    Ended::of(&output)
}

/// What others could take for an installed runtime.
fn visible(place: &Place) -> Vec<String> {
    let mut names = listing(&place.cache().join("runtimes"));
    names.retain(|name| !name.starts_with('.'));
    names
}

#[test]
fn nothing_is_installed_at_first_and_every_runtime_is_listed() {
    let list = Place::new()
        .nav(&["runtime", "list", "--json"])
        .expect(0, &[])
        .json();
    assert_eq!(list["schema"], 1);
    let runtimes = list["runtimes"].as_array().unwrap();
    let names: Vec<&str> = runtimes
        .iter()
        .filter_map(|entry| entry["name"].as_str())
        .collect();
    assert_eq!(
        names,
        [
            "onnxruntime",
            "onnxruntime-cuda",
            "libtorch-cpu",
            "libtorch-cuda",
            "tensorrt",
            "tensorrt-lean"
        ]
    );
    assert!(runtimes.iter().all(|entry| entry["installed"] == false));
}

#[test]
fn offline_refuses_to_fetch_and_says_what_else_to_do() {
    let ended = Place::new().nav(&["runtime", "install", "onnxruntime"]);
    ended.expect(5, &["downloads are forbidden", "hint:", "--from"]);
}

#[test]
fn a_wheel_with_another_digest_is_refused_and_leaves_nothing() {
    let place = Place::new();
    let script = "for last; do :; done\n\
                  while [ \"$1\" != --dest ]; do shift; done\n\
                  echo fake > \"$2/onnxruntime-1.31.1-cp312-cp312-manylinux_2_28_x86_64.whl\"";
    install(&place, script).expect(4, &["has SHA-256", "expected 1f3dea47"]);
    assert_eq!(visible(&place), [""; 0]);
    assert_eq!(
        listing(&place.cache().join("runtimes")),
        [".onnxruntime-1.31.1.lock"]
    );
}

#[test]
fn what_pip_says_last_is_the_reason() {
    let place = Place::new();
    let ended = install(
        &place,
        "echo 'WARNING: x' >&2; echo 'ERROR: No matching wheel' >&2; exit 1",
    );
    ended.expect(
        5,
        &[
            "pip could not fetch onnxruntime==1.31.1",
            "ERROR: No matching wheel",
        ],
    );
    install(&place, "exit 0").expect(5, &["it did not bring onnxruntime-1.31.1"]);
}

#[test]
fn no_python_is_said_with_what_to_do() {
    let place = Place::new();
    let mut command = place.command(&["runtime", "install", "onnxruntime"]);
    command
        .env("NAV_PYTHON", "/nowhere/python")
        .env_remove("NAV_OFFLINE");
    Ended::of(&command.output().unwrap()).expect(5, &["/nowhere/python", "hint: install Python 3"]);
}

#[test]
fn an_installation_that_is_killed_leaves_nothing_and_the_next_one_starts_afresh() {
    let place = Place::new();
    // The stand-in writes half a wheel, says so, and would hang for ever.
    let script = "while [ \"$1\" != --dest ]; do shift; done\n\
                  echo half > \"$2/half.part\"\n\
                  echo started >&2\n\
                  exec tail -f /dev/null";
    let python = with_python(&place, &script.replace(">&2", "> \"$NAV_STARTED\""));
    let (mut started, writer) = fifo(&place);
    let mut command = place.command(&["runtime", "install", "onnxruntime"]);
    let mut child = std::os::unix::process::CommandExt::process_group(&mut command, 0)
        .env("NAV_PYTHON", python)
        .env("NAV_STARTED", &writer)
        .env_remove("NAV_OFFLINE")
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut said = [0; 7];
    started.read_exact(&mut said).unwrap();
    let group = Pid::from_child(&child);
    kill_process_group(group, Signal::KILL).unwrap();
    child.wait().unwrap();
    assert_eq!(visible(&place), [""; 0]);
    let list = place
        .nav(&["runtime", "list", "--json"])
        .expect(0, &[])
        .json();
    assert_eq!(list["runtimes"][0]["installed"], false);
    install(&place, "exit 0").expect(5, &["it did not bring"]);
    assert_eq!(
        listing(&place.cache().join("runtimes")),
        [".onnxruntime-1.31.1.lock"]
    );
}

/// A named pipe, opened for reading without waiting for a writer.
fn fifo(place: &Place) -> (std::fs::File, std::path::PathBuf) {
    let path = place.path("started");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &path,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
        0,
    )
    .unwrap();
    // Opened for both, so that neither opening it nor reading before the writer comes ends the wait.
    let file = std::fs::File::options()
        .read(true)
        .write(true)
        .open(&path)
        .unwrap();
    (file, path)
}

#[test]
fn a_local_wheel_must_be_the_one_that_is_pinned() {
    let place = Place::new();
    place.write("wheels/other.whl", b"");
    let ended = place.nav(&["runtime", "install", "onnxruntime", "--from", "wheels"]);
    ended.expect(5, &["onnxruntime-1.31.1-cp312", "is not at wheels"]);
    let name = "onnxruntime-1.31.1-cp312-cp312-manylinux_2_28_x86_64.whl";
    let wheel = place.write(name, b"fake");
    let from = wheel.to_str().unwrap();
    place
        .nav(&["runtime", "install", "onnxruntime", "--from", from])
        .expect(4, &["SHA-256"]);
    assert!(wheel.exists(), "the user's own file stays");
}

#[test]
fn removing_what_is_not_there_is_no_error() {
    let place = Place::new();
    place
        .nav(&["runtime", "remove", "onnxruntime"])
        .expect(0, &["is not installed"]);
    place.write(
        "cache/runtimes/onnxruntime-1.31.1/lib/libonnxruntime.so.1.31.1",
        b"x",
    );
    place
        .nav(&["runtime", "remove", "onnxruntime"])
        .expect(0, &["removed onnxruntime 1.31.1"]);
    assert_eq!(visible(&place), [""; 0]);
}
