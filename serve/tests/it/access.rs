//! Who may do what over HTTP: every route without a token, with a wrong one and with the right one.

use nav_serve::{AccessPolicy, Credential, ServerOptions, SharedMemoryOptions};

use crate::models::recorded;
use crate::subject::{Subject, options};

/// What changes the server, or tells what only those should know who may.
const MANAGEMENT: &[(&str, &str)] = &[
    ("POST", "/v2/repository/models/later/load"),
    ("POST", "/v2/repository/models/later/unload"),
    ("POST", "/v2/repository/other/models/later/load"),
    ("GET", "/v2/systemsharedmemory/status"),
    ("GET", "/v2/systemsharedmemory/region/r/status"),
    ("POST", "/v2/systemsharedmemory/region/r/register"),
    ("POST", "/v2/systemsharedmemory/region/r/unregister"),
    ("POST", "/v2/systemsharedmemory/unregister"),
    ("GET", "/v2/cudasharedmemory/status"),
    ("GET", "/v2/cudasharedmemory/region/r/status"),
    ("POST", "/v2/cudasharedmemory/region/r/register"),
    ("POST", "/v2/cudasharedmemory/region/r/unregister"),
    ("POST", "/v2/cudasharedmemory/unregister"),
    ("GET", "/v2/trace/setting"),
    ("POST", "/v2/trace/setting"),
    ("GET", "/v2/models/addsub/trace/setting"),
    ("POST", "/v2/models/addsub/trace/setting"),
    ("GET", "/v2/logging"),
    ("POST", "/v2/logging"),
];

/// What anybody may.
const OPEN: &[(&str, &str)] = &[
    ("GET", "/v2"),
    ("GET", "/v2/health/live"),
    ("GET", "/v2/health/ready"),
    ("GET", "/v2/models/addsub"),
    ("GET", "/v2/models/addsub/versions/1"),
    ("GET", "/v2/models/addsub/ready"),
    ("GET", "/v2/models/addsub/config"),
    ("GET", "/v2/models/addsub/stats"),
    ("GET", "/v2/models/stats"),
    ("POST", "/v2/repository/index"),
    ("POST", "/v2/models/addsub/infer"),
    ("POST", "/v2/models/textecho/generate"),
    ("POST", "/v2/models/textecho/generate_stream"),
];

fn subject(access: AccessPolicy) -> Subject {
    let folder = recorded::folder();
    let options = ServerOptions {
        shared_memory: Some(SharedMemoryOptions::default()),
        ..options()
    };
    let options = options.everywhere(move |it| it.access = access.clone());
    Subject::start_repository(&recorded::repository(folder.path()), options)
}

fn is_refused(subject: &Subject, (method, path): (&str, &str), head: &str) -> bool {
    let wire =
        format!("{method} {path} HTTP/1.1\r\nHost: t\r\n{head}Content-Length: 2\r\n\r\n{{}}");
    let reply = subject.send(wire.as_bytes()).unwrap();
    assert!(!reply.text().contains("open sesame"), "{}", reply.text());
    reply.status == 403
}

#[test]
fn management_is_closed_to_everybody_unless_it_is_opened() {
    let subject = subject(AccessPolicy::default());
    for route in MANAGEMENT {
        assert!(is_refused(&subject, *route, ""), "{route:?}");
    }
    for route in OPEN {
        assert!(!is_refused(&subject, *route, ""), "{route:?}");
    }
}

#[test]
fn a_token_opens_management_to_those_who_send_it() {
    let subject = subject(AccessPolicy::default().with_token("open sesame"));
    for route in MANAGEMENT {
        let check = |head: &str, expected| {
            assert_eq!(
                is_refused(&subject, *route, head),
                expected,
                "{route:?} {head}"
            );
        };
        check("", true);
        check("triton-access-token: open\r\n", true);
        check("triton-access-token: open sesame\r\n", false);
    }
}

#[test]
fn any_part_can_be_closed_to_those_without_its_header() {
    let credential = Credential {
        header: "team".to_owned(),
        secret: "blue".to_owned(),
    };
    let policy = AccessPolicy::default();
    let policy = policy.restricted("inference", &credential).unwrap();
    let subject = subject(policy);
    let infer = ("POST", "/v2/models/addsub/infer");
    // The method is nobody's business who may not ask.
    for route in [
        infer,
        ("GET", "/v2/models/addsub/infer"),
        ("POST", "/v2/models/textecho/generate"),
    ] {
        assert!(is_refused(&subject, route, ""), "{route:?}");
    }
    assert!(!is_refused(&subject, infer, "team: blue\r\n"));
    assert!(!is_refused(&subject, ("GET", "/v2/health/ready"), ""));
}
