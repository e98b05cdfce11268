//! What a server's process and those of its workers hold, as the system and its own metrics tell.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::pace::Over;
use crate::server::Server;
use crate::wire::Client;

/// What is looked at, by name; each a number that should not grow.
pub(crate) const NAMES: [&str; 9] = [
    "memory, MB",
    "memory of workers, MB",
    "descriptors",
    "descriptors of workers",
    "threads",
    "workers",
    "mappings",
    "files",
    "series of metrics",
];

/// What is as much as before when nobody asks any more: descriptors, threads, workers and files.
pub(crate) const GIVEN_BACK: [usize; 5] = [2, 3, 4, 5, 7];

/// How long that may take.
const PATIENCE: Duration = Duration::from_secs(90);

/// What was seen at one time, in the order of the names.
pub(crate) type Seen = [f64; NAMES.len()];

/// Looks at a server, and says whether it is ready.
pub(crate) fn look(server: &Server) -> (Seen, Result<(), String>) {
    let process = server.id();
    let workers = children(process);
    let of_workers = |read: fn(u32) -> f64| workers.iter().fold(0.0, |all, it| all + read(*it));
    let files = server.kept().iter().map(|it| files_below(it)).sum();
    let seen = [
        resident(process),
        of_workers(resident),
        entries(process, "fd"),
        of_workers(|worker| entries(worker, "fd")),
        entries(process, "task"),
        count(workers.len()),
        mappings(process),
        files,
        series(server),
    ];
    let ready = Client::new(server.at.http)
        .get("/v2/health/ready")
        .and_then(|reply| reply.expect(200));
    (seen, ready)
}

/// Looks at a server that nobody asks any more, once it has given back what it is to, or after a while.
pub(crate) fn rest(server: &Server, before: &Seen) -> Seen {
    let until = Instant::now() + PATIENCE;
    let never = Over::default();
    loop {
        let (seen, _) = look(server);
        let mut given_back = GIVEN_BACK
            .iter()
            .filter_map(|it| Some((before.get(*it)?, seen.get(*it)?)));
        if given_back.all(|(before, now)| now <= before) || Instant::now() > until {
            return seen;
        }
        never.wait_until(Instant::now() + Duration::from_millis(500));
    }
}

/// Resident, in millions of bytes.
fn resident(process: u32) -> f64 {
    let text = read(process, "status");
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kilobytes.unwrap_or_default() * 1024.0 / 1e6
}

fn mappings(process: u32) -> f64 {
    count(read(process, "maps").lines().count())
}

fn read(process: u32, name: &str) -> String {
    // A worker may end at any time.
    fs::read_to_string(format!("/proc/{process}/{name}")).unwrap_or_default()
}

fn entries(process: u32, name: &str) -> f64 {
    let entries = fs::read_dir(format!("/proc/{process}/{name}"));
    count(entries.map_or(0, Iterator::count))
}

/// The processes that its threads have started.
fn children(process: u32) -> Vec<u32> {
    let threads = fs::read_dir(format!("/proc/{process}/task"));
    let threads = threads.into_iter().flatten().flatten();
    let lists = threads.map(|thread| fs::read_to_string(thread.path().join("children")));
    let lists: Vec<String> = lists.map(Result::unwrap_or_default).collect();
    let numbers = lists.iter().flat_map(|list| list.split_whitespace());
    numbers.filter_map(|number| number.parse().ok()).collect()
}

fn files_below(folder: &Path) -> f64 {
    let mut folders: Vec<PathBuf> = vec![folder.to_owned()];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            files += 1;
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(entry.path());
            }
        }
    }
    count(files)
}

fn series(server: &Server) -> f64 {
    let reply = Client::new(server.at.metrics).get("/metrics");
    let text = reply.map(|reply| String::from_utf8_lossy(&reply.body).into_owned());
    let text = text.unwrap_or_default();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    count(lines.count())
}

fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::INFINITY, f64::from)
}
