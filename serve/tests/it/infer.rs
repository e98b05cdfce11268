//! Inference over a socket: forms of inputs and outputs, compression, what is refused and how.

use std::io::Write;

use nav_serve::HeaderPattern;

use crate::models::engine;
use crate::subject::{Subject, options, posted, receive};

const PATH: &str = "/v2/models/ident_fp32/infer";

fn subject() -> Subject {
    Subject::start(engine(), options())
}

#[test]
fn inputs_and_outputs_travel_as_json_and_binary_in_any_mixture() {
    let subject = subject();
    let json = br#"{"inputs":[{"name":"INPUT0","shape":[1,4],"datatype":"INT32","parameters":{"binary_data_size":16}},{"name":"INPUT1","shape":[1,4],"datatype":"INT32","data":[[1,2,3,4]]}],"outputs":[{"name":"OUTPUT1","parameters":{"binary_data":true}},{"name":"OUTPUT0"}]}"#;
    let block: Vec<u8> = [10_i32, 20, 30, 40]
        .into_iter()
        .flat_map(i32::to_le_bytes)
        .collect();
    let body = [&json[..], &block].concat();
    let length = format!("Inference-Header-Content-Length: {}", json.len());
    let reply = subject.post("/v2/models/addsub/infer", &[&length], &body);
    assert_eq!(reply.status, 200);
    let header: usize = reply
        .header("inference-header-content-length")
        .unwrap()
        .parse()
        .unwrap();
    let expected = r#"{"model_name":"addsub","model_version":"1","outputs":[{"name":"OUTPUT0","datatype":"INT32","shape":[1,4],"data":[11,22,33,44]},{"name":"OUTPUT1","datatype":"INT32","shape":[1,4],"parameters":{"binary_data_size":16}}]}"#;
    assert_eq!(
        std::str::from_utf8(&reply.body[..header]).unwrap(),
        expected
    );
    let differences: Vec<u8> = [9_i32, 18, 27, 36]
        .into_iter()
        .flat_map(i32::to_le_bytes)
        .collect();
    assert_eq!(reply.body[header..], differences);
}

#[test]
fn chunks_of_any_size_are_the_same_request() {
    let subject = subject();
    let json = br#"{"inputs":[{"name":"INPUT0","shape":[1,2],"datatype":"FP32","parameters":{"binary_data_size":8}}]}"#;
    let block: Vec<u8> = [1.5_f32, -2.0]
        .into_iter()
        .flat_map(f32::to_le_bytes)
        .collect();
    let body = [&json[..], &block].concat();
    for size in [1, 7, json.len() - 1, json.len() + 3, body.len()] {
        let mut wire = format!(
            "POST {PATH} HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\nInference-Header-Content-Length: {}\r\n\r\n",
            json.len()
        )
        .into_bytes();
        for chunk in body.chunks(size) {
            wire.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
            wire.extend(chunk);
            wire.extend(b"\r\n");
        }
        wire.extend(b"0\r\n\r\n");
        let reply = subject.send(&wire).unwrap();
        assert!(
            reply.text().ends_with(r#""data":[1.5,-2.0]}]}"#),
            "{size}: {}",
            reply.text()
        );
    }
}

#[test]
fn requests_on_one_connection_are_answered_in_turn() {
    let subject = subject();
    let mut stream = subject.connect();
    let json = |value: i32| {
        let json = format!(
            r#"{{"id":"r{value}","inputs":[{{"name":"INPUT0","shape":[1,1],"datatype":"FP32","data":[{value}]}}]}}"#
        );
        posted(PATH, &[], json.as_bytes())
    };
    let wire: Vec<u8> = (0..20).flat_map(json).collect();
    stream.write_all(&wire).unwrap();
    for value in 0..20 {
        let reply = receive(&mut stream).unwrap();
        let id = format!(r#"{{"id":"r{value}","#);
        assert!(reply.text().starts_with(&id), "{}", reply.text());
    }
}

#[test]
fn refusals_say_what_is_wrong_under_the_right_status() {
    let subject = subject();
    let check = |path: &str, head: &[&str], body: &str, status: u16, text: &str| {
        let reply = subject.post(path, head, body.as_bytes());
        assert_eq!(reply.status, status, "{}", reply.text());
        let expected = format!("{{\"error\":\"{text}\"}}");
        assert_eq!(reply.text(), expected);
    };
    let unknown = "Request for unknown model: 'nope' is not found";
    check("/v2/models/nope/infer", &[], "{}", 404, unknown);
    let version = "Request for unknown model: 'ident_fp32' version 7 is not found";
    check(
        "/v2/models/ident_fp32/versions/7/infer",
        &[],
        "{}",
        404,
        version,
    );
    let coding = "Unsupported Content-Encoding, only gzip and deflate are supported";
    check(PATH, &["Content-Encoding: br"], "{}", 501, coding);
    let empty = "the request has no body";
    check(PATH, &[], "", 400, empty);
    let shared = r#"{"inputs":[{"name":"INPUT0","shape":[1,1],"datatype":"FP32","parameters":{"shared_memory_region":"r","shared_memory_byte_size":4}}]}"#;
    check(
        PATH,
        &[],
        shared,
        501,
        "client shared memory is not offered by this server",
    );
    let huge = r#"{"inputs":[{"name":"INPUT0","shape":[4294967296,4294967296,4294967296],"datatype":"FP32","data":[1]}]}"#;
    check(
        PATH,
        &[],
        huge,
        400,
        "invalid shape for input 'INPUT0': it is too large to address",
    );
    let lower = r#"{"inputs":[{"name":"INPUT0","shape":[1,1],"datatype":"fp32","data":[1]}]}"#;
    check(
        PATH,
        &[],
        lower,
        400,
        "invalid datatype 'fp32' for input 'INPUT0'",
    );
    let reserved = r#"{"parameters":{"triton_x":1},"inputs":[]}"#;
    check(
        PATH,
        &[],
        reserved,
        400,
        "parameter 'triton_x' has a name that is the server's own",
    );
    check(
        "/v2/repository/models/ident_fp32/unload",
        &[],
        "",
        503,
        "explicit model load / unload is not allowed if polling is enabled",
    );
}

#[test]
fn shapes_and_lengths_that_cannot_be_are_refused() {
    let subject = subject();
    for shape in [
        "-1,1",
        "9223372036854775808,2",
        "18446744073709551616,1",
        "1.0,1",
        "2,1",
        "0,1",
        "1",
    ] {
        let json = format!(
            r#"{{"inputs":[{{"name":"INPUT0","shape":[{shape}],"datatype":"FP32","data":[1]}}]}}"#
        );
        let reply = subject.post(PATH, &[], json.as_bytes());
        assert_eq!(reply.status, 400, "{shape}: {}", reply.text());
    }
    let json = r#"{"inputs":[]}"#;
    for length in ["-1", "14", "99999999999999999999", "1e1", "+", ""] {
        let head = format!("Inference-Header-Content-Length: {length}");
        let reply = subject.post(PATH, &[&head], json.as_bytes());
        let text = r#"{"error":"inference header size should be in range (0, 13), got: "#;
        assert_eq!(reply.status, 400);
        assert!(reply.text().starts_with(text), "{length}: {}", reply.text());
    }
}

#[test]
fn answers_are_compressed_as_the_client_likes_and_errors_never() {
    let subject = subject();
    let body = br#"{"inputs":[{"name":"INPUT0","shape":[1,2],"datatype":"FP32","data":[1,2]}]}"#;
    let plain = subject.post(PATH, &[], body);
    let packed = subject.post(PATH, &["Accept-Encoding: deflate"], body);
    assert_eq!(packed.header("content-encoding"), Some("deflate"));
    let mut unpacked = Vec::new();
    let mut decoder = flate2::read::ZlibDecoder::new(&packed.body[..]);
    std::io::Read::read_to_end(&mut decoder, &mut unpacked).unwrap();
    assert_eq!(unpacked, plain.body);
    let error = subject.post(PATH, &["Accept-Encoding: gzip"], b"{}");
    assert_eq!(
        (error.status, error.header("content-encoding")),
        (400, None)
    );
}

#[test]
fn headers_travel_on_to_the_model_when_the_operator_says_so() {
    let pattern = HeaderPattern::new("^x-tenant$").unwrap();
    let options = options().everywhere(|it| it.forward = Some(pattern.clone()));
    let subject = Subject::start(engine(), options);
    let body = r#"{"parameters":{"x-tenant":"forged"},"inputs":[{"name":"INPUT0","shape":[1],"datatype":"INT32","data":[1]}]}"#;
    let head = ["X-Tenant: blue", "X-Other: red"];
    let reply = subject.post("/v2/models/reqinfo/infer", &head, body.as_bytes());
    assert_eq!(reply.status, 200, "{}", reply.text());
    let told = r#"\"parameters\": {\"x-tenant\": \"blue\"}"#;
    assert!(reply.text().contains(told), "{}", reply.text());
}

#[test]
fn requests_have_only_so_much_of_everything() {
    let subject = subject();
    let check = |body: String, expected: &str| {
        let reply = subject.post(PATH, &[], body.as_bytes());
        let text = format!("{{\"error\":\"{expected}\"}}");
        assert_eq!((reply.status, reply.text()), (400, text.as_str()));
    };
    let input = r#"{"name":"INPUT0","shape":[1,1],"datatype":"FP32","data":[1]}"#;
    check(
        format!(r#"{{"inputs":[{input},{input}]}}"#),
        "the request has more than 1 inputs, which is the limit",
    );
    check(
        format!(r#"{{"id":"{}","inputs":[{input}]}}"#, "x".repeat(5000)),
        "the request has more than 4096 bytes in its id, which is the limit",
    );
    let parameters: Vec<String> = (0..1025)
        .map(|number| format!(r#""p{number}":1"#))
        .collect();
    let parameters = parameters.join(",");
    check(
        format!(r#"{{"parameters":{{{parameters}}},"inputs":[{input}]}}"#),
        "the request has more than 1024 parameters, which is the limit",
    );
}
