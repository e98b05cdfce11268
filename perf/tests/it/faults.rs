//! Servers that do what none should: each is a failure of its kind, and none is the end of the measurement.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use nav_perf::{Failure, Level, Load, Options, Protocol, Target};

use crate::servers::{RIGHT, always, brief, call, measured, request, scripted};

const TWO: Load = Load::Closed { concurrency: 2 };

fn of(address: SocketAddr, protocol: Protocol, options: &Options) -> Level {
    measured(
        &Target::at(address, protocol),
        &[call(&[1.0])],
        TWO,
        options,
    )
}

/// Every request must fail like this.
fn check(address: SocketAddr, protocol: Protocol, expected: Failure, example: &str) {
    let level = of(address, protocol, &brief());
    let [(kind, tally)] = &level.failures[..] else {
        panic!("{:?}", level.failures);
    };
    assert_eq!(*kind, expected);
    assert!(tally.example.why.contains(example), "{}", tally.example);
    assert_eq!(tally.count + level.abandoned, level.sent);
}

#[test]
fn an_answer_is_right_or_a_failure() {
    let level = of(always(RIGHT), Protocol::Http, &brief());
    assert!(level.failures.is_empty(), "{:?}", level.failures);
    let http = |answer, kind, example| check(always(answer), Protocol::Http, kind, example);
    http(
        "HTTP/1.1 503 Full\r\nContent-Length: 16\r\nRetry-After: 1\r\n\r\n{\"error\":\"full\"}",
        Failure::Status(503),
        "full",
    );
    http("garbage\r\n\r\n", Failure::Broken, "no answer of HTTP");
    http(
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        Failure::Broken,
        "`y` is not there",
    );
    http(
        "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\noops",
        Failure::Broken,
        "no answer of the protocol",
    );
}

#[test]
fn answers_that_say_when_to_come_back_are_counted() {
    let full = "HTTP/1.1 503 Full\r\nContent-Length: 0\r\nRetry-After: 1\r\n\r\n";
    let level = of(always(full), Protocol::Http, &brief());
    let (_, tally) = &level.failures[0];
    assert_eq!(tally.says_when, tally.count);
    assert_eq!(tally.latencies.count(), tally.count);
}

#[test]
fn connections_that_end_are_made_anew() {
    let closing = scripted(|mut stream| request(&mut stream));
    check(closing, Protocol::Http, Failure::Closed, "");
    let answers_once = scripted(|mut stream| {
        request(&mut stream)?;
        let answer = RIGHT.replacen("\r\n", "\r\nConnection: close\r\n", 1);
        stream.write_all(answer.as_bytes())
    });
    // More than there are connections, if need be after some tries: a busy machine may not get so far in so little time.
    let mut levels = (0..100).map(|_| of(answers_once, Protocol::Http, &brief()));
    let all_right = |level: &Level| {
        assert!(level.failures.is_empty(), "{:?}", level.failures);
        level.sent > 2
    };
    assert!(levels.any(|level| all_right(&level)));
    // One that ends without a word while nothing is under way is no failure of the request after it, or one that is
    // told as what it is: it depends on which of both is first.
    let silent = scripted(|mut stream| {
        request(&mut stream)?;
        stream.write_all(RIGHT.as_bytes())
    });
    let level = of(silent, Protocol::Http, &brief());
    let closed = level
        .failures
        .iter()
        .all(|(kind, _)| *kind == Failure::Closed);
    assert!(closed, "{:?}", level.failures);
    assert!(level.latencies.count() > 0);
}

#[test]
fn nobody_there_is_refused_and_not_asked_without_a_pause() {
    let address = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    for protocol in Protocol::ALL {
        let began = Instant::now();
        let level = of(address, *protocol, &brief());
        let took = began.elapsed();
        let [(Failure::Refused, tally)] = &level.failures[..] else {
            panic!("{}: {:?}", protocol.name(), level.failures);
        };
        // Two connections that rest for 10 ms each time.
        let most = 2 * (took.as_millis() / 10 + 1);
        assert!(
            u128::from(tally.count) <= most,
            "{} in {took:?}",
            tally.count
        );
    }
}

#[test]
fn an_answer_that_never_comes_is_too_late() {
    let silent = scripted(|mut stream| {
        let mut memory = [0; 1024];
        while stream.read(&mut memory)? > 0 {}
        Ok(())
    });
    let options = Options {
        timeout: Duration::from_millis(50),
        ..brief()
    };
    for protocol in Protocol::ALL {
        let level = of(silent, *protocol, &options);
        let [(Failure::TimedOut, tally)] = &level.failures[..] else {
            panic!("{}: {:?}", protocol.name(), level.failures);
        };
        assert_eq!(tally.count, level.sent);
    }
}

#[test]
fn a_server_of_another_protocol_is_told_as_such() {
    let closing = scripted(move |mut stream| {
        let mut memory = [0; 1024];
        let _preface = stream.read(&mut memory)?;
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
    });
    for protocol in [Protocol::Grpc, Protocol::GrpcStream] {
        let level = of(closing, protocol, &brief());
        let broken = level.failures.iter().any(|(kind, tally)| {
            *kind == Failure::Broken && tally.example.why.contains("no answer of HTTP/2")
        });
        assert!(broken, "{:?}", level.failures);
    }
}

#[test]
fn a_server_that_reads_slowly_gets_all_of_a_request() {
    let slow = scripted(|mut stream| {
        let mut memory = [0; 512];
        let mut left: Option<usize> = None;
        let mut head = Vec::new();
        loop {
            let count = stream.read(&mut memory)?;
            if count == 0 {
                return Ok(());
            }
            if let Some(more) = &mut left {
                *more -= count;
            } else {
                head.extend_from_slice(&memory[..count]);
                let text = String::from_utf8_lossy(&head).into_owned();
                let Some((fields, _)) = text.split_once("\r\n\r\n") else {
                    continue;
                };
                let length = fields
                    .lines()
                    .find_map(|line| line.strip_prefix("Content-Length: "));
                let length: usize = length.unwrap().parse().unwrap();
                left = Some(fields.len() + 4 + length - head.len());
            }
            if left == Some(0) {
                stream.write_all(RIGHT.as_bytes())?;
                left = None;
                head.clear();
            }
        }
    });
    let target = Target::at(slow, Protocol::Http);
    let large = call(&vec![1.0; 1 << 20]);
    let level = measured(&target, &[large], Load::Closed { concurrency: 1 }, &brief());
    assert!(level.failures.is_empty(), "{:?}", level.failures);
    assert!(level.latencies.count() > 0);
}
