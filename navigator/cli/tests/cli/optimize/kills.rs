//! Runs that are killed wherever they write something: the old package is there or the new one, and the next run goes on with
//! what was noted.

use std::collections::BTreeMap;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::process::{Child, Stdio};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::inotify::{self, CreateFlags, Reader, WatchFlags};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};

use super::interrupts::polite_signal;
use super::{command, optimize};
use crate::nav::{Place, listing};

/// Few things to try, and time enough for all of them: what there was no time for would be done by the next run.
const ARGUMENTS: &str = "double.onnx --runner OnnxCPU --threads 1 --batch-sizes 1,2 --time-budget 300s --workspace work -o out/double.nav";

fn arguments() -> Vec<&'static str> {
    ARGUMENTS.split(' ').collect()
}

/// How many moments are tried while there is work, and how many while the package is written.
const MOMENTS: usize = 8;

/// What is being written has this name until it is whole, and the next run writes over it.
const UNFINISHED: &str = ".double.nav.partial";

/// What happens in the folders that a run writes to.
struct Writes(OwnedFd);

impl Writes {
    fn to(folders: &[PathBuf]) -> Self {
        let watch = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).unwrap();
        let kinds = WatchFlags::CREATE
            | WatchFlags::MODIFY
            | WatchFlags::CLOSE_WRITE
            | WatchFlags::MOVED_TO
            | WatchFlags::DELETE;
        for folder in folders {
            inotify::add_watch(&watch, folder, kinds).unwrap();
        }
        Self(watch)
    }

    /// Waits until so much has happened, and says whether it did before the process ended; and how much did.
    fn wait(&self, process: &Child, limit: usize) -> (bool, usize) {
        let process = pidfd_open(Pid::from_child(process), PidfdFlags::empty()).unwrap();
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut count = 0;
        loop {
            let mut sources = [
                PollFd::new(&self.0, PollFlags::IN),
                PollFd::new(&process, PollFlags::IN),
            ];
            poll(&mut sources, None).unwrap();
            let has_ended = !sources[1].revents().is_empty();
            let mut events = Reader::new(self.0.as_fd(), &mut buffer);
            loop {
                match events.next() {
                    Err(Errno::WOULDBLOCK) => break,
                    event => {
                        event.unwrap();
                        count += 1;
                    }
                }
                if count >= limit {
                    return (true, count);
                }
            }
            if has_ended {
                return (false, count);
            }
        }
    }
}

/// The folders of a workspace, as an earlier run made them.
fn parts(place: &Place) -> Vec<String> {
    let names = listing(&place.path("work")).into_iter();
    names
        .filter(|name| place.path("work").join(name).is_dir())
        .collect()
}

/// Where writing is looked at.
#[derive(Clone, Copy, Debug, PartialEq)]
enum At {
    Work,
    Package,
}

/// Starts from nothing but the old package, and kills the run when it has written so often. Says whether it did, and how often
/// the run wrote.
fn killed_at(place: &Place, parts: &[String], at: At, moment: usize) -> Option<(bool, usize)> {
    std::fs::remove_dir_all(place.path("work")).unwrap();
    for part in parts {
        std::fs::create_dir_all(place.path("work").join(part)).unwrap();
    }
    let folders: Vec<PathBuf> = match at {
        At::Work => parts
            .iter()
            .map(|part| place.path("work").join(part))
            .collect(),
        At::Package => vec![place.path("out")],
    };
    let writes = Writes::to(&folders);
    let mut running = command(place, &arguments())?
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let (is_there, count) = writes.wait(&running, moment);
    if is_there {
        let signal = if moment.is_multiple_of(2) {
            Signal::KILL
        } else {
            polite_signal()
        };
        kill_process(Pid::from_child(&running), signal).unwrap();
    }
    running.wait().unwrap();
    Some((is_there, count))
}

/// What is noted, by the name of its file.
fn noted(place: &Place) -> BTreeMap<String, Vec<u8>> {
    let folder = place.path("work/journal");
    let names = listing(&folder)
        .into_iter()
        .filter(|name| !name.starts_with('.'));
    names
        .map(|name| (name.clone(), std::fs::read(folder.join(name)).unwrap()))
        .collect()
}

#[test]
fn a_run_killed_at_any_write_leaves_the_old_package_or_the_new_one() {
    let place = Place::new();
    place.doubling_model();
    std::fs::create_dir(place.path("out")).unwrap();
    let Some(ended) = optimize(&place, &arguments()) else {
        return;
    };
    ended.expect(0, &[]);
    let old = std::fs::read(place.path("out/double.nav")).unwrap();
    let parts = parts(&place);
    for at in [At::Work, At::Package] {
        place.write("out/double.nav", &old);
        // Never killed: how many moments there are, give or take a few.
        let (_, all) = killed_at(&place, &parts, at, usize::MAX).unwrap();
        let mut moments: Vec<usize> = (0..MOMENTS)
            .map(|number| 1 + all * number / MOMENTS)
            .collect();
        moments.dedup();
        assert!(moments.len() > 3, "{at:?}: {all}");
        for moment in moments {
            let mut limit = moment;
            loop {
                place.write("out/double.nav", &old);
                let (is_killed, count) = killed_at(&place, &parts, at, limit).unwrap();
                check_what_is_left(&place, &old, at == At::Package || limit % 3 == 0);
                if is_killed {
                    break;
                }
                // The kernel tells of equal writes once if they are looked at late, so that the same moment has a lower number.
                assert!(0 < count && count < limit, "{at:?}: {count} of {limit}");
                limit = (limit * count / all).clamp(1, count);
            }
        }
    }
}

/// Looks at what a run left that was killed, and has another go on.
fn check_what_is_left(place: &Place, old: &[u8], goes_on: bool) {
    let found = std::fs::read(place.path("out/double.nav")).unwrap();
    if found != old {
        place.nav(&["verify", "out/double.nav"]).expect(0, &[]);
    }
    let left = listing(&place.path("out"));
    let is_clean = left == ["double.nav"];
    assert!(is_clean || left == [UNFINISHED, "double.nav"], "{left:?}");
    let before = noted(place);
    if !is_clean || goes_on {
        optimize(place, &arguments()).unwrap().expect(0, &[]);
        place.nav(&["verify", "out/double.nav"]).expect(0, &[]);
        assert_eq!(listing(&place.path("out")), ["double.nav"]);
        let after = noted(place);
        assert!(
            before
                .iter()
                .all(|(name, text)| after.get(name) == Some(text))
        );
    }
}
