//! Memory that clients share, over gRPC: the same as over HTTP.

use serde_json::{Value, json};

use nav_serve::{AccessPolicy, SharedMemoryOptions};

use crate::models::engine;
use crate::objects::Object;
use crate::rpc::{Client, path};
use crate::shared_memory::sharing;
use crate::subject::{Subject, options};

const NOT_FOUND: i32 = 5;
const INVALID: i32 = 3;
const EXISTS: i32 = 6;
const DENIED: i32 = 7;
const UNIMPLEMENTED: i32 = 12;

fn subject() -> Subject {
    Subject::start(engine(), sharing(SharedMemoryOptions::default()))
}

fn register(client: &Client, name: &str, key: &str, size: u64) -> Result<Value, (i32, String)> {
    let asked = json!({"name": name, "key": key, "byte_size": size});
    client.ask("SystemSharedMemoryRegister", &asked)
}

fn place(region: &str, offset: u64, size: u64) -> Value {
    json!({
        "shared_memory_region": {"string_param": region},
        "shared_memory_offset": {"int64_param": offset},
        "shared_memory_byte_size": {"int64_param": size},
    })
}

/// A request for as many words or numbers as lie there.
fn request((model, input, dtype): (&str, &str, &str), shape: &[i64], place: &Value) -> Value {
    json!({
        "model_name": model,
        "inputs": [{"name": input, "datatype": dtype, "shape": shape, "parameters": place}],
    })
}

const NUMBERS: (&str, &str, &str) = ("ident_fp32", "INPUT0", "FP32");

#[test]
fn tensors_lie_in_regions_over_grpc_too() {
    let subject = subject();
    let client = Client::connect(subject.grpc);
    let object = Object::new(4096, &[1.0, 2.0, 3.0]);
    assert_eq!(register(&client, "r", &object.key, 4096), Ok(json!({})));
    let mut asked = request(NUMBERS, &[1, 3], &place("r", 0, 12));
    let answer = client.infer(&asked).unwrap();
    assert_eq!(
        answer["raw_output_contents"],
        json!(["AACAPwAAAEAAAEBA"]),
        "{answer}"
    );
    asked["outputs"] = json!([{"name": "OUTPUT0", "parameters": place("r", 1024, 64)}]);
    let answer = client.infer(&asked).unwrap();
    assert_eq!(answer["outputs"][0]["shape"], json!([1, 3]));
    assert_eq!(answer["raw_output_contents"], json!([""]));
    assert_eq!(object.bytes(1024, 12), object.bytes(0, 12));
    let told = client.ask("SystemSharedMemoryStatus", &json!({}));
    let key = &object.key;
    assert_eq!(
        told,
        Ok(json!({"regions": {"r": {"name": "r", "key": key, "byte_size": 4096}}}))
    );
    let unregistered = client.ask("SystemSharedMemoryUnregister", &json!({"name": "r"}));
    assert_eq!(unregistered, Ok(json!({})));
    let unknown = "Unable to find shared memory region: 'r'".to_owned();
    assert_eq!(client.infer(&asked), Err((NOT_FOUND, unknown)));
}

#[test]
fn streams_read_and_write_regions() {
    let subject = subject();
    let client = Client::connect(subject.grpc);
    let object = Object::new(4096, &[]);
    let file = &object.file;
    std::os::unix::fs::FileExt::write_all_at(file, b"\x07\0\0\0one two", 0).unwrap();
    register(&client, "r", &object.key, 4096).unwrap();
    let mut talk = client.open(&path("ModelStreamInfer"), &[]);
    let text = ("textstream", "text_input", "BYTES");
    let mut asked = request(text, &[1], &place("r", 0, 11));
    asked["outputs"] = json!([{"name": "text_output", "parameters": place("r", 100, 7)}]);
    talk.send(&asked);
    for word in ["one", "two"] {
        let answer = talk.answer().unwrap();
        let response = &answer["infer_response"];
        assert_eq!(response["raw_output_contents"], json!([""]), "{answer}");
        if word == "two" {
            assert_eq!(object.bytes(100, 7), b"\x03\0\0\0two");
        }
    }
    asked["outputs"] = json!([{"name": "text_output", "parameters": place("r", 100, 6)}]);
    talk.send(&asked);
    // One for each word, before anything else is asked: answers to several requests come in any order.
    let answer = talk.answer().unwrap();
    assert_eq!(
        talk.answer().unwrap()["error_message"],
        answer["error_message"]
    );
    let text = "shared memory size specified with the request for output 'text_output' (6 bytes) should be at least 7 bytes to hold the results";
    assert_eq!(answer["error_message"], text);
    asked["inputs"][0]["parameters"] = place("none", 0, 11);
    talk.send(&asked);
    let answer = talk.answer().unwrap();
    let text = "Unable to find shared memory region: 'none'";
    assert_eq!(answer["error_message"], text);
    assert_eq!(talk.end().code, 0);
}

#[test]
fn large_tensors_go_through_regions_on_streams_and_alone() {
    const SIZE: usize = 1 << 20;
    let subject = subject();
    let client = Client::connect(subject.grpc);
    let numbers: Vec<f32> = (0..=u16::MAX)
        .cycle()
        .take(SIZE / 4)
        .map(f32::from)
        .collect();
    let object = Object::new(3 << 20, &numbers);
    register(&client, "r", &object.key, 3 << 20).unwrap();
    let size = SIZE as u64;
    let shape = [1, i64::try_from(SIZE / 4).unwrap()];
    let mut asked = request(NUMBERS, &shape, &place("r", 0, size));
    let mut wants = |offset| {
        asked["outputs"] = json!([{"name": "OUTPUT0", "parameters": place("r", offset, size)}]);
        asked.clone()
    };
    client.infer(&wants(size)).unwrap();
    let mut talk = client.open(&path("ModelStreamInfer"), &[]);
    talk.send(&wants(2 * size));
    let answer = talk.answer().unwrap();
    assert_eq!(answer["error_message"], Value::Null, "{answer}");
    assert_eq!(talk.end().code, 0);
    let given = object.bytes(0, SIZE);
    assert!(object.bytes(size, SIZE) == given);
    assert!(object.bytes(2 * size, SIZE) == given);
}

#[test]
fn refusals_have_the_codes_of_grpc() {
    let subject = subject();
    let client = Client::connect(subject.grpc);
    let object = Object::new(4096, &[]);
    let key = object.key.as_str();
    let check = |name, key, size, code, text: &str| {
        let found = register(&client, name, key, size);
        assert_eq!(found, Err((code, text.to_owned())));
    };
    let unnamed = "'region name' is necessary to register system shared memory region";
    check("", key, 4096, INVALID, unnamed);
    let absent = "Unable to open shared memory region: '/nav_absent'";
    check("r", "/nav_absent", 8, INVALID, absent);
    let large = "failed to register shared memory region 'r': invalid args";
    check("r", key, 4097, INVALID, large);
    register(&client, "r", key, 4096).unwrap();
    let taken = "shared memory region 'r' already in manager";
    check("r", key, 4096, EXISTS, taken);
    let unknown = "Unable to find system shared memory region: 's'".to_owned();
    let told = client.ask("SystemSharedMemoryStatus", &json!({"name": "s"}));
    assert_eq!(told, Err((NOT_FOUND, unknown)));
    let asked = |place: &Value| {
        let refused = client.infer(&request(NUMBERS, &[1, 3], place));
        refused.unwrap_err()
    };
    let end = "Invalid offset + byte size for shared memory region: 'r'";
    assert_eq!(asked(&place("r", 4090, 12)), (INVALID, end.to_owned()));
    let mut negative = place("r", 0, 12);
    negative["shared_memory_offset"] = json!({"int64_param": -1});
    assert_eq!(asked(&negative).0, INVALID);
    let mut contents = request(NUMBERS, &[1, 3], &place("r", 0, 12));
    contents["inputs"][0]["contents"] = json!({"fp32_contents": [1, 2, 3]});
    assert_eq!(client.infer(&contents).unwrap_err().0, INVALID);
    let cuda = json!({"name": "c", "raw_handle": "AAAA", "byte_size": 64});
    let handle = "'raw_handle' must be a valid base64 encoded cudaIpcMemHandle_t".to_owned();
    let refused = client.ask("CudaSharedMemoryRegister", &cuda);
    assert_eq!(refused, Err((INVALID, handle)));
    assert_eq!(
        client.ask("CudaSharedMemoryStatus", &json!({})),
        Ok(json!({}))
    );
}

#[test]
fn it_is_off_and_closed_over_grpc_too() {
    let steps = [
        "SystemSharedMemoryStatus",
        "SystemSharedMemoryRegister",
        "SystemSharedMemoryUnregister",
        "CudaSharedMemoryStatus",
        "CudaSharedMemoryRegister",
        "CudaSharedMemoryUnregister",
    ];
    let closed = sharing(SharedMemoryOptions::default());
    let closed = closed.everywhere(|it| it.access = AccessPolicy::default());
    for (options, code) in [(options(), UNIMPLEMENTED), (closed, DENIED)] {
        let subject = Subject::start(engine(), options);
        let client = Client::connect(subject.grpc);
        for step in steps {
            let refused = client.ask(step, &json!({}));
            assert_eq!(refused.unwrap_err().0, code, "{step}");
        }
    }
}
