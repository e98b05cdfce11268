//! Which runners are ready on this host, found by trying all of them at once, each in a process of its own where
//! it would open a vendor's library.

use std::sync::mpsc::channel;

use nav_package_format::Format;
use nav_runners::{Libraries, Probe, Runner};
use nav_worker::{Isolated, WorkerCommand};

use crate::plan::RunnerFacts;

/// Tries every runner that reads one of these formats, in order of preference. `command` starts a worker.
pub fn probe_runners(
    formats: &[Format],
    libraries: &Libraries,
    command: &WorkerCommand,
) -> Vec<RunnerFacts> {
    let runners: Vec<&'static dyn Runner> = nav_worker::all_runners()
        .filter(|runner| runner.formats().iter().any(|read| formats.contains(read)))
        .collect();
    let (found, all_found) = channel();
    for (position, &runner) in runners.iter().enumerate() {
        let (libraries, command, answer) = (libraries.clone(), command.clone(), found.clone());
        let thread = std::thread::Builder::new().name(format!("nav-probe-{}", runner.name()));
        let started = thread.spawn(move || {
            let probe = probe_runner(runner, &libraries, &command);
            // Whoever asked waits until the last answer is there.
            let _heard = answer.send((position, probe));
        });
        if let Err(error) = started {
            let _heard = found.send((position, missing(&error.to_string())));
        }
    }
    drop(found);
    let mut probes: Vec<(usize, Probe)> = all_found.iter().collect();
    probes.sort_by_key(|&(position, _)| position);
    probes
        .into_iter()
        .filter_map(|(position, probe)| {
            let name = runners.get(position)?.name().to_owned();
            Some(RunnerFacts { name, probe })
        })
        .collect()
}

/// Tries a runner. One that would open a vendor's library is tried in a process of its own, which `command` starts:
/// one that crashes harms nobody, and a library that was only tried does not stay open here, where there is room for
/// one.
pub fn probe_runner(
    runner: &'static dyn Runner,
    libraries: &Libraries,
    command: &WorkerCommand,
) -> Probe {
    let opens_library = runner
        .vendor_runtime()
        .is_some_and(|runtime| libraries.find(runtime).is_ok());
    if opens_library {
        Isolated::new(runner, command.clone()).probe(libraries)
    } else {
        runner.probe(libraries)
    }
}

fn missing(reason: &str) -> Probe {
    Probe::Missing {
        reason: format!("it could not be tried: {reason}"),
        how_to_get_it: "try again when the machine is less busy".to_owned(),
    }
}
