//! Who may manage a server.

use std::io::Write;

use nav_adapter::{Triton, TritonConfig, TritonSecurityConfig};

use super::{builder, free_ports};
use crate::subject::{connect, posted, receive};

const STATISTICS: &str = "/v2/models/stats";
const INDEX: &str = "/v2/repository/index";

fn status(triton: &Triton, wire: &[u8]) -> u16 {
    let mut stream = connect(triton.http_address().unwrap());
    stream.write_all(wire).unwrap();
    receive(&mut stream).unwrap().status
}

fn get(triton: &Triton, path: &str, head: &str) -> u16 {
    let wire = format!("GET {path} HTTP/1.1\r\nHost: t\r\n{head}\r\n");
    status(triton, wire.as_bytes())
}

fn running(security: TritonSecurityConfig, config: TritonConfig) -> Triton {
    let triton = builder(config).security(security).build().unwrap();
    triton.run().unwrap();
    triton
}

#[test]
fn what_tells_of_clients_or_changes_the_server_needs_a_token_that_nobody_guesses() {
    let (one, other) = (
        running(TritonSecurityConfig::default(), free_ports()),
        super::triton(),
    );
    assert_ne!(one.access_token(), other.access_token());
    assert_eq!(one.access_token().len(), 32);
    assert_eq!(get(&one, STATISTICS, ""), 403);
    assert_eq!(get(&one, STATISTICS, "triton-access-token: wrong\r\n"), 403);
    let token = format!("triton-access-token: {}\r\n", one.access_token());
    assert_eq!(get(&one, STATISTICS, &token), 200);
    assert_eq!(status(&one, &posted(INDEX, &[], b"")), 403);
    assert_eq!(get(&one, "/v2/health/ready", ""), 200);
    assert_eq!(get(&one, "/v2", ""), 200);
}

#[test]
fn an_empty_list_opens_everything_and_others_just_what_they_leave_out() {
    let open = running(TritonSecurityConfig::open(), free_ports());
    assert_eq!(get(&open, STATISTICS, ""), 200);
    assert_eq!(status(&open, &posted(INDEX, &[], b"")), 200);
    let metadata = TritonSecurityConfig {
        access_token: Some("mine".to_owned()),
        restricted_endpoints: Some(vec!["metadata".to_owned()]),
    };
    let some = running(metadata, free_ports());
    assert_eq!(some.access_token(), "mine");
    assert_eq!(get(&some, STATISTICS, ""), 200);
    assert_eq!(get(&some, "/v2", ""), 403);
    assert_eq!(get(&some, "/v2", "triton-access-token: mine\r\n"), 200);
}

#[test]
fn rules_of_a_protocol_hold_beside_the_token() {
    let config = TritonConfig {
        http_restricted_api: vec!["health:probe-key=1234".to_owned()],
        ..free_ports()
    };
    let triton = running(TritonSecurityConfig::default(), config);
    assert_eq!(get(&triton, "/v2/health/ready", ""), 403);
    assert_eq!(get(&triton, "/v2/health/ready", "probe-key: 1234\r\n"), 200);
}

#[test]
fn what_is_no_token_and_what_is_no_part_is_refused() {
    let check = |security: TritonSecurityConfig, expected: &str| {
        let refused = builder(free_ports()).security(security).build();
        assert_eq!(refused.unwrap_err().to_string(), expected);
    };
    let token = TritonSecurityConfig {
        access_token: Some("two words".to_owned()),
        ..TritonSecurityConfig::default()
    };
    check(
        token,
        "access_token: it must be one word of plain characters, since a header carries it",
    );
    let part = TritonSecurityConfig {
        restricted_endpoints: Some(vec!["moon".to_owned()]),
        ..TritonSecurityConfig::default()
    };
    check(
        part,
        "restricted_endpoints: there is no part `moon` of the server: it has health, metadata, inference, shared-memory, model-config, model-repository, statistics, trace, logging",
    );
    let secret = TritonSecurityConfig {
        access_token: Some("hidden".to_owned()),
        ..TritonSecurityConfig::default()
    };
    assert!(!format!("{secret:?}").contains("hidden"));
}
