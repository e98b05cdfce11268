//! Whether anything of a server grows while it is asked properly and improperly for hours, and whether it gets slower.
//! `cargo build --release -p nav-cli && cargo bench -p nav-benches --bench soak -- [MINUTES]`, of which 24 hours are 1440.
//!
//! Two servers, one with its models in processes of their own, with models of every kind: batches, sequences, an ensemble, a
//! package, kept responses, streams. Four protocols at a steady rate far below what the servers can; somebody who goes through all
//! that they offer and looks at every number; models that come and go; and beside that everything that is wrong, too much, too
//! slow, or gone before its answer.

mod callers;
mod frames;
mod hostile;
mod load;
mod pace;
mod place;
mod server;
mod tally;
mod verdict;
mod watch;
mod wire;

use std::error::Error;
use std::thread::{Builder, Scope};
use std::time::{Duration, Instant};

use nav_benches::echo_edges;
use nav_benches::record::Record;
use nav_perf::{Call, Protocol};

use crate::callers::Caller;
use crate::load::{Asked, Windows};
use crate::pace::Over;
use crate::server::Server;
use crate::tally::Tally;
use crate::watch::Seen;

/// How long, in minutes, if the command line does not say.
const MINUTES: u64 = 5;

/// How long from one look at the servers to the next: seldom enough for a day of them to be kept.
const LOOK: Duration = Duration::from_secs(5);

/// How many looks there are for one that is told of.
const TOLD: usize = 12;

/// What came of one server.
#[derive(Debug, Default)]
pub(crate) struct Course {
    /// What its callers got.
    pub(crate) asked: Tally,
    /// What those got who mean harm.
    pub(crate) attacked: Tally,
    pub(crate) windows: Windows,
    /// What was seen of it before anybody asked, and when nobody asked any more.
    pub(crate) idle: [Seen; 2],
    /// What was seen of it meanwhile, and when.
    pub(crate) seen: Vec<(f64, Seen)>,
}

fn main() -> Result<(), Box<dyn Error>> {
    // Cargo adds a flag of its own.
    let minutes = std::env::args().skip(1).find(|it| !it.starts_with('-'));
    let minutes = minutes.map_or(Ok(MINUTES), |it| it.parse())?;
    let time = Duration::from_secs(60 * minutes);
    let folder = tempfile::tempdir()?;
    let (models, package) = place::write(folder.path())?;
    let start = |name, more: &[&str]| Server::start(name, (&models, &package), folder.path(), more);
    let mut servers = [start("plain", &[])?, start("isolated", &["--isolate"])?];
    let control = Windows::default();
    let mut courses = [Course::default(), Course::default()];
    for (server, course) in servers.iter().zip(&mut courses) {
        course.idle = [watch::look(server).0; 2];
    }
    let began = Instant::now();
    soak((&mut servers, &mut courses), &control, (began, time))?;
    for (server, course) in servers.iter().zip(&mut courses) {
        course.idle[1] = watch::rest(server, &course.idle[0]);
    }
    let mut record = Record::new("soak");
    record.result("minutes", began.elapsed().as_secs_f64() / 60.0);
    for (server, course) in servers.iter_mut().zip(&courses) {
        verdict::of(&mut record, (server, course), &control);
    }
    record.print()?;
    match record.unmet().as_slice() {
        [] => Ok(()),
        unmet => Err(format!("not as it should be: {}", unmet.join("; ")).into()),
    }
}

/// Has everybody go on for so long, and looks at the servers meanwhile.
fn soak(
    (servers, courses): (&mut [Server], &mut [Course]),
    control: &Windows,
    (began, time): (Instant, Duration),
) -> Result<(), Box<dyn Error>> {
    let over = Over::default();
    let own = Tally::default();
    let row = load::row()?;
    let echo = Asked {
        address: echo_edges::http()?,
        protocol: Protocol::Http,
        check: false,
    };
    let mut seen = vec![Vec::new(); servers.len()];
    let ended = std::thread::scope(|scope| -> Result<(), Box<dyn Error>> {
        for (server, course) in servers.iter().zip(courses.iter()) {
            beset(scope, (server, course), (&row, began), &over)?;
        }
        named(scope, "control", || {
            load::go_on(echo, &row, (began, &over), (control, &own));
        })?;
        let mut due = Instant::now();
        while began.elapsed() < time {
            for ((server, course), seen) in servers.iter().zip(courses.iter()).zip(&mut seen) {
                let (found, ready) = watch::look(server);
                if seen.len().is_multiple_of(TOLD) {
                    tell(server, (began, &found), [&course.windows, control]);
                }
                seen.push((began.elapsed().as_secs_f64(), found));
                course.asked.note("ready", ready);
            }
            due = (due + LOOK).max(Instant::now());
            over.wait_until(due);
            for server in servers.iter_mut() {
                if server.has_ended().is_some() {
                    over.tell();
                    let words = server.last_words();
                    return Err(format!("the server `{}` has ended: {words}", server.name).into());
                }
            }
        }
        over.tell();
        Ok(())
    });
    for (course, seen) in courses.iter_mut().zip(seen) {
        course.seen = seen;
    }
    ended
}

/// Says what was just seen, as somebody may be watching.
#[expect(clippy::print_stderr, reason = "this is the progress of a bench")]
fn tell(server: &Server, (began, seen): (Instant, &Seen), windows: [&Windows; 2]) {
    let named = watch::NAMES.iter().zip(seen);
    let mut told: Vec<String> = named
        .map(|(name, value)| format!("{name} {value:.1}"))
        .collect();
    for (windows, whose) in windows.iter().zip(["", "echo "]) {
        if let Some(last) = windows.told(0).last() {
            told.push(format!(
                "{whose}p50 {:.2} ms, p99 {:.2} ms",
                last.p50, last.p99
            ));
        }
    }
    let minutes = began.elapsed().as_secs() / 60;
    eprintln!("{minutes} min, {}: {}", server.name, told.join(", "));
}

/// Everybody who wants something of a server.
fn beset<'scope>(
    scope: &'scope Scope<'scope, '_>,
    (server, course): (&Server, &'scope Course),
    (row, began): (&'scope Call, Instant),
    over: &'scope Over,
) -> Result<(), Box<dyn Error>> {
    let at = server.at;
    let mut caller = Caller::new(at, server.name)?;
    named(scope, "caller", move || caller.go_on(over, &course.asked))?;
    named(scope, "attacks", move || {
        hostile::attack(at, over, &course.attacked);
    })?;
    named(scope, "lingers", move || {
        hostile::linger(at, over, &course.attacked);
    })?;
    for protocol in Protocol::ALL {
        let asked = Asked {
            address: load::address(at, *protocol),
            protocol: *protocol,
            check: true,
        };
        let told = (&course.windows, &course.asked);
        named(scope, protocol.name(), move || {
            load::go_on(asked, row, (began, over), told);
        })?;
    }
    Ok(())
}

fn named<'scope>(
    scope: &'scope Scope<'scope, '_>,
    name: &str,
    run: impl FnOnce() + Send + 'scope,
) -> std::io::Result<()> {
    let thread = Builder::new().name(name.to_owned());
    // The scope waits for it.
    drop(thread.spawn_scoped(scope, run)?);
    Ok(())
}
