//! Open loads: a server that stalls cannot hide, and a generator that cannot keep up says so.

use std::io::Write;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nav_perf::{Arrivals, Failure, Limit, Load, Options, Protocol, Target};

use crate::servers::{RIGHT, brief, call, identity, measured, request, scripted};

fn open(rate: f64, connections: usize) -> Load {
    Load::Open {
        rate,
        arrivals: Arrivals::Constant,
        connections,
    }
}

#[test]
fn a_stall_is_seen_by_all_that_were_due_in_it() {
    // It answers nothing until the load is over, and then all at once: each waited from when it was due.
    let (sender, receiver): (Sender<()>, Receiver<()>) = channel();
    let (tell, asked): (Sender<()>, Receiver<()>) = channel();
    let gate = Arc::new(Mutex::new(receiver));
    let stalls = scripted(move |mut stream| {
        loop {
            request(&mut stream)?;
            tell.send(()).ok();
            // Ends with the first who lets it, and is open from then on.
            gate.lock().unwrap().recv().ok();
            stream.write_all(RIGHT.as_bytes())?;
        }
    });
    let released = std::thread::Builder::new().name("release".to_owned());
    let sent = released.spawn(move || {
        // From the first request on, so that it is open only when no further one is due.
        asked.recv().ok();
        let (_never, wait) = channel::<()>();
        wait.recv_timeout(Duration::from_secs(1)).ok();
        drop(sender);
    });
    let options = Options {
        time: Duration::from_millis(300),
        ..brief()
    };
    let target = Target::at(stalls, Protocol::Http);
    let level = measured(&target, &[call(&[1.0])], open(200.0, 1), &options);
    drop(sent.unwrap().join());
    assert!(level.failures.is_empty(), "{:?}", level.failures);
    // A client that waits for each answer before it asks again would tell of one slow request.
    assert_eq!(level.latencies.count(), level.sent);
    assert!(level.latencies.count() > 20);
    assert!(level.latencies.quantile(0.1) > Duration::from_millis(300));
    assert_eq!(level.generator.limit, Some(Limit::Connections));
}

#[test]
fn what_cannot_be_sent_in_time_is_too_late() {
    let silent = scripted(|mut stream| {
        request(&mut stream)?;
        request(&mut stream)
    });
    let options = Options {
        timeout: Duration::from_millis(40),
        ..brief()
    };
    let target = Target::at(silent, Protocol::Http);
    let level = measured(&target, &[call(&[1.0])], open(500.0, 1), &options);
    let [(Failure::TimedOut, tally)] = &level.failures[..] else {
        panic!("{:?}", level.failures);
    };
    assert!(
        tally.count > level.sent,
        "{} of {}",
        tally.count,
        level.sent
    );
}

#[test]
fn every_request_of_an_open_load_is_answered_over_every_protocol() {
    let served = identity();
    for protocol in Protocol::ALL {
        for arrivals in [Arrivals::Constant, Arrivals::Poisson] {
            let load = Load::Open {
                rate: 300.0,
                arrivals,
                connections: 16,
            };
            let target = served.target(*protocol);
            let options = Options {
                threads: 2,
                ..brief()
            };
            let level = measured(&target, &[call(&[1.0])], load, &options);
            let name = protocol.name();
            assert!(level.failures.is_empty(), "{name}: {:?}", level.failures);
            assert_eq!(level.latencies.count(), level.sent, "{name}");
            assert!(level.sent > 20, "{name}: {}", level.sent);
        }
    }
}
