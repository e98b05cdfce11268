//! What configurations say of sequences, and what is wrong with it.

use nav_package_format::{Dim, TensorSpec};

use super::super::narrowed;
use super::*;
use crate::repository::config::{check, of_text};

/// `x`, `flag`, `id` and `before`, and `y` and `after`, rows of two but for the flags and names.
fn own() -> Signature {
    let spec = |name: &str, dtype, extent| TensorSpec {
        name: name.to_owned(),
        dtype,
        dims: Some(vec![Dim::Unknown, extent]),
        optional: false,
    };
    let (one, two) = (|| Dim::Fixed(1), || Dim::Fixed(2));
    Signature {
        inputs: vec![
            spec("flag", DType::Int32, one()),
            spec("x", DType::Fp32, two()),
            spec("id", DType::Uint64, one()),
            spec("before", DType::Fp32, Dim::Unknown),
        ],
        outputs: vec![
            spec("after", DType::Fp32, Dim::Unknown),
            spec("y", DType::Fp32, two()),
            spec("other", DType::Int32, two()),
        ],
    }
}

/// What the engine is told of a model of that signature.
fn fitted(text: &str, folder: Option<&Path>) -> Result<SequencePolicy, String> {
    let config = of_text(format!("max_batch_size: 4 {text}").as_bytes()).unwrap();
    let policy = || {
        let mut policy = check(&config, "m")?.options.sequences.unwrap_or_default();
        let signature = narrowed(&config, &own())?;
        fit_sequences(&config, &mut policy, (&signature, folder))?;
        Ok(policy)
    };
    policy().map_err(|error: ConfigError| error.to_string())
}

fn batching(text: &str) -> String {
    format!("sequence_batching {{ {text} }}")
}

const START: &str = "control_input { name: 'flag' control { kind: CONTROL_SEQUENCE_START int32_false_true: [ 0, 1 ] } }";
const STATE: &str = "input_name: 'before' output_name: 'after' data_type: TYPE_FP32";

#[test]
fn what_is_filled_in_is_what_the_engine_is_told() {
    let id = "control_input { name: 'id' control { kind: CONTROL_SEQUENCE_CORRID data_type: TYPE_UINT64 } }";
    let text = batching(&format!("{START} {id} state {{ {STATE} dims: -1 }}"));
    let policy = fitted(&text, None).unwrap();
    let control = |name: &str, control| ControlInput {
        name: name.into(),
        control,
    };
    let expected = [
        control("flag", Control::Start(Flag::int32(0, 1))),
        control("id", Control::CorrelationId(DType::Uint64)),
    ];
    assert_eq!(policy.controls, expected);
    let state = State {
        input: "before".into(),
        output: "after".into(),
        ..State::default()
    };
    assert_eq!(policy.states, [state]);
    let told = fitted(&format!("{text} output {{ name: 'after' }}"), None);
    assert!(told.unwrap().states[0].is_told);
    let clients = policy.for_clients(&own());
    let names = |specs: &[TensorSpec]| {
        let names = specs.iter().map(|spec| spec.name.as_str());
        names.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(names(&clients.inputs), "x");
    assert_eq!(names(&clients.outputs), "y other");
    // Where inputs are declared, those that are filled in need not be.
    let input = "input { name: 'x' }";
    assert!(fitted(&format!("{input} {text}"), None).is_ok());
    let without_id = batching(&format!("{START} state {{ {STATE} }}"));
    let error = fitted(&format!("{input} {without_id}"), None).unwrap_err();
    assert_eq!(error, "input: the model needs `id`, which is not there");
}

#[test]
fn a_sequence_begins_with_zeros_or_what_a_file_holds() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("initial_state")).unwrap();
    std::fs::write(folder.path().join("initial_state/begin"), [7; 8]).unwrap();
    let of = |initial: &str| {
        let state = format!("state {{ {STATE} dims: -1 initial_state {{ {initial} }} }}");
        fitted(&batching(&format!("{START} {state}")), Some(folder.path()))
            .map(|mut policy| policy.states.remove(0).initial.unwrap())
    };
    let found = of("data_type: TYPE_FP32 dims: 3 zero_data: true name: 'zeros'").unwrap();
    assert_eq!((found.shape, found.bytes), ([3].into(), vec![0; 12].into()));
    let found = of("data_type: TYPE_FP32 dims: 2 data_file: 'begin'").unwrap();
    assert_eq!((found.shape, found.bytes), ([2].into(), vec![7; 8].into()));
    let check = |initial: &str, expected: &str| {
        let expected = format!("sequence_batching.state[0].initial_state[0]{expected}");
        assert_eq!(of(initial).unwrap_err(), expected, "{initial}");
    };
    check(
        "data_type: TYPE_FP32 dims: 3",
        ": it says neither zero_data nor data_file",
    );
    check(
        "dims: 3 zero_data: true",
        ".data_type: it must be that of the state, FP32",
    );
    check(
        "data_type: TYPE_FP32 dims: -1 zero_data: true",
        ".dims: -1 is no extent of what a sequence begins with",
    );
    check(
        "data_type: TYPE_FP32 dims: [ 1, 1 ] zero_data: true",
        ".dims: [1, 1] is not within those of the state, [-1]",
    );
    check(
        "data_type: TYPE_FP32 dims: 3 data_file: 'begin'",
        ".data_file: `begin` has 8 bytes, not 12",
    );
    check(
        "data_type: TYPE_FP32 dims: 2 data_file: '../config.pbtxt'",
        ".data_file: `../config.pbtxt` does not name a file of the model's folder",
    );
}

#[test]
fn a_control_that_cannot_be_is_named() {
    let of = |controls: &str| fitted(&batching(controls), None).unwrap_err();
    let check = |control: &str, expected: &str| {
        let found = of(&format!("control_input {{ {control} }}"));
        let expected = format!("sequence_batching.control_input[0]{expected}");
        assert_eq!(found, expected, "{control}");
    };
    check(
        "name: 'flag'",
        ".control: an input tells one thing, and this 0",
    );
    check(
        "name: 'flag' control [ { int32_false_true: [ 0, 1 ] }, { int32_false_true: [ 0, 1 ] } ]",
        ".control: an input tells one thing, and this 2",
    );
    check(
        "name: 'flag' control { kind: 9 }",
        ".control[0].kind: there is no kind 9",
    );
    check(
        "name: 'flag' control { kind: CONTROL_SEQUENCE_END }",
        ".control[0]: CONTROL_SEQUENCE_END needs int32_false_true, fp32_false_true or bool_false_true",
    );
    check(
        "name: 'flag' control { int32_false_true: [ 0, 1 ] fp32_false_true: [ 0, 1 ] }",
        ".control[0]: CONTROL_SEQUENCE_START has more than one of int32_false_true, fp32_false_true and bool_false_true",
    );
    check(
        "name: 'flag' control { bool_false_true: true }",
        ".control[0].bool_false_true: it has 1 values, and must have one for no and one for yes",
    );
    check(
        "name: 'flag' control { fp32_false_true: [ 0, 1 ] }",
        ".control[0].fp32_false_true: it is TYPE_FP32, and that of the model's `flag` is TYPE_INT32",
    );
    check(
        "name: 'begin' control { int32_false_true: [ 0, 1 ] }",
        ".name: the model has no input `begin`, but flag, x, id, before",
    );
    check(
        "control { int32_false_true: [ 0, 1 ] }",
        ".name: it must have one",
    );
    check(
        "name: 'x' control { fp32_false_true: [ 0, 1 ] }",
        ".name: [1] is not within [?,2], which `x` has in the model, and with max_batch_size the first dimension is that of the batch, which is not in dims",
    );
    check(
        "name: 'id' control { kind: CONTROL_SEQUENCE_CORRID }",
        ".control[0].data_type: it must be TYPE_UINT64, TYPE_INT64, TYPE_UINT32, TYPE_INT32 or TYPE_STRING",
    );
    check(
        "name: 'id' control { kind: CONTROL_SEQUENCE_CORRID data_type: TYPE_FP64 }",
        ".control[0].data_type: it is TYPE_FP64, not TYPE_UINT64, TYPE_INT64, TYPE_UINT32, TYPE_INT32 or TYPE_STRING",
    );
    check(
        "name: 'id' control { kind: CONTROL_SEQUENCE_CORRID data_type: TYPE_INT64 int32_false_true: [ 0, 1 ] }",
        ".control[0]: CONTROL_SEQUENCE_CORRID has a data_type, and no values for no and yes",
    );
    assert_eq!(
        of(&format!("{START} {START}")),
        "sequence_batching.control_input[1].control[0].kind: CONTROL_SEQUENCE_START is there twice"
    );
    let again = START.replace("START", "READY");
    assert_eq!(
        of(&format!("{START} {again}")),
        "sequence_batching.control_input[1].name: `flag` is there twice"
    );
    let text = batching(START);
    assert_eq!(
        fitted(&format!("input {{ name: 'flag' }} {text}"), None).unwrap_err(),
        "sequence_batching.control_input[0].name: `flag` is there twice"
    );
}

#[test]
fn a_state_that_cannot_be_is_named() {
    let of = |states: &str| fitted(&batching(states), None).unwrap_err();
    let check = |state: &str, expected: &str| {
        let found = of(&format!("state {{ {state} }}"));
        assert_eq!(found, format!("sequence_batching.state[0]{expected}"));
    };
    check(
        "input_name: 'before' output_name: 'after'",
        ".data_type: it must be given",
    );
    check(
        "output_name: 'after' data_type: TYPE_FP32",
        ".input_name: it must have one",
    );
    check(
        "input_name: 'state' output_name: 'after' data_type: TYPE_FP32",
        ".input_name: the model has no input `state`, but flag, x, id, before",
    );
    check(
        "input_name: 'before' output_name: 'state' data_type: TYPE_FP32",
        ".output_name: the model has no output `state`, but after, y, other",
    );
    check(
        "input_name: 'before' output_name: 'after' data_type: TYPE_INT8",
        ".data_type: it is TYPE_INT8, and that of the model's `before` is TYPE_FP32",
    );
    check(
        "input_name: 'before' output_name: 'other' data_type: TYPE_FP32",
        ".data_type: it is TYPE_FP32, and that of the model's `other` is TYPE_INT32",
    );
    check(
        &format!("{STATE} dims: [ 1, 2 ]"),
        ".dims: [1, 2] is not within [?,?], which `before` has in the model, and with max_batch_size the first dimension is that of the batch, which is not in dims",
    );
    check(
        &format!("{STATE} dims: -1 initial_state {{ }} initial_state {{ }}"),
        ".initial_state: there are 2, and can be one",
    );
    assert_eq!(
        of(&format!("state {{ {STATE} }} state {{ {STATE} }}")),
        "sequence_batching.state[1].input_name: `before` is there twice"
    );
    let flag = "state { input_name: 'flag' output_name: 'other' data_type: TYPE_INT32 dims: 1 }";
    assert_eq!(
        of(&format!("{START} {flag}")),
        "sequence_batching.control_input[0].name: `flag` is there twice"
    );
}
