//! What is admitted, and what is said of the rest.

use nav_package_format::{Dim, Shape, TensorSpec, strings};
use proptest::prelude::*;

use super::*;

fn spec(name: &str, dtype: DType, width: usize, optional: bool) -> TensorSpec {
    TensorSpec {
        name: name.to_owned(),
        dtype,
        dims: Some(vec![Dim::Unknown, Dim::Fixed(width)]),
        optional,
    }
}

fn signature() -> Signature {
    Signature {
        inputs: vec![
            spec("a", DType::Uint8, 2, false),
            spec("b", DType::Uint8, 1, true),
            spec("s", DType::Bytes, 1, true),
        ],
        outputs: vec![spec("y", DType::Uint8, 2, false)],
    }
}

fn tensor(name: &str, shape: [usize; 2]) -> (String, DType, Shape, Vec<u8>) {
    let size = shape[0] * shape[1];
    (
        name.to_owned(),
        DType::Uint8,
        Shape::from(shape),
        vec![7; size],
    )
}

fn request(tensors: &[(String, DType, Shape, Vec<u8>)]) -> Request {
    let mut request = Request::new();
    for (name, dtype, shape, bytes) in tensors {
        request = request.with_input(name.as_str(), *dtype, shape.clone(), bytes.clone());
    }
    request
}

fn refusal(request: Request) -> String {
    let admitted = admit(request, &signature(), &ModelOptions::batched(4));
    admitted.unwrap_err().to_string()
}

#[test]
fn inputs_are_put_in_the_order_of_the_signature() {
    let request = request(&[tensor("b", [3, 1]), tensor("a", [3, 2])]);
    let call = admit(request, &signature(), &ModelOptions::batched(4)).unwrap();
    let order: Vec<usize> = call.inputs().map(|input| input.desc.index).collect();
    assert_eq!((order, call.rows()), (vec![0, 1], 3));
}

#[test]
fn each_fault_is_named() {
    let a = || tensor("a", [3, 2]);
    let check = |tensors: &[_], expected: &str| assert_eq!(refusal(request(tensors)), expected);
    check(&[], "input `a` is missing");
    check(&[a(), a()], "input `a` is given twice");
    check(&[a(), tensor("z", [3, 2])], "the model has no input `z`");
    check(
        &[a(), tensor("b", [2, 1])],
        "input `b` has 2 rows, and others of the same request have 3",
    );
    check(
        &[tensor("a", [5, 2])],
        "the request has 5 rows, and a batch of this model takes 4",
    );
    let mut wants = request(&[a()]);
    wants.outputs = std::iter::once(TensorKey::from("q")).collect();
    assert_eq!(refusal(wants), "the model has no output `q`");
    let mut wants = request(&[a()]);
    wants.outputs = [TensorKey::from("y"), TensorKey::from(0)]
        .into_iter()
        .collect();
    assert_eq!(refusal(wants), "output `#0` is asked for twice");
}

#[test]
fn a_model_without_a_batch_dimension_counts_one_row() {
    let request = request(&[tensor("a", [7, 2])]);
    let call = admit(request, &signature(), &ModelOptions::default()).unwrap();
    assert_eq!(call.rows(), 1);
}

/// Cuts bytes into pieces at these offsets.
fn cut(bytes: Vec<u8>, mut offsets: Vec<usize>) -> Frames {
    let mut rest = Bytes::from(bytes);
    offsets.sort_unstable();
    let mut frames = Frames::new();
    let mut start = 0;
    for offset in offsets {
        let offset = offset.min(start + rest.len());
        frames.push(rest.split_to(offset - start));
        start = offset;
    }
    frames.push(rest);
    frames
}

proptest! {
    #[test]
    fn byte_strings_must_be_as_many_as_the_shape_says_wherever_they_are_cut(
        elements in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..6), 0..4),
        cuts in prop::collection::vec(0_usize..40, 0..4),
        claimed in 0_usize..4,
    ) {
        let bytes = strings::encode(&elements).unwrap();
        let mut request = request(&[tensor("a", [claimed, 2])]);
        request.inputs.push(Input {
            key: TensorKey::from("s"),
            dtype: DType::Bytes,
            shape: Shape::from([claimed, 1]),
            frames: cut(bytes, cuts),
        });
        let admitted = admit(request, &signature(), &ModelOptions::batched(4));
        prop_assert_eq!(admitted.is_ok(), claimed == elements.len());
    }

    #[test]
    fn a_string_that_is_not_whole_is_refused_wherever_it_is_cut(
        missing in 1_usize..9,
        cuts in prop::collection::vec(0_usize..12, 0..4),
    ) {
        let mut bytes = strings::encode([b"four!"]).unwrap();
        bytes.truncate(bytes.len() - missing);
        let mut request = request(&[tensor("a", [1, 2])]);
        request.inputs.push(Input {
            key: TensorKey::from("s"),
            dtype: DType::Bytes,
            shape: Shape::from([1, 1]),
            frames: cut(bytes, cuts),
        });
        prop_assert!(admit(request, &signature(), &ModelOptions::batched(4)).is_err());
    }
}
