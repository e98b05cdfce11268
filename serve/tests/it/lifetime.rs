//! The end of a server: drained, late, at once.

use std::io::Write;
use std::time::Duration;

use nav_engine::ModelOptions;
use nav_serve::{Ended, ServerOptions};

use crate::limits::{ONE, gated, gated_as};
use crate::models::engine;
use crate::subject::{PATIENCE, Subject, options, posted, receive};

const PATH: &str = "/v2/models/ident_fp32/infer";

#[test]
fn an_idle_server_ends_with_its_connections() {
    let subject = Subject::start(engine(), options());
    let mut idle = subject.connect();
    idle.write_all(b"GET /v2/health/ready HTTP/1.1\r\nHost: t\r\n\r\n")
        .unwrap();
    assert_eq!(receive(&mut idle).unwrap().status, 200);
    assert_eq!(subject.end(), Ended::Drained);
    assert_eq!(receive(&mut idle), None);
}

#[test]
fn what_runs_is_answered_and_what_comes_later_is_not_ready() {
    let (engine, entries, go_on) = gated();
    let subject = Subject::start(engine.clone(), options());
    let mut running = subject.connect();
    running.write_all(&posted(PATH, &[], ONE)).unwrap();
    entries.recv_timeout(PATIENCE).unwrap();
    subject.stopper.stop();
    let began = std::time::Instant::now();
    while engine.is_ready() && began.elapsed() < PATIENCE {
        std::thread::yield_now();
    }
    assert_eq!(subject.get("/v2/health/ready").status, 400);
    assert_eq!(subject.get("/v2/health/live").status, 200);
    let refused = subject.post(PATH, &[], ONE);
    assert_eq!(refused.status, 503, "{}", refused.text());
    go_on.send(()).unwrap();
    assert_eq!(receive(&mut running).unwrap().status, 200);
    assert_eq!(subject.ended(), Ended::Drained);
}

#[test]
fn a_deadline_ends_what_does_not_end_by_itself() {
    let (engine, entries, go_on) = gated();
    let options = ServerOptions {
        drain: Duration::from_millis(20),
        ..options()
    };
    let subject = Subject::start(engine, options);
    let mut running = subject.connect();
    running.write_all(&posted(PATH, &[], ONE)).unwrap();
    entries.recv_timeout(PATIENCE).unwrap();
    assert_eq!(subject.end(), Ended::Late);
    drop(go_on);
}

#[test]
fn told_twice_it_ends_at_once() {
    let (engine, entries, go_on) = gated();
    let subject = Subject::start(engine, options());
    let mut running = subject.connect();
    running.write_all(&posted(PATH, &[], ONE)).unwrap();
    entries.recv_timeout(PATIENCE).unwrap();
    subject.stopper.stop();
    subject.stopper.stop();
    assert_eq!(subject.ended(), Ended::AtOnce);
    drop(go_on);
}

#[test]
fn a_model_that_stays_ill_ends_the_server_so_that_another_is_started() {
    let (engine, entries, go_on) = gated_as(ModelOptions {
        stuck_after: Duration::from_millis(10),
        ..ModelOptions::default()
    });
    let options = ServerOptions {
        unready: Some(Duration::from_millis(40)),
        drain: Duration::from_millis(20),
        ..options()
    };
    let subject = Subject::start(engine, options);
    let mut running = subject.connect();
    running.write_all(&posted(PATH, &[], ONE)).unwrap();
    entries.recv_timeout(PATIENCE).unwrap();
    assert_eq!(subject.ended(), Ended::Unready);
    drop(go_on);
}
