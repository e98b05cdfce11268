use std::io::Cursor;

use proptest::prelude::*;

use super::read;
use crate::DType;
use crate::onnx::build::{self, dims, node, tensor};
use crate::onnx::proto::{GraphProto, ModelProto, SparseTensorProto, TensorProto};
use crate::onnx::structure::ValueType;
use crate::onnx::{ElementType, Limits, Model, ModelFacts, OnnxError};

fn read_bytes(bytes: &[u8]) -> Result<Model, OnnxError> {
    read(Cursor::new(bytes), &Limits::default())
}

fn read_model(model: &ModelProto) -> Result<Model, OnnxError> {
    read_bytes(&model.to_bytes())
}

/// A model that has some of everything.
fn rich_model() -> ModelProto {
    let branch = |name: &str| {
        GraphProto::named(name)
            .with(node("Constant", &[], &["c"]).with(build::tensor_value(
                "value",
                tensor("c", &[2], &[1.0_f32, 2.0]),
            )))
            .gives("c", DType::Fp32, &dims("2"))
    };
    let sparse = SparseTensorProto {
        values: Some(tensor("sparse", &[1], &[1.0_f32])),
        indices: Some(tensor("", &[1], &[3_i64])),
        dims: vec![4],
    };
    let mut graph = GraphProto::named("rich")
        .takes("flag", DType::Bool, &[])
        .takes("x", DType::Fp32, &dims("batch,?,2"))
        .holds(tensor("w", &[2], &[1.0_f32, 2.0]))
        .holds(build::string_tensor("s", &[2], &["one", "two"]))
        .with(node("Mul", &["x", "w"], &["y"]).with(build::int("unused", -1)))
        .with(
            node("If", &["flag"], &["z"])
                .with(build::graph_value("then_branch", branch("then")))
                .with(build::graph_value("else_branch", branch("else"))),
        )
        .gives("y", DType::Fp32, &dims("batch,?,2"))
        .gives("z", DType::Fp32, &dims("2"));
    graph.sparse_initializer.push(sparse);
    let mut model = graph.into_model().imports("com.microsoft", 1);
    model.metadata_props.push(build::entry("author", "someone"));
    model
}

/// The key and length of a field that holds `length` bytes, backwards.
fn opening_backwards(number: u8, length: usize) -> Vec<u8> {
    let mut bytes = vec![number << 3 | 2];
    prost::encoding::encode_varint(length as u64, &mut bytes);
    bytes.reverse();
    bytes
}

/// A model of graphs in graphs, built from the inside, as no encoder would survive the depth.
fn nested(depth: usize) -> Vec<u8> {
    let mut backwards = Vec::new();
    for _ in 0..depth {
        for number in [6, 5, 1] {
            backwards.extend(opening_backwards(number, backwards.len()));
        }
    }
    backwards.extend(opening_backwards(7, backwards.len()));
    backwards.extend([10, 0x08]);
    backwards.reverse();
    backwards
}

#[test]
fn everything_of_interest_is_read() {
    let model = read_model(&rich_model()).unwrap();
    let graph = model.graph.as_ref().unwrap();
    assert_eq!(model.ir_version, Some(build::IR_VERSION));
    assert_eq!(model.opset_imports[1].domain, "com.microsoft");
    assert_eq!(model.metadata[0].value, "someone");
    assert_eq!(graph.nodes[0].inputs, ["x", "w"]);
    assert_eq!(graph.nodes[0].attributes[0].integer, Some(-1));
    assert_eq!(graph.initializers[0].payload.raw, Some(8));
    assert_eq!(graph.initializers[1].payload.string_bytes, 6);
    let ValueType::Tensor(x) = &graph.inputs[1].kind else {
        panic!("{:?}", graph.inputs[1]);
    };
    assert_eq!(x.dims, Some(dims("batch,?,2")));
    assert_eq!(model.scopes().len(), 3);
    let names: Vec<_> = model.tensors().map(|tensor| &tensor.name).collect();
    assert_eq!(names, ["w", "s", "sparse", "", "c", "c"]);
}

#[test]
fn what_is_no_model_is_told_apart_from_a_damaged_one() {
    let check = |bytes: &[u8], expected: &str| {
        assert_eq!(read_bytes(bytes).unwrap_err().to_string(), expected);
    };
    check(b"", "the file is empty");
    check(
        b"PK\x03\x04 and more",
        "not an ONNX model: malformed field key at byte 2",
    );
    check(&[0x08, 10], "not an ONNX model: it has no graph");
    check(&[0x3a, 0], "not an ONNX model: it has no format version");
    check(&[0x08, 10, 0x3a, 5, 0], "cut short at byte 4");
    check(&[0x08, 10, 0x3a, 1, 0x0a], "cut short at byte 5");
    check(
        &[0x08, 10, 0x38, 1],
        "field 7 at byte 2 has the wrong encoding",
    );
    check(&[0x08, 10, 0x3b], "malformed field key at byte 2");
    check(
        &[0x08, 10, 0x3a, 4, 0x12, 2, 0xff, 0xff],
        "the name at byte 6 is not UTF-8",
    );
}

#[test]
fn a_model_cut_short_anywhere_is_refused() {
    let model = rich_model();
    let bytes = model.to_bytes();
    let complete = ModelProto {
        opset_import: Vec::new(),
        metadata_props: Vec::new(),
        ..model
    };
    let graph_end = complete.to_bytes().len();
    for cut in 0..bytes.len() {
        let outcome = read_bytes(&bytes[..cut]);
        assert!(outcome.is_err() || cut >= graph_end, "cut at {cut}");
    }
    read_bytes(&bytes).unwrap();
}

#[test]
fn no_flipped_bit_makes_the_reader_panic() {
    let bytes = rich_model().to_bytes();
    for position in 0..bytes.len() {
        for bit in 0..8 {
            let mut flipped = bytes.clone();
            flipped[position] ^= 1 << bit;
            if let Ok(model) = read_bytes(&flipped) {
                let _facts = ModelFacts::new(&model, Vec::new());
            }
        }
    }
}

#[test]
fn graphs_in_graphs_are_read_up_to_a_depth() {
    let model = read_bytes(&nested(33)).unwrap();
    assert_eq!(model.scopes().last().unwrap().depth, 33);
    for depth in [34, 10_000] {
        let error = read_bytes(&nested(depth)).unwrap_err();
        assert!(
            matches!(error, OnnxError::TooDeep { limit: 100, .. }),
            "{error}"
        );
    }
}

#[test]
fn tiny_messages_that_unfold_into_much_memory_are_refused() {
    let nodes = 5_000_000;
    let mut bytes = vec![0x08, 10, 0x3a];
    prost::encoding::encode_varint(2 * nodes, &mut bytes);
    for _ in 0..nodes {
        bytes.extend([0x0a, 0]);
    }
    let limits = Limits {
        memory: 8 << 20,
        ..Limits::default()
    };
    let error = read(Cursor::new(&bytes), &limits).unwrap_err();
    assert!(matches!(error, OnnxError::TooMany { .. }), "{error}");
}

#[test]
fn the_size_of_file_and_names_is_limited() {
    let bytes = rich_model().to_bytes();
    let limits = Limits {
        file_bytes: 10,
        ..Limits::default()
    };
    let error = read(Cursor::new(&bytes), &limits).unwrap_err();
    assert!(
        matches!(error, OnnxError::TooLarge { limit: 10, .. }),
        "{error}"
    );
    let model = GraphProto::named(&"n".repeat(70_000)).into_model();
    let error = read_model(&model).unwrap_err();
    assert!(
        matches!(error, OnnxError::TooLong { bytes: 70_000, .. }),
        "{error}"
    );
}

fn with_initializer(tensor: TensorProto) -> Result<Model, OnnxError> {
    read_model(&GraphProto::named("g").holds(tensor).into_model())
}

#[test]
fn extents_that_cannot_be_are_refused() {
    let check = |dims: &[i64], possible: bool| {
        let outcome = with_initializer(build::external_tensor("w", DType::Fp32, dims, &[]));
        match outcome {
            Ok(_) => assert!(possible, "{dims:?}"),
            Err(OnnxError::ShapeOverflow { tensor, .. }) => {
                assert!(!possible && tensor == "w", "{dims:?}");
            }
            Err(error) => panic!("{error}"),
        }
    };
    check(&[i64::MAX], true);
    check(&[i64::MAX, 2], false);
    check(&[1 << 32, 1 << 31], false);
    check(&[i64::MAX, 2, 0], true);
    check(&[-1], false);
    check(&[0, i64::MIN], false);
}

#[test]
fn extents_of_sparse_tensors_are_checked_too() {
    let mut graph = GraphProto::named("g");
    graph.sparse_initializer.push(SparseTensorProto {
        values: Some(tensor("sparse", &[1], &[1.0_f32])),
        indices: Some(tensor("", &[1], &[3_i64])),
        dims: vec![1 << 62, 2],
    });
    let error = read_model(&graph.into_model()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "tensor \"sparse\" has impossible extents [4611686018427387904, 2]"
    );
}

#[test]
fn a_value_must_be_as_large_as_shape_and_type_say() {
    let check = |tensor: TensorProto, expected: Result<(), &str>| {
        let outcome = with_initializer(tensor).map(drop);
        let outcome = outcome.map_err(|error| error.to_string());
        assert_eq!(outcome, expected.map_err(str::to_owned));
    };
    let raw = |element: i32, dims: &[i64], bytes: usize| {
        build::raw_tensor("w", ElementType(element), dims, vec![0; bytes])
    };
    let typed = |element: i32, dims: &[i64]| TensorProto {
        raw_data: None,
        ..raw(element, dims, 0)
    };
    let field = "the value of tensor \"w\" is in the wrong field, or in more than one";
    check(raw(1, &[2, 3], 24), Ok(()));
    check(raw(1, &[], 4), Ok(()));
    check(raw(1, &[0], 0), Ok(()));
    check(
        raw(1, &[2, 3], 23),
        Err("the value of tensor \"w\" takes 24 bytes, but 23 are there"),
    );
    check(
        typed(1, &[2]),
        Err("the value of tensor \"w\" takes 2 elements, but 0 are there"),
    );
    // Elements of four and of six bits; complex numbers; a type that is not known.
    check(raw(22, &[3], 2), Ok(()));
    check(raw(27, &[4], 3), Ok(()));
    check(raw(15, &[2], 32), Ok(()));
    check(raw(99, &[2], 5), Ok(()));
    let floats = |element, dims: &[i64], count| TensorProto {
        float_data: vec![0.5; count],
        ..typed(element, dims)
    };
    check(floats(1, &[3], 3), Ok(()));
    check(floats(14, &[3], 6), Ok(()));
    check(floats(11, &[3], 3), Err(field));
    let narrow = |element, dims: &[i64], values: &[i32]| TensorProto {
        int32_data: values.to_vec(),
        ..typed(element, dims)
    };
    check(narrow(10, &[2], &[-1, 300]), Ok(()));
    check(narrow(21, &[3], &[200, 1]), Ok(()));
    check(narrow(21, &[3], &[1, 1, 1]), Ok(()));
    check(narrow(7, &[2], &[1, 2]), Err(field));
    let both = TensorProto {
        float_data: vec![1.0],
        ..raw(1, &[1], 4)
    };
    check(both, Err(field));
    check(raw(8, &[1], 4), Err(field));
}

/// The bytes of a model around those of one initializer.
fn around(tensor: &[u8]) -> Vec<u8> {
    let length = u8::try_from(tensor.len()).unwrap();
    let mut bytes = vec![0x08, 10, 0x3a, length + 2, 0x2a, length];
    bytes.extend(tensor);
    bytes
}

#[test]
fn numbers_are_read_packed_and_unpacked() {
    // dims 2 and 3; then six int64 elements: five packed, of which one is long, and one alone.
    let tensor = [
        0x08, 2, 0x0a, 1, 3, 0x10, 7, 0x3a, 6, 1, 2, 0xff, 1, 4, 5, 0x38, 6,
    ];
    let bytes = around(&tensor);
    let model = read_bytes(&bytes).unwrap();
    let tensor = model.tensors().next().unwrap();
    assert_eq!(tensor.dims, [2, 3]);
    assert_eq!(tensor.payload.int64s, 6);
}

#[test]
fn a_message_that_is_given_twice_is_merged_as_runtimes_merge_it() {
    let first = GraphProto::named("first").takes("x", DType::Fp32, &[]);
    let second = GraphProto::named("second").takes("y", DType::Fp32, &[]);
    let mut bytes = first.into_model().to_bytes();
    bytes.extend(second.into_model().to_bytes());
    let graph = read_bytes(&bytes).unwrap().graph.unwrap();
    assert_eq!(graph.name, "second");
    let inputs: Vec<_> = graph.inputs.iter().map(|input| &input.name).collect();
    assert_eq!(inputs, ["x", "y"]);
}

#[test]
fn no_spelling_hides_that_a_value_is_external() {
    let check = |location: &[u8], external: bool| {
        let mut tensor = vec![0x08, 0, 0x10, 1];
        tensor.extend(location);
        let bytes = around(&tensor);
        let model = read_bytes(&bytes).unwrap();
        assert_eq!(
            model.tensors().next().unwrap().external,
            external,
            "{location:?}"
        );
    };
    check(&[], false);
    check(&[0x70, 1], true);
    check(&[0x70, 0x81, 0], true);
    // 2^32 + 1 is 1 in 32 bits.
    check(&[0x70, 0x81, 0x80, 0x80, 0x80, 0x10], true);
    // A value that is none is passed over.
    check(&[0x70, 1, 0x70, 5], true);
    check(&[0x70, 1, 0x70, 0], false);
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _outcome = read_bytes(&bytes);
        let mut model = vec![0x08, 10, 0x3a];
        prost::encoding::encode_varint(bytes.len() as u64, &mut model);
        model.extend(&bytes);
        let _outcome = read_bytes(&model);
    }

    #[test]
    fn replaced_bytes_never_panic(
        position in any::<prop::sample::Index>(),
        replacement in prop::collection::vec(any::<u8>(), 1..9),
    ) {
        let mut bytes = rich_model().to_bytes();
        let start = position.index(bytes.len());
        let end = (start + replacement.len()).min(bytes.len());
        bytes.splice(start..end, replacement);
        if let Ok(model) = read_bytes(&bytes) {
            let _facts = ModelFacts::new(&model, Vec::new());
        }
    }
}
