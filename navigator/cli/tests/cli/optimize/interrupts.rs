//! Runs that are killed, and children that are: nothing half done is left, nobody is left behind, and the next
//! run goes on.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::models::endless;
use super::{command, optimize};
use crate::nav::{Place, listing};

const ARGUMENTS: &[&str] = &[
    "double.onnx",
    "--runner",
    "OnnxCPU",
    "--time-budget",
    "60s",
    "--max-batch",
    "4",
];

/// Reads what a run says until it says this.
fn read_until(running: &mut Child, text: &str) -> Vec<String> {
    let talk = BufReader::new(running.stderr.take().unwrap());
    let mut read = Vec::new();
    for line in talk.lines() {
        let line = line.unwrap();
        let is_it = line.contains(text);
        read.push(line);
        if is_it {
            break;
        }
    }
    read
}

/// The processes that a process has started and that are still there.
fn children(parent: u32) -> Vec<i32> {
    let tasks = std::fs::read_dir(format!("/proc/{parent}/task"));
    let tasks = tasks.into_iter().flatten().filter_map(Result::ok);
    let lists = tasks.map(|task| std::fs::read_to_string(task.path().join("children")));
    let lists: String = lists.filter_map(Result::ok).collect();
    lists
        .split_ascii_whitespace()
        .map(|number| number.parse().unwrap())
        .collect()
}

/// Whether a process is there and not merely unmourned.
fn is_alive(number: i32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{number}/stat"));
    status.is_ok_and(|status| {
        let state = status.rsplit_once(") ").map(|(_, rest)| rest.to_owned());
        state.is_some_and(|state| !state.starts_with(['Z', 'X']))
    })
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(100);
    while !is_so() {
        assert!(Instant::now() < deadline, "{what} did not happen");
        std::thread::yield_now();
    }
}

/// The signal of Ctrl-C, or the other polite one where whoever started the tests has them ignore that: what they start
/// ignores it too.
pub(super) fn polite_signal() -> Signal {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = u64::from_str_radix(ignored.unwrap().trim(), 16).unwrap();
    if ignored & (1 << (Signal::INT.as_raw() - 1)) == 0 {
        Signal::INT
    } else {
        Signal::TERM
    }
}

/// Kills a run when it says this, and gives the place that it worked in.
fn killed_at(text: &str, signal: Signal) -> Option<Place> {
    let place = Place::new();
    place.doubling_model();
    let mut running = command(&place, ARGUMENTS)?
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let read = read_until(&mut running, text);
    let children = children(running.id());
    kill_process(Pid::from_child(&running), signal).unwrap();
    let status = running.wait().unwrap();
    assert!(!status.success(), "{text}: {read:?}");
    assert!(!place.path("double.nav").exists(), "{text}");
    assert_eq!(
        listing(place.path("cache").parent().unwrap()),
        ["cache", "double.onnx"]
    );
    wait_until("the end of the children", || {
        !children.iter().any(|&child| is_alive(child))
    });
    Some(place)
}

#[test]
fn a_run_that_is_killed_leaves_no_package_and_the_next_goes_on() {
    let stages = [
        "running the untouched model",
        "comparing outputs",
        "measuring every variant a little",
        "growing batches",
        "comparing outputs at the largest batch",
        "measuring through the server's batching",
    ];
    for stage in stages {
        for signal in [Signal::KILL, polite_signal()] {
            let Some(place) = killed_at(stage, signal) else {
                return;
            };
            assert_eq!(listing(&place.cache().join("optimize")).len(), 1);
            let ended = optimize(&place, ARGUMENTS).unwrap();
            ended.expect(0, &["is right"]);
            place.nav(&["verify", "double.nav"]).expect(0, &[]);
        }
    }
}

#[test]
fn what_was_measured_before_a_kill_is_not_measured_again() {
    let place = Place::new();
    place.doubling_model();
    let folder = place.path("work");
    let folder = folder.to_str().unwrap();
    // Time enough for everything: what there was no time for would be done now.
    let own =
        "double.onnx --runner OnnxCPU --time-budget 300s --batch-sizes 1,2 --threads 1 --json";
    let own: Vec<&str> = own.split(' ').chain(["--workspace", folder]).collect();
    let Some(first) = optimize(&place, &own) else {
        return;
    };
    let measured = |told: &serde_json::Value| told["records"].to_string();
    let first = first.expect(0, &[]).json();
    let journal = listing(&PathBuf::from(folder).join("journal"));
    let second = optimize(&place, &own).unwrap().expect(0, &[]).json();
    assert_eq!(listing(&PathBuf::from(folder).join("journal")), journal);
    // All but the time that it took; the choice as it will be served too.
    let numbers = |told: &serde_json::Value| {
        let records = told["records"].as_array().unwrap().iter();
        records
            .map(|record| record["measurements"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(numbers(&first), numbers(&second));
    let measuring = |told: &serde_json::Value| told["timeline"]["measuring_ms"].as_f64().unwrap();
    assert!(measuring(&first) > 0.0);
    assert_eq!(second["timeline"]["measuring_ms"], 0.0);
    let fresh = [&own[..], &["--fresh"]].concat();
    let third = optimize(&place, &fresh).unwrap().expect(0, &[]).json();
    assert_ne!(measured(&first), measured(&third));
}

#[test]
fn two_runs_do_not_work_in_one_folder() {
    let place = Place::new();
    place.write("double.onnx", &endless(1 << 50).to_bytes());
    let Some(mut command) = command(&place, ARGUMENTS) else {
        return;
    };
    let mut running = command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    read_until(&mut running, "running the untouched model");
    let second = optimize(&place, ARGUMENTS).unwrap();
    second.expect(1, &["another run works in"]);
    running.kill().unwrap();
    running.wait().unwrap();
}

#[test]
fn a_child_that_is_killed_is_a_record() {
    let place = Place::new();
    place.write("double.onnx", &endless(1 << 50).to_bytes());
    // The limit on steps, which is a part of the budget, must not end it first on a busy machine.
    let own = [
        "double.onnx",
        "--runner",
        "OnnxCPU",
        "--time-budget",
        "300s",
        "--json",
    ];
    let Some(mut command) = command(&place, &own) else {
        return;
    };
    let mut running = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let number = running.id();
    let talk = running.stderr.take().unwrap();
    let mut talk = BufReader::new(talk);
    let mut line = String::new();
    while !line.contains("running the untouched model") {
        line.clear();
        assert_ne!(talk.read_line(&mut line).unwrap(), 0);
    }
    // What proved the runner may still be on its way out, and other variants load beside the untouched model.
    let untouched = || {
        let is_it = |child: &i32| {
            let command = std::fs::read_to_string(format!("/proc/{child}/cmdline"));
            command.is_ok_and(|command| command.contains("/onnx-OnnxCPU.json"))
        };
        children(number).into_iter().find(is_it)
    };
    // It is at work on what never ends.
    wait_until("the run", || {
        let Some(child) = untouched() else {
            return false;
        };
        let stat = std::fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
        let fields: Vec<&str> = stat
            .rsplit_once(") ")
            .map_or("", |(_, rest)| rest)
            .split(' ')
            .collect();
        // Its time of computing, in hundredths of a second.
        fields.get(11).and_then(|time| time.parse::<u64>().ok()) > Some(50)
    });
    kill_process(Pid::from_raw(untouched().unwrap()).unwrap(), Signal::KILL).unwrap();
    drop(talk);
    let ended = crate::nav::Ended::of(&running.wait_with_output().unwrap());
    assert_eq!(ended.code, 3, "{ended:?}");
    let reason = ended.json()["records"][0]["reason"].to_string();
    assert!(reason.contains("killed by signal 9 (SIGKILL)"), "{reason}");
}
