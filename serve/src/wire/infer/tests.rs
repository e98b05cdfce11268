use nav_engine::{Callable, Engine, EngineOptions, ModelOptions, ModelSpec};
use nav_package_format::Signature;

use super::*;

fn model() -> std::sync::Arc<Model> {
    let spec = |name: &str, dtype| TensorSpec {
        name: name.to_owned(),
        dtype,
        dims: Some(vec![Dim::Unknown, Dim::Unknown]),
        optional: false,
    };
    let signature = Signature {
        inputs: vec![spec("a", DType::Fp16), spec("b", DType::Int32)],
        outputs: vec![spec("y", DType::Int32)],
    };
    let engine = Engine::new(EngineOptions::default()).unwrap();
    let backend = Callable::shared(signature, |_| Ok(()));
    let spec = ModelSpec::new(backend, ModelOptions::batched(4));
    engine.load("m", 1, spec).unwrap();
    engine.model("m", None).unwrap()
}

const HEADER: &str = r#"{"id":"i","parameters":{"binary_data_output":true,"n":1,"f":1.5,"t":"x","sequence_id":7,"sequence_start":true,"priority":2,"timeout":1000},"inputs":[{"parameters":{"binary_data_size":8},"shape":[2,2],"datatype":"FP16","name":"a"},{"data":[[1],[2]],"name":"b","shape":[2,1],"datatype":"INT32"}],"outputs":[{"name":"y","parameters":{"binary_data":false,"classification":3}},{"name":"y"}]}"#;

/// What was read, with each input in one piece.
fn told(asked: Asked) -> String {
    let Asked {
        request, wanted, ..
    } = asked;
    let inputs: Vec<(usize, Vec<u8>)> = request
        .inputs
        .into_iter()
        .map(|input| {
            let TensorKey::Index(index) = input.key else {
                panic!("inputs are known by position");
            };
            (index, super::super::join(input.frames).to_vec())
        })
        .collect();
    format!(
        "{inputs:?} {:?} {:?} {:?} {:?} {:?} {:?} {wanted:?}",
        request.id,
        request.outputs,
        request.parameters,
        request.priority,
        request.timeout,
        request.correlation
    )
}

#[test]
fn a_body_that_is_cut_anywhere_is_the_same_request() {
    let model = model();
    let body = Bytes::from([HEADER.as_bytes(), &[1, 2, 3, 4, 5, 6, 7, 8]].concat());
    let parse = |mut pieces: VecDeque<Bytes>| {
        let header = super::super::join(cut(&mut pieces, HEADER.len()).unwrap());
        told(read(&header, pieces, &model).unwrap())
    };
    let whole = parse(VecDeque::from([body.clone()]));
    assert!(whole.contains("[(0, [1, 2, 3, 4, 5, 6, 7, 8]), (1, [1, 0, 0, 0, 2, 0, 0, 0])]"));
    for first in 0..=body.len() {
        let second = (first + 3).min(body.len());
        let pieces = [
            body.slice(..first),
            body.slice(first..second),
            body.slice(second..),
        ];
        assert_eq!(parse(VecDeque::from(pieces)), whole, "cut at {first}");
    }
}

#[test]
fn binary_blocks_are_slices_of_the_body() {
    let model = model();
    let block = Bytes::from(vec![0; 8]);
    let asked = read(HEADER.as_bytes(), VecDeque::from([block.clone()]), &model).unwrap();
    assert_eq!(asked.request.inputs[0].frames[0].as_ptr(), block.as_ptr());
}

#[test]
fn blocks_must_be_there_and_nothing_else() {
    let model = model();
    let check = |bytes: usize, expected: &str| {
        let rest = VecDeque::from([Bytes::from(vec![0; bytes])]);
        let fault = read(HEADER.as_bytes(), rest, &model).unwrap_err();
        assert_eq!(fault.to_string(), expected);
    };
    check(
        5,
        "unexpected size for input 'a', expecting 3 additional bytes for model 'm'",
    );
    check(9, "unexpected additional input data for model 'm'");
}

#[test]
fn raw_requests_have_the_one_shape_that_fits() {
    let check = |dims: &[Dim], has_batch, bytes, expected: Option<&[usize]>| {
        let spec = TensorSpec {
            name: "x".to_owned(),
            dtype: DType::Fp32,
            dims: Some(dims.to_vec()),
            optional: false,
        };
        let shape = deduced(&spec, has_batch, bytes);
        assert_eq!(shape.as_deref(), expected, "{dims:?}");
    };
    let open = Dim::Unknown;
    check(&[open.clone(), Dim::Fixed(2)], false, 24, Some(&[3, 2]));
    check(&[open.clone(), open.clone()], true, 12, Some(&[1, 3]));
    check(&[open.clone(), open.clone()], false, 12, None);
    check(&[open.clone(), Dim::Fixed(2)], false, 12, None);
    check(&[open, Dim::Fixed(0)], false, 12, None);
    check(&[Dim::Fixed(2)], false, 12, Some(&[2]));
}

#[test]
fn elements_are_the_same_wherever_their_type_is_said() {
    let model = model();
    let read_in = |order: [&str; 4]| {
        let input = order.join(",");
        let header = format!(r#"{{"inputs":[{{{input}}}]}}"#);
        let asked = read(header.as_bytes(), VecDeque::new(), &model);
        asked.map_err(|fault| fault.to_string()).map(told)
    };
    let check =
        |name: &str, dtype: &str, shape: &str, data: &str, expected: Result<&[u8], &str>| {
            let [name, dtype, shape, data] = [
                ("name", name),
                ("datatype", dtype),
                ("shape", shape),
                ("data", data),
            ]
            .map(|(member, value)| format!("\"{member}\":{value}"));
            let before = read_in([&name, &dtype, &shape, &data]);
            assert_eq!(before, read_in([&data, &shape, &dtype, &name]));
            match expected {
                Ok(bytes) => assert!(before.unwrap().contains(&format!("{bytes:?}"))),
                Err(fault) => assert_eq!(before.unwrap_err(), fault),
            }
        };
    let integers = r#""INT32""#;
    let numbers: &[u8] = &[1, 0, 0, 0, 2, 0, 0, 0];
    check(r#""b""#, integers, "[2,1]", "[[1],[2]]", Ok(numbers));
    let faults = [
        (
            (r#""b""#, integers, "[1,2,3]"),
            "Unable to parse 'data': Shape does not match true shape of 'data' field",
        ),
        (
            (r#""b""#, integers, "[1,true]"),
            "Unable to parse 'data': attempt to access JSON non-signed-integer as signed-integer",
        ),
        (
            (r#""b""#, r#""NONE""#, "[1,2]"),
            "invalid datatype 'NONE' for input 'b'",
        ),
        (
            (r#""a""#, r#""FP16""#, "[1,2]"),
            "receiving FP16 data via JSON is not supported. Please use the binary data format for input a",
        ),
        (
            (r#""c""#, integers, "[1,2]"),
            "unexpected inference input 'c' for model 'm'",
        ),
    ];
    for ((name, dtype, data), fault) in faults {
        check(name, dtype, "[2,1]", data, Err(fault));
    }
}
