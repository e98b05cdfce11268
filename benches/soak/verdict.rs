//! What a course comes to: what grew, what got slower, what was answered otherwise than it should be.

use nav_benches::percentile::median;
use nav_benches::record::Record;
use nav_benches::trend::{drift, rise};

use crate::Course;
use crate::load::{Told, WINDOW, Windows};
use crate::server::Server;
use crate::tally::Tally;
use crate::watch::{GIVEN_BACK, NAMES};

/// The part of the time that counts for nothing: memory that is kept for the next time is taken at first.
const WARM_UP: f64 = 0.25;

/// How much each may rise, in the order of the names: so much, or so much of what it is, whichever is more. Connections come
/// and go, and what allocators keep does so in steps.
const MAY_RISE: [(f64, f64); NAMES.len()] = [
    (4.0, 0.04),
    (4.0, 0.04),
    (6.0, 0.0),
    (2.0, 0.0),
    (2.0, 0.0),
    (0.5, 0.0),
    (8.0, 0.02),
    (4.0, 0.0),
    (0.5, 0.0),
];

/// How much slower it may be in the last third than in the first, beyond what an echo is.
const DRIFT: f64 = 1.5;

/// What is told of the latencies of a window.
const PERCENTILES: [(&str, Read); 2] = [("p50", |it| it.p50), ("p99", |it| it.p99)];

type Read = fn(&Told) -> f64;

/// Notes what there is to tell of a server, which is told to end.
pub(crate) fn of(record: &mut Record, (server, course): (&mut Server, &Course), control: &Windows) {
    let name = server.name;
    let last = course.seen.last().map_or(0.0, |(time, _)| *time);
    let warm = last * WARM_UP;
    for (index, (what, (least, part))) in NAMES.iter().zip(MAY_RISE).enumerate() {
        let values = course.seen.iter().filter(|(time, _)| *time >= warm);
        let line = values.filter_map(|(time, seen)| Some((*time, *seen.get(index)?)));
        let line: Vec<(f64, f64)> = line.collect();
        let mut values: Vec<f64> = line.iter().map(|(_, value)| *value).collect();
        let usual = median(&mut values);
        record.result(&format!("{name}: {what}"), usual);
        let limit = least.max(part * usual);
        record.bar(&format!("{name}: {what}, rise"), rise(&line), limit);
    }
    let [before, after] = &course.idle;
    for index in GIVEN_BACK {
        let more = after
            .get(index)
            .zip(before.get(index))
            .map(|(after, before)| after - before);
        let what = NAMES.get(index).copied().unwrap_or_default();
        record.bar(
            &format!("{name}: {what}, more when nobody asks"),
            more.unwrap_or_default(),
            0.5,
        );
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a number of windows"
    )]
    let first = (warm / WINDOW.as_secs_f64()).ceil() as usize;
    let [ours, theirs] = [&course.windows, control].map(|it| it.told(first));
    for (what, read) in PERCENTILES {
        let [mut ours, mut theirs] =
            [&ours, &theirs].map(|it| it.iter().map(read).collect::<Vec<f64>>());
        let [own, echo] = [drift(&ours), drift(&theirs)];
        record.result(&format!("{name}: {what}, ms"), median(&mut ours));
        record.result(&format!("{name}: {what}, echo, ms"), median(&mut theirs));
        record.result(&format!("{name}: {what}, last third of first, echo"), echo);
        record.result(&format!("{name}: {what}, last third of first"), own);
        record.bar(
            &format!("{name}: {what}, drift"),
            own / echo.max(1.0),
            DRIFT,
        );
    }
    tell(record, &format!("{name}: asked"), &course.asked);
    tell(record, &format!("{name}: attacked"), &course.attacked);
    let ended = server.end().map_err(|error| error.to_string());
    let code = ended.map(|status| status.code());
    record.bar(
        &format!("{name}: ended otherwise than with 0"),
        f64::from(u8::from(code != Ok(Some(0)))),
        0.5,
    );
    let left = server.left();
    record.bar(
        &format!("{name}: files that are left of requests"),
        left,
        0.5,
    );
}

/// Tells how often what happened, and what was wrong.
#[expect(clippy::print_stderr, reason = "this is the progress of a bench")]
fn tell(record: &mut Record, name: &str, tally: &Tally) {
    let (mut right, mut wrong) = (0, 0);
    for (what, outcomes) in tally.read() {
        right += outcomes.right;
        wrong += outcomes.wrong;
        eprintln!(
            "{name}: {what}: {} right, {} wrong",
            outcomes.right, outcomes.wrong
        );
        if outcomes.wrong > 0 {
            eprintln!("{name}: {what}: {}", outcomes.example);
        }
    }
    record.result(name, number(right));
    record.bar(&format!("{name}, wrong"), number(wrong), 0.5);
}

fn number(count: u64) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}
