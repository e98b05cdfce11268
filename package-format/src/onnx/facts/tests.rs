use std::collections::BTreeMap;
use std::io::Cursor;

use crate::onnx::build::{self, dims, node, tensor, value};
use crate::onnx::proto::type_proto::{self, Value};
use crate::onnx::proto::{FunctionProto, GraphProto, ModelProto, TypeProto};
use crate::onnx::{ElementType, Limits, ModelFacts, OnnxError, read};
use crate::{DType, TrustClass};

fn try_facts(model: &ModelProto) -> Result<ModelFacts, OnnxError> {
    let model = read(Cursor::new(model.to_bytes()), &Limits::default()).unwrap();
    ModelFacts::new(&model, Vec::new())
}

fn facts(model: &ModelProto) -> ModelFacts {
    try_facts(model).unwrap()
}

fn names(specs: &[crate::TensorSpec]) -> Vec<String> {
    specs.iter().map(ToString::to_string).collect()
}

#[test]
fn inputs_and_outputs_keep_the_order_and_names_of_the_graph() {
    let graph = GraphProto::named("g")
        .takes("z/in:0", DType::Fp32, &dims("batch,3,?"))
        .takes("a", DType::Int64, &[])
        .takes("bytes", DType::Bytes, &dims("n"))
        .gives("z", DType::Bf16, &dims("batch"))
        .gives("a/out", DType::Bool, &dims("?,?"));
    let signature = facts(&graph.into_model()).signature;
    let inputs = [
        "z/in:0: FP32 [batch,3,?]",
        "a: INT64 []",
        "bytes: BYTES [n]",
    ];
    assert_eq!(names(&signature.inputs), inputs);
    assert_eq!(
        names(&signature.outputs),
        ["z: BF16 [batch]", "a/out: BOOL [?,?]"]
    );
}

#[test]
fn a_shape_may_be_open_in_every_way() {
    let mut open = build::tensor_type(DType::Fp32, &dims("?,?"));
    if let Some(Value::TensorType(tensor)) = &mut open.value {
        let shape = tensor.shape.as_mut().unwrap();
        shape.dim[0].value =
            Some(crate::onnx::proto::tensor_shape_proto::dimension::Value::DimValue(-1));
    }
    let mut rankless = open.clone();
    if let Some(Value::TensorType(tensor)) = &mut rankless.value {
        tensor.shape = None;
    }
    let graph = GraphProto::named("g")
        .takes_value(value("negative", open))
        .takes_value(value("rankless", rankless));
    let inputs = facts(&graph.into_model()).signature.inputs;
    assert_eq!(
        names(&inputs),
        ["negative: FP32 [?,?]", "rankless: FP32 [...]"]
    );
}

#[test]
fn constants_that_are_declared_as_inputs_are_defaults_since_version_4() {
    for (ir_version, expected) in [(3, &[][..]), (4, &["w: FP32 [1]"]), (10, &["w: FP32 [1]"])] {
        let graph = GraphProto::named("g")
            .takes("w", DType::Fp32, &dims("1"))
            .takes("x", DType::Fp32, &dims("1"))
            .holds(tensor("w", &[1], &[1.0_f32]));
        let model = ModelProto {
            ir_version: Some(ir_version),
            ..graph.into_model()
        };
        let facts = facts(&model);
        assert_eq!(names(&facts.signature.inputs), ["x: FP32 [1]"]);
        assert_eq!(names(&facts.defaults), expected);
    }
}

#[test]
fn what_is_no_tensor_of_ours_is_told_by_its_type() {
    let tensor = || build::tensor_type(DType::Fp32, &dims("n,4"));
    let of = |value| TypeProto {
        value: Some(value),
        denotation: None,
    };
    let sequence = of(Value::SequenceType(Box::new(type_proto::Sequence {
        elem_type: Some(Box::new(tensor())),
    })));
    let map = of(Value::MapType(Box::new(type_proto::Map {
        key_type: Some(7),
        value_type: Some(Box::new(build::tensor_type(DType::Bytes, &[]))),
    })));
    let optional = of(Value::OptionalType(Box::new(type_proto::Optional {
        elem_type: Some(Box::new(sequence.clone())),
    })));
    let graph = GraphProto::named("g")
        .takes_value(value("sequence", sequence))
        .takes("x", DType::Fp32, &[])
        .takes_value(value("map", map))
        .takes_value(value("optional", optional))
        .takes("small", ElementType(17), &dims("2"))
        .takes("new", ElementType(99), &[])
        .takes_value(value("untyped", TypeProto::default()));
    let facts = facts(&graph.into_model());
    assert_eq!(names(&facts.signature.inputs), ["x: FP32 []"]);
    let others = facts.other_inputs.iter();
    let others: Vec<_> = others
        .map(|other| format!("{} {}: {}", other.position, other.name, other.kind))
        .collect();
    let expected = [
        "0 sequence: seq(tensor(FLOAT)[n,4])",
        "2 map: map(INT64, tensor(STRING)[])",
        "3 optional: optional(seq(tensor(FLOAT)[n,4]))",
        "4 small: tensor(FLOAT8E4M3FN)[2]",
        "5 new: tensor(99)[]",
        "6 untyped: undeclared",
    ];
    assert_eq!(others, expected);
}

#[test]
fn two_inputs_or_outputs_of_one_name_are_refused() {
    let check = |graph: GraphProto, expected: &str| {
        let error = try_facts(&graph.into_model()).unwrap_err();
        assert_eq!(error.to_string(), expected);
    };
    let graph = GraphProto::named("g").takes("x", DType::Fp32, &[]);
    check(
        graph.takes("x", DType::Fp32, &[]),
        "more than one input is named \"x\"",
    );
    let graph = GraphProto::named("g").gives("y", DType::Fp32, &[]);
    check(
        graph.gives("y", DType::Int8, &[]),
        "more than one output is named \"y\"",
    );
}

fn operators(facts: &ModelFacts) -> Vec<(&str, &str, u64)> {
    let operators = facts.operators.iter();
    operators
        .map(|operator| {
            (
                operator.domain.as_str(),
                operator.op_type.as_str(),
                operator.count,
            )
        })
        .collect()
}

#[test]
fn operators_and_parameters_of_inner_graphs_and_functions_count() {
    let constant = || {
        let value = build::tensor_value("value", tensor("", &[2], &[1_i64, 2]));
        node("Constant", &[], &["c"]).with(value)
    };
    let innermost = GraphProto::named("innermost").with(constant());
    let inner = GraphProto::named("inner")
        .with(node("If", &["flag"], &["i"]).with(build::graph_value("then_branch", innermost)))
        .holds(tensor("w", &[3], &[1.0_f32, 2.0, 3.0]));
    let graph = GraphProto::named("g")
        .with(node("If", &["flag"], &["o"]).with(build::graph_value("then_branch", inner)))
        .with(node("Gelu", &["o"], &["y"]).in_domain("com.microsoft"))
        .with(node("Twice", &["y"], &["z"]).in_domain("local"))
        .holds(build::raw_tensor(
            "packed",
            ElementType(22),
            &[3],
            vec![0; 2],
        ));
    let mut model = graph.into_model().imports("local", 1);
    model.functions.push(FunctionProto {
        name: Some("Twice".to_owned()),
        domain: Some("local".to_owned()),
        node: vec![constant()],
        ..FunctionProto::default()
    });
    let facts = facts(&model);
    let expected = [
        ("ai.onnx", "Constant", 2),
        ("ai.onnx", "If", 2),
        ("com.microsoft", "Gelu", 1),
        ("local", "Twice", 1),
    ];
    assert_eq!(operators(&facts), expected);
    assert_eq!((facts.graph_depth, facts.functions), (2, 1));
    let by_dtype = facts.parameters.by_dtype.iter();
    let by_dtype: Vec<_> = by_dtype
        .map(|(dtype, count)| (dtype.as_str(), count.elements, count.bytes))
        .collect();
    assert_eq!(
        by_dtype,
        [("FP32", 3, 12), ("INT4", 3, 2), ("INT64", 4, 32)]
    );
    assert_eq!(facts.parameters.total.bytes, 46);
    assert_eq!(facts.opset_imports["ai.onnx"], build::OPSET);
}

#[test]
fn operators_that_come_with_no_runtime_need_native_code() {
    let check = |domain: &str, op_type: &str, custom: &[&str], trust: TrustClass| {
        let node = node(op_type, &[], &[]).in_domain(domain);
        let facts = facts(&GraphProto::named("g").with(node).into_model());
        assert_eq!(facts.custom_domains, custom, "{domain}.{op_type}");
        assert_eq!(facts.trust, trust, "{domain}.{op_type}");
    };
    check("", "Add", &[], TrustClass::DataOnly);
    check("ai.onnx", "Add", &[], TrustClass::DataOnly);
    check(
        "ai.onnx.preview.training",
        "Adam",
        &[],
        TrustClass::DataOnly,
    );
    check(
        "ai.onnx.previews",
        "Adam",
        &["ai.onnx.previews"],
        TrustClass::NativeCode,
    );
    check("com.microsoft", "Gelu", &[], TrustClass::DataOnly);
    check("my.ops", "Add", &["my.ops"], TrustClass::NativeCode);
    check("com.microsoft", "EPContext", &[], TrustClass::NativeCode);
}

fn bounds(graph: GraphProto) -> BTreeMap<String, u64> {
    facts(&graph.into_model()).index_bounds
}

fn bound(name: &str, bound: u64) -> BTreeMap<String, u64> {
    BTreeMap::from([(name.to_owned(), bound)])
}

fn embedding() -> GraphProto {
    GraphProto::named("g")
        .takes("ids", DType::Int64, &dims("batch,?"))
        .holds(tensor("table", &[7, 2], &[0.0_f32; 14]))
        .holds(tensor("short", &[5, 2], &[0.0_f32; 10]))
}

#[test]
fn indices_into_a_table_are_bounded_by_its_length() {
    let gather = || node("Gather", &["table", "ids"], &["y"]);
    assert_eq!(bounds(embedding().with(gather())), bound("ids", 7));
    let along = |axis| embedding().with(gather().with(build::int("axis", axis)));
    assert_eq!(bounds(along(-1)), bound("ids", 2));
    assert_eq!(bounds(along(-2)), bound("ids", 7));
    assert_eq!(bounds(along(2)), BTreeMap::new());
    assert_eq!(bounds(along(i64::MIN)), BTreeMap::new());
    let both = embedding().with(gather());
    let both = both.with(node("Gather", &["short", "ids"], &["z"]));
    assert_eq!(bounds(both), bound("ids", 5));
}

#[test]
fn indices_and_tables_are_followed_through_operators_that_keep_them() {
    let graph = embedding()
        .with(node("Cast", &["ids"], &["cast"]))
        .with(node("Unsqueeze", &["cast", "axes"], &["wide"]))
        .with(node("DequantizeLinear", &["table", "scale"], &["floats"]))
        .with(node("Gather", &["floats", "wide"], &["y"]));
    assert_eq!(bounds(graph), bound("ids", 7));
    let constant = build::tensor_value("value", tensor("", &[9], &[0_i64; 9]));
    let graph = embedding()
        .with(node("Constant", &[], &["c"]).with(constant))
        .with(node("Gather", &["c", "ids"], &["y"]));
    assert_eq!(bounds(graph), bound("ids", 9));
    let branch = GraphProto::named("b").with(node("Gather", &["table", "ids"], &["y"]));
    let graph = embedding()
        .with(node("If", &["flag"], &["y"]).with(build::graph_value("then_branch", branch)));
    assert_eq!(bounds(graph), bound("ids", 7));
    let graph = embedding().with(
        node("EmbedLayerNormalization", &["ids", "", "table"], &["y"]).in_domain("com.microsoft"),
    );
    assert_eq!(bounds(graph), bound("ids", 7));
}

#[test]
fn nothing_is_said_of_inputs_that_are_changed_first_or_are_no_integers() {
    let graph = embedding()
        .with(node("Add", &["ids", "one"], &["more"]))
        .with(node("Gather", &["table", "more"], &["y"]));
    assert_eq!(bounds(graph), BTreeMap::new());
    let graph = GraphProto::named("g")
        .takes("x", DType::Fp32, &dims("?"))
        .takes("table", DType::Fp32, &dims("3"))
        .with(node("Cast", &["x"], &["ids"]))
        .with(node("Gather", &["table", "ids"], &["y"]));
    assert_eq!(bounds(graph), BTreeMap::new());
}

#[test]
fn facts_survive_serialisation() {
    let mut model = embedding().into_model();
    model.metadata_props.push(build::entry("k", "v"));
    let facts = facts(&model);
    let text = serde_json::to_string(&facts).unwrap();
    assert_eq!(serde_json::from_str::<ModelFacts>(&text).unwrap(), facts);
}
