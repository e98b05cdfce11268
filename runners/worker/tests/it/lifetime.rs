//! No process, no file descriptor and no memory is left behind.

use std::io::{BufRead, BufReader};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;

use nav_runners::Session;
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::{Pid, PidfdFlags};

use crate::runners::{FAULTY, Fault};
use crate::support::{PATIENT, ask_for, command, load, session};

fn process_folder(session: &mut dyn Session) -> PathBuf {
    let process = ask_for(session, Fault::ProcessId).unwrap();
    PathBuf::from(format!("/proc/{process}"))
}

#[test]
fn a_child_is_gone_and_reaped_when_its_model_and_sessions_are_dropped() {
    let model = load(FAULTY, "m", PATIENT).unwrap();
    let mut session = session(&model);
    let process = process_folder(session.as_mut());
    drop(model);
    assert!(process.exists(), "a session still needs it");
    drop(session);
    assert!(!process.exists(), "not even a zombie is left");
}

#[test]
fn a_model_without_sessions_ends_its_child_too() {
    let model = load(FAULTY, "m", PATIENT).unwrap();
    let process = process_folder(session(&model).as_mut());
    assert!(process.exists());
    drop(Arc::clone(&model));
    assert!(process.exists());
    drop(model);
    assert!(!process.exists());
}

#[test]
fn a_child_has_only_the_variables_that_are_documented() {
    let model = load(FAULTY, "m", PATIENT).unwrap();
    let foreign = ask_for(session(&model).as_mut(), Fault::CountVariables);
    assert_eq!(foreign, Ok(0));
}

/// Keeps a person who runs the ignored tests from ending them all.
const LAST_ORDER: &str = "load-and-die";

/// What the child of the next test does.
pub(crate) fn load_a_model_and_die() {
    if !std::env::args().any(|argument| argument == LAST_ORDER) {
        return;
    }
    let model = load(FAULTY, "m", PATIENT).unwrap();
    let process = ask_for(session(&model).as_mut(), Fault::ProcessId).unwrap();
    eprintln!("worker {process}");
    // No destructor runs, as in any crash.
    std::process::abort();
}

#[test]
fn a_child_ends_with_its_parent() {
    let command = command("child_that_is_a_parent");
    let mut parent = Command::new(&command.program)
        .args(&command.arguments)
        .arg(LAST_ORDER)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(parent.stderr.take().unwrap()).lines();
    let worker = lines
        .map_while(Result::ok)
        .find_map(|line| line.strip_prefix("worker ")?.parse().ok())
        .unwrap();
    // Gone already, or about to go.
    let process = rustix::process::pidfd_open(Pid::from_raw(worker).unwrap(), PidfdFlags::empty());
    assert!(!parent.wait().unwrap().success());
    if let Ok(process) = process {
        wait_for_end(&process);
    }
}

/// What the child of the next test does.
pub(crate) fn load_what_never_loads() {
    let path =
        std::env::args().find_map(|argument| Some(argument.strip_prefix("model=")?.to_owned()));
    if let Some(path) = path {
        load(FAULTY, path, PATIENT).unwrap();
    }
}

#[test]
fn a_child_that_hangs_while_loading_ends_with_its_parent_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hangs");
    let hanging = UnixListener::bind(&path).unwrap();
    let command = command("child_that_loads_in_vain");
    let mut parent = Command::new(&command.program)
        .args(&command.arguments)
        .arg(format!("model={}", path.display()))
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let (from_worker, _) = hanging.accept().unwrap();
    let worker = rustix::net::sockopt::socket_peercred(&from_worker)
        .unwrap()
        .pid;
    let process = rustix::process::pidfd_open(worker, PidfdFlags::empty());
    parent.kill().unwrap();
    parent.wait().unwrap();
    if let Ok(process) = process {
        wait_for_end(&process);
    }
}

fn wait_for_end(process: &OwnedFd) {
    let minute = Timespec {
        tv_sec: 60,
        tv_nsec: 0,
    };
    let mut ended = [PollFd::new(process, PollFlags::IN)];
    assert_eq!(rustix::event::poll(&mut ended, Some(&minute)), Ok(1));
}
