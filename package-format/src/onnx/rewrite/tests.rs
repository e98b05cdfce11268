use std::fs;

use super::*;
use crate::DType;
use crate::onnx::build::{dims, node, raw_tensor};
use crate::onnx::proto::{GraphProto, ModelProto};
use crate::onnx::{self, Limits};

/// Two products with the weights `a` and `b`, and a name that tells models apart.
fn model(name: &str, a: u8, b: u8) -> ModelProto {
    let weight = |name: &str, value: u8| {
        let bytes = vec![value; 32 * 32 * 4];
        raw_tensor(name, DType::Fp32, &[32, 32], bytes)
    };
    GraphProto::named(name)
        .takes("x", DType::Fp32, &dims("n,32"))
        .holds(weight("a", a))
        .with(node("MatMul", &["x", "a"], &["t"]))
        .holds(weight("b", b))
        .with(node("MatMul", &["t", "b"], &["y"]))
        .gives("y", DType::Fp32, &dims("n,32"))
        .into_model()
}

#[test]
fn weights_that_are_there_already_are_referred_to_and_the_rest_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    model("original", 1, 2)
        .write(&place("original.onnx"))
        .unwrap();
    model("variant", 3, 2)
        .write(&place("variant.onnx"))
        .unwrap();
    let weights = weights_of(&place("original.onnx")).unwrap();
    assert_eq!(weights.len(), 2);
    let to = place("shared.onnx");
    let shared = share_weights(&place("variant.onnx"), &weights, "original.onnx", &to);
    let shared = shared.unwrap().unwrap();
    assert_eq!((shared.weights, shared.bytes), (1, 4096));

    let facts = onnx::verify(&to).unwrap();
    assert_eq!(facts.external_files[0].path, "original.onnx");
    let read = onnx::read(fs::File::open(&to).unwrap(), &Limits::default()).unwrap();
    let graph = read.graph.as_ref().unwrap();
    assert_eq!((graph.name.as_str(), graph.nodes.len()), ("variant", 2));
    let external: Vec<bool> = graph.initializers.iter().map(|one| one.external).collect();
    assert_eq!(external, [false, true]);
    // The bytes that are referred to are those that were taken out.
    let range = &weights[1].range;
    let original = fs::read(place("original.onnx")).unwrap();
    let range = usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap();
    assert_eq!(original[range], vec![2; 4096]);
    assert!(fs::metadata(&to).unwrap().len() < 4096 + 600);
}

#[test]
fn weights_in_a_file_of_their_own_are_shared_too() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    model("plain", 1, 2).write(&place("plain.onnx")).unwrap();
    model("holder", 1, 2).write(&place("weights.bin")).unwrap();
    let weights = weights_of(&place("weights.bin")).unwrap();
    // A model that has all of its weights in another file.
    let to = place("outside.onnx");
    share_weights(&place("plain.onnx"), &weights, "weights.bin", &to).unwrap();
    let found = weights_of(&to).unwrap();
    assert_eq!(found.len(), 2);
    assert!(
        found
            .iter()
            .all(|one| one.file.as_deref() == Some("weights.bin"))
    );
    let digests = |weights: &[Weight]| weights.iter().map(|one| one.digest).collect::<Vec<_>>();
    assert_eq!(digests(&found), digests(&weights));
}

#[test]
fn nothing_is_written_when_nothing_is_shared() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    model("one", 1, 2).write(&place("one.onnx")).unwrap();
    model("two", 3, 4).write(&place("two.onnx")).unwrap();
    let weights = weights_of(&place("one.onnx")).unwrap();
    let shared = share_weights(&place("two.onnx"), &weights, "one.onnx", &place("to.onnx"));
    assert_eq!(shared.unwrap(), None);
    assert!(!place("to.onnx").exists());
}

#[test]
fn a_damaged_model_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    model("one", 1, 2).write(&place("one.onnx")).unwrap();
    let weights = weights_of(&place("one.onnx")).unwrap();
    let bytes = fs::read(place("one.onnx")).unwrap();
    fs::write(place("cut.onnx"), &bytes[..bytes.len() / 2]).unwrap();
    let shared = share_weights(&place("cut.onnx"), &weights, "one.onnx", &place("to.onnx"));
    assert!(matches!(shared, Err(RewriteError::Onnx(_))), "{shared:?}");
    assert!(weights_of(&place("cut.onnx")).is_err());
}

#[test]
fn inputs_that_nobody_is_to_give_are_left_out_and_the_rest_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    let mut graph = model("old", 1, 2).graph.unwrap();
    // As older models have it: each weight is named as an input too, and one of them was folded away.
    for name in ["a", "b", "folded"] {
        graph = graph.takes(name, DType::Fp32, &dims("32,32"));
    }
    graph.into_model().write(&place("old.onnx")).unwrap();
    assert!(keep_inputs(&place("old.onnx"), &["x"], &place("kept.onnx")).unwrap());
    let read = onnx::read(
        fs::File::open(place("kept.onnx")).unwrap(),
        &Limits::default(),
    )
    .unwrap();
    let graph = read.graph.unwrap();
    let names: Vec<&str> = graph
        .inputs
        .iter()
        .map(|input| input.name.as_str())
        .collect();
    assert_eq!(names, ["x", "a", "b"]);
    assert_eq!((graph.nodes.len(), graph.initializers.len()), (2, 2));
    // Once is enough.
    assert!(!keep_inputs(&place("kept.onnx"), &["x"], &place("again.onnx")).unwrap());
    assert!(!place("again.onnx").exists());
}
