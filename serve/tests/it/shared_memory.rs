//! Memory that clients share: registered, read, written; and all that they may do to it meanwhile.

use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use nav_serve::{AccessPolicy, ServerOptions, SharedMemoryOptions};

use crate::limits::gated;
use crate::models::engine;
use crate::objects::{Object, path};
use crate::subject::{PATIENCE, Subject, options, posted, receive};

const PATH: &str = "/v2/models/ident_fp32/infer";
const ROOT: &str = "/v2/systemsharedmemory";

pub(crate) fn sharing(shared_memory: SharedMemoryOptions) -> ServerOptions {
    ServerOptions {
        shared_memory: Some(shared_memory),
        ..options()
    }
}

fn subject() -> Subject {
    Subject::start(engine(), sharing(SharedMemoryOptions::default()))
}

impl Subject {
    fn register(&self, name: &str, key: &str, offset: u64, size: u64) -> (u16, String) {
        let path = format!("{ROOT}/region/{name}/register");
        let body = format!(r#"{{"key":"{key}","offset":{offset},"byte_size":{size}}}"#);
        self.posted_text(&path, &body)
    }

    fn posted_text(&self, path: &str, body: &str) -> (u16, String) {
        let reply = self.post(path, &[], body.as_bytes());
        (reply.status, reply.text().to_owned())
    }
}

/// A request for as many numbers as the input has bytes for, both of it in shared memory.
fn request(input: &str, output: &str) -> String {
    let output = match output {
        "" => String::new(),
        parameters => {
            format!(r#","outputs":[{{"name":"OUTPUT0","parameters":{{{parameters}}}}}]"#)
        }
    };
    format!(
        r#"{{"inputs":[{{"name":"INPUT0","shape":[1,3],"datatype":"FP32","parameters":{{{input}}}}}]{output}}}"#
    )
}

fn place(region: &str, offset: u64, size: u64) -> String {
    format!(
        r#""shared_memory_region":"{region}","shared_memory_offset":{offset},"shared_memory_byte_size":{size}"#
    )
}

fn error(text: &str) -> String {
    format!("{{\"error\":\"{text}\"}}")
}

const ANSWER: &str = r#"{"model_name":"ident_fp32","model_version":"1","outputs":[{"name":"OUTPUT0","datatype":"FP32","shape":[1,3]}]}"#;

#[test]
fn inputs_are_read_from_regions_and_outputs_written_to_them() {
    let subject = subject();
    let object = Object::new(3 * 4096, &[1.0, 2.0, 3.0]);
    let (status, text) = subject.register("whole", &object.key, 0, 3 * 4096);
    assert_eq!((status, text.as_str()), (200, ""));
    assert_eq!(subject.register("last", &object.key, 8192, 4096).0, 200);
    let body = request(&place("whole", 0, 12), &place("last", 100, 12));
    assert_eq!(
        subject.posted_text(PATH, &body),
        (200, ANSWER.to_owned()),
        "the output is in the region and not in the answer"
    );
    assert_eq!(object.bytes(8192 + 100, 12), object.bytes(0, 12));
    assert_eq!(object.bytes(8192 + 112, 12), [0; 12]);
    // One of both, and more room than is needed.
    let body = request(&place("whole", 4, 12), "");
    let (status, text) = subject.posted_text(PATH, &body);
    assert!(text.ends_with(r#""data":[2.0,3.0,0.0]}]}"#), "{text}");
    assert_eq!(status, 200);
    let told = subject.get(&format!("{ROOT}/status"));
    let key = &object.key;
    let expected = format!(
        r#"[{{"name":"last","key":"{key}","offset":8192,"byte_size":4096}},{{"name":"whole","key":"{key}","offset":0,"byte_size":12288}}]"#
    );
    assert_eq!(told.text(), expected);
    let extensions = r#""system_shared_memory","cuda_shared_memory""#;
    assert!(subject.get("/v2").text().contains(extensions));
}

#[test]
fn strings_in_regions_are_counted_as_they_are_elsewhere() {
    let subject = subject();
    let object = Object::new(4096, &[]);
    object.file.write_all_at(b"\x02\0\0\0hi", 0).unwrap();
    assert_eq!(subject.register("r", &object.key, 0, 4096).0, 200);
    let check = |size, status, expected: &str| {
        let place = place("r", 0, size);
        let body = format!(
            r#"{{"inputs":[{{"name":"INPUT0","shape":[1,1],"datatype":"BYTES","parameters":{{{place}}}}}]}}"#
        );
        let (found, text) = subject.posted_text("/v2/models/ident_bytes/infer", &body);
        assert_eq!(found, status, "{text}");
        assert!(text.contains(expected), "{text}");
    };
    check(6, 200, r#""data":["hi"]"#);
    check(5, 400, "INPUT0");
    check(7, 400, "INPUT0");
}

#[test]
fn registering_says_what_is_wrong() {
    let subject = subject();
    let object = Object::new(8192, &[]);
    let check = |name: &str, key: &str, (offset, size): (u64, u64), status: u16, text: &str| {
        let found = subject.register(name, key, offset, size);
        assert_eq!(found, (status, error(text)));
    };
    let key = object.key.as_str();
    let args = "failed to register shared memory region 'r': invalid args";
    for (offset, size) in [
        (0, 8193),
        (4096, 4097),
        (0, 0),
        (8192, 1),
        (1 << 63, 4096),
        (u64::MAX, 1),
        (4096, u64::MAX),
    ] {
        check("r", key, (offset, size), 400, args);
    }
    let within = format!("Invalid shared memory region: '{key}'");
    check("r", key, (8, 8), 400, &within);
    for key in [
        "/nav_no_such_key",
        "/../etc/passwd",
        "//etc/passwd",
        "/a/b",
        "/..",
        "",
    ] {
        let text = format!("Unable to open shared memory region: '{key}'");
        check("r", key, (0, 8), 400, &text);
    }
    let long = "r".repeat(1025);
    let text = "the name of a shared memory region has at most 1024 bytes";
    check(&long, key, (0, 8), 400, text);
    assert_eq!(subject.register("r", key, 0, 8).0, 200);
    let taken = "shared memory region 'r' already in manager";
    check("r", key, (0, 8), 400, taken);
    let post = |path: &str, body: &str, text: &str| {
        let found = subject.posted_text(&format!("{ROOT}/{path}"), body);
        assert_eq!(found, (400, error(text)));
    };
    let unnamed = "'region name' is necessary to register system shared memory region";
    post("register", "{}", unnamed);
    let no_key = "Shared memory register request has no 'key' field";
    post("region/s/register", r#"{"byte_size":1}"#, no_key);
}

#[test]
fn what_is_no_plain_file_of_its_own_is_never_opened() {
    let subject = subject();
    let object = Object::new(4096, &[]);
    let link = Object::new(0, &[]);
    let check = |key: &str, what: &str| {
        let text = format!("Unable to open shared memory region: '{key}'");
        let found = subject.register("r", key, 0, 8);
        assert_eq!(found, (400, error(&text)), "{what}");
    };
    let replace = |make: &dyn Fn(&PathBuf)| {
        std::fs::remove_file(path(&link.key)).unwrap();
        make(&path(&link.key));
    };
    replace(&|path| std::os::unix::fs::symlink("/etc/hostname", path).unwrap());
    check(&link.key, "a link out of the folder");
    replace(&|link| std::os::unix::fs::symlink(path(&object.key), link).unwrap());
    check(&link.key, "a link within the folder");
    replace(&|link| std::fs::hard_link(path(&object.key), link).unwrap());
    check(&link.key, "a second name");
    check(&object.key, "what has a second name");
    replace(&|link| {
        let made = std::process::Command::new("mkfifo").arg(link).status();
        assert!(made.unwrap().success());
    });
    check(&link.key, "a pipe");
    replace(&|link| std::fs::create_dir(link).unwrap());
    check(&link.key, "a folder");
    std::fs::remove_dir(path(&link.key)).unwrap();
    assert_eq!(subject.register("r", &object.key, 0, 8).0, 200);
}

#[test]
fn the_operator_says_which_keys_and_how_many() {
    let object = Object::new(4096, &[]);
    let shared_memory = SharedMemoryOptions {
        prefixes: vec!["mine_".to_owned()],
        ..SharedMemoryOptions::default()
    };
    let subject = Subject::start(engine(), sharing(shared_memory));
    let key = object.key.as_str();
    let text = error(&format!(
        "shared memory key '{key}' is not among those that this server opens"
    ));
    assert_eq!(subject.register("r", key, 0, 8), (403, text));
    let shared_memory = SharedMemoryOptions {
        prefixes: vec!["mine_".to_owned(), "nav_test_".to_owned()],
        regions: 1,
        ..SharedMemoryOptions::default()
    };
    let subject = Subject::start(engine(), sharing(shared_memory));
    assert_eq!(subject.register("r", key, 0, 8).0, 200);
    let text = error("1 shared memory regions are registered, which is the limit");
    assert_eq!(subject.register("s", key, 0, 8), (503, text));
}

#[test]
fn it_is_off_and_closed_unless_the_operator_opens_it() {
    let off = Subject::start(engine(), options());
    let text = error("client shared memory is not offered by this server");
    for kind in ["system", "cuda"] {
        let path = format!("/v2/{kind}sharedmemory/region/r/register");
        assert_eq!(off.posted_text(&path, "{}"), (501, text.clone()));
        let path = format!("/v2/{kind}sharedmemory/unregister");
        assert_eq!(off.posted_text(&path, ""), (501, text.clone()));
        assert_eq!(
            off.get(&format!("/v2/{kind}sharedmemory/status")).status,
            501
        );
    }
    let body = request(&place("r", 0, 12), "");
    assert_eq!(off.posted_text(PATH, &body), (501, text));
    assert!(!off.get("/v2").text().contains("shared_memory"));
    let closed = sharing(SharedMemoryOptions::default());
    let closed = closed.everywhere(|it| it.access = AccessPolicy::default());
    let closed = Subject::start(engine(), closed);
    assert_eq!(closed.register("r", "/x", 0, 1).0, 403);
    assert_eq!(closed.get(&format!("{ROOT}/status")).status, 403);
}

#[test]
fn places_outside_of_regions_are_refused() {
    let subject = subject();
    let object = Object::new(4096, &[]);
    assert_eq!(subject.register("r", &object.key, 0, 100).0, 200);
    let check = |input: &str, output: &str, status: u16, text: &str| {
        let found = subject.posted_text(PATH, &request(input, output));
        assert_eq!(found, (status, error(text)));
    };
    let unknown = "Unable to find shared memory region: 'none'";
    check(&place("none", 0, 12), "", 404, unknown);
    check(&place("r", 0, 12), &place("none", 0, 12), 404, unknown);
    let end = "Invalid offset + byte size for shared memory region: 'r'";
    let offset = "Invalid offset for shared memory region: 'r'";
    for (at, text) in [
        (89, end),
        (100, end),
        (101, offset),
        (1 << 63, offset),
        (u64::MAX, offset),
    ] {
        check(&place("r", at, 12), "", 400, text);
        check(&place("r", 0, 12), &place("r", at, 12), 400, text);
    }
    check(&place("r", 0, 12), &place("r", 0, u64::MAX), 400, end);
    let mismatch = "[request id: <id_unknown>] input byte size mismatch for input 'INPUT0' for model 'ident_fp32'. Expected 12, got 8";
    check(&place("r", 0, 8), "", 400, mismatch);
    let room = "shared memory size specified with the request for output 'OUTPUT0' (8 bytes) should be at least 12 bytes to hold the results";
    check(&place("r", 0, 12), &place("r", 0, 8), 400, room);
    let size = "Unable to parse 'shared_memory_byte_size': attempt to access non-existing object member 'shared_memory_byte_size'";
    check(r#""shared_memory_region":"r""#, "", 400, size);
}

#[test]
fn shared_memory_goes_with_no_other_form() {
    let subject = subject();
    let object = Object::new(4096, &[1.0, 2.0, 3.0]);
    assert_eq!(subject.register("r", &object.key, 0, 4096).0, 200);
    let place = place("r", 0, 12);
    let check = |output: &str, form: &str| {
        let body = request(&place, &format!("{place},{output}"));
        let text = format!("shared memory can't be set on output 'OUTPUT0' together with '{form}'");
        assert_eq!(subject.posted_text(PATH, &body), (400, error(&text)));
    };
    check(r#""classification":1"#, "classification");
    check(r#""binary_data":true"#, "binary_data");
    let body = request(&place, &format!("{place},\"binary_data\":false"));
    assert_eq!(subject.posted_text(PATH, &body), (200, ANSWER.to_owned()));
    let sources = |found: &str| {
        error(&format!(
            "Input must set only one of the following fields: 'data', 'binary_data_size' in 'parameters', 'shared_memory_region' in 'parameters'. But fields set are: {found}"
        ))
    };
    let body = request(&format!("{place},\"binary_data_size\":12"), "");
    let found = subject.posted_text(PATH, &body);
    let both = sources("'binary_data_size', 'shared_memory_region'");
    assert_eq!(found, (400, both));
    let body = body.replace("\"name\"", "\"data\":[1,2,3],\"name\"");
    let found = subject.posted_text(PATH, &body);
    let all = sources("'data', 'binary_data_size', 'shared_memory_region'");
    assert_eq!(found, (400, all));
}

#[test]
fn an_object_that_its_client_shrinks_is_an_error_of_the_request() {
    let subject = subject();
    let object = Object::new(8192, &[1.0, 2.0, 3.0]);
    assert_eq!(subject.register("r", &object.key, 0, 8192).0, 200);
    let text = "the object of shared memory region 'r' is smaller than when it was registered";
    let gone = (400, error(text));
    let input = request(&place("r", 4096, 12), "");
    let output = request(&place("r", 0, 12), &place("r", 8000, 12));
    assert_eq!(subject.posted_text(PATH, &input).0, 200);
    object.file.set_len(4096 + 11).unwrap();
    assert_eq!(subject.posted_text(PATH, &input), gone);
    assert_eq!(subject.posted_text(PATH, &output), gone);
    assert_eq!(object.file.metadata().unwrap().len(), 4096 + 11);
    object.file.set_len(0).unwrap();
    assert_eq!(subject.posted_text(PATH, &input), gone);
    // What comes back is there again.
    object.file.set_len(8192).unwrap();
    assert_eq!(subject.posted_text(PATH, &output).0, 200);
}

#[test]
fn regions_that_hold_more_than_may_be_held_are_not_read() {
    let subject = subject();
    // As large as a file can be, and empty.
    let object = Object::new(1 << 40, &[]);
    assert_eq!(subject.register("r", &object.key, 0, 1 << 40).0, 200);
    let body = request(&place("r", 0, 1 << 40), "").replace("[1,3]", "[1,274877906944]");
    let text = "the inputs in shared memory have 1099511627776 bytes, and 1073741824 are the limit";
    assert_eq!(subject.posted_text(PATH, &body), (413, error(text)));
}

#[test]
fn regions_may_go_while_requests_use_them() {
    let (engine, entries, go_on) = gated();
    let subject = Subject::start(engine, sharing(SharedMemoryOptions::default()));
    let object = Object::new(4096, &[1.0, 2.0, 3.0]);
    assert_eq!(subject.register("r", &object.key, 0, 4096).0, 200);
    let body = request(&place("r", 0, 12), &place("r", 100, 12));
    let mut running = subject.connect();
    running
        .write_all(&posted(PATH, &[], body.as_bytes()))
        .unwrap();
    entries.recv_timeout(PATIENCE).unwrap();
    let unregister = || subject.posted_text(&format!("{ROOT}/region/r/unregister"), "");
    assert_eq!(unregister(), (200, String::new()));
    assert_eq!(unregister(), (200, String::new()));
    std::fs::remove_file(path(&object.key)).unwrap();
    assert_eq!(subject.get(&format!("{ROOT}/status")).text(), "[]");
    go_on.send(()).unwrap();
    let reply = receive(&mut running).unwrap();
    assert_eq!((reply.status, reply.text()), (200, ANSWER));
    assert_eq!(object.bytes(100, 12), object.bytes(0, 12));
    let unknown = (404, error("Unable to find shared memory region: 'r'"));
    assert_eq!(subject.posted_text(PATH, &body), unknown);
}

#[test]
fn all_regions_go_at_once() {
    let subject = subject();
    let object = Object::new(4096, &[]);
    for name in ["a", "b"] {
        assert_eq!(subject.register(name, &object.key, 0, 8).0, 200);
    }
    let told = subject.get(&format!("{ROOT}/region/b/status"));
    assert!(told.text().starts_with(r#"[{"name":"b","#));
    let path = format!("{ROOT}/unregister");
    assert_eq!(subject.posted_text(&path, ""), (200, String::new()));
    let told = subject.get(&format!("{ROOT}/region/b/status"));
    assert_eq!(told.status, 404);
}

#[test]
fn memory_of_cuda_devices_is_checked_and_said_to_be_missing() {
    let subject = subject();
    let root = "/v2/cudasharedmemory";
    let handle = "A".repeat(86) + "==";
    let check = |handle: &str, device: &str, size: &str, status: u16, text: &str| {
        let body = format!(
            r#"{{"raw_handle":{{"b64":"{handle}"}},"device_id":{device},"byte_size":{size}}}"#
        );
        let found = subject.posted_text(&format!("{root}/region/c/register"), &body);
        assert_eq!(found, (status, error(text)));
    };
    let no_handle = "'raw_handle' must be a valid base64 encoded cudaIpcMemHandle_t";
    check("AAAA", "0", "64", 400, no_handle);
    check("no base64!", "0", "64", 400, no_handle);
    let device = "'device_id' is not the number of a device";
    check(&handle, "4294967296", "64", 400, device);
    check(&handle, "0", "0", 400, "'byte_size' must be more than 0");
    let missing = "failed to register CUDA shared memory region 'c': this build of the server does not map the memory of CUDA device 1";
    check(&handle, "1", "64", 501, missing);
    assert_eq!(subject.get(&format!("{root}/status")).text(), "[]");
    let unknown = error("Unable to find cuda shared memory region: 'c'");
    let told = subject.get(&format!("{root}/region/c/status"));
    assert_eq!((told.status, told.text()), (404, unknown.as_str()));
    let unregistered = subject.posted_text(&format!("{root}/unregister"), "");
    assert_eq!(unregistered, (200, String::new()));
}
