//! Every kind of tensor arrives as it was sent, in either direction.

use nav_package_format::{DType, strings};
use nav_runners::{InputError, Probe, RunError, Runner, Tensor};

use crate::runners::{ADD, IDENTITY, tensor};
use crate::support::{PATIENT, isolated, load, run, session};

fn some_bytes(length: usize) -> Vec<u8> {
    (0..length)
        .map(|byte| u8::try_from(byte % 251).unwrap())
        .collect()
}

/// A tensor of each element type with these extents.
fn one_of_each(shape: &[usize]) -> Vec<Tensor> {
    let count: usize = shape.iter().product();
    let of_type = |(index, &dtype): (usize, &DType)| {
        let bytes = match dtype.element_size() {
            Some(size) => some_bytes(count * size),
            None => strings::encode((0..count).map(|element| "x".repeat(element))).unwrap(),
        };
        tensor(index, dtype, shape, bytes)
    };
    DType::ALL.iter().enumerate().map(of_type).collect()
}

#[test]
fn every_element_type_crosses_in_every_kind_of_shape() {
    let model = load(IDENTITY, "m", PATIENT).unwrap();
    let mut session = session(&model);
    for shape in [
        &[][..],
        &[0],
        &[7],
        &[2, 3],
        &[3, 0, 2],
        &[1, 2, 1, 2, 1, 3],
    ] {
        let inputs = one_of_each(shape);
        let outputs = run(session.as_mut(), &inputs).unwrap();
        assert_eq!(outputs.to_vec(), inputs, "{shape:?}");
    }
}

#[test]
fn inputs_may_be_left_out_all_of_them_too() {
    let model = load(IDENTITY, "m", PATIENT).unwrap();
    let mut session = session(&model);
    let mut inputs = one_of_each(&[5]);
    inputs.retain(|input| input.desc.index % 3 == 1);
    assert_eq!(run(session.as_mut(), &inputs).unwrap().to_vec(), inputs);
    assert!(run(session.as_mut(), &[]).unwrap().is_empty());
}

#[test]
fn tensors_may_grow_and_shrink_from_one_run_to_the_next() {
    let model = load(IDENTITY, "m", PATIENT).unwrap();
    let mut session = session(&model);
    for length in [10, 5_000_000, 3, 0, 100_000, 7_000_000] {
        let input = tensor(1, DType::Uint8, &[length], some_bytes(length));
        let outputs = run(session.as_mut(), std::slice::from_ref(&input)).unwrap();
        assert_eq!(outputs[0], input);
    }
}

#[test]
fn staged_memory_is_aligned_for_vector_code() {
    let model = load(IDENTITY, "m", PATIENT).unwrap();
    let mut session = session(&model);
    let descs: Vec<_> = one_of_each(&[3])
        .into_iter()
        .map(|input| input.desc)
        .collect();
    for slice in session.stage(&descs).unwrap() {
        assert_eq!(slice.as_ptr().addr() % 64, 0);
    }
}

#[test]
fn what_was_staged_can_be_run_again() {
    let model = load(ADD, "m", PATIENT).unwrap();
    let mut session = session(&model);
    let number = |index, value: f32| tensor(index, DType::Fp32, &[1], value.to_le_bytes().into());
    let expected = number(0, 3.5);
    let first = run(session.as_mut(), &[number(0, 1.0), number(1, 2.5)]).unwrap();
    assert_eq!(first[0], expected);
    assert_eq!(session.run().unwrap()[0], expected);
}

#[test]
fn inputs_that_do_not_fit_are_refused_and_nothing_is_run() {
    let model = load(ADD, "m", PATIENT).unwrap();
    let mut session = session(&model);
    let a = tensor(0, DType::Fp32, &[1], vec![0; 4]);
    let missing = InputError::Missing {
        name: "b".to_owned(),
    };
    let refused = run(session.as_mut(), &[a]).unwrap_err();
    assert_eq!(refused, RunError::Input(missing));
    assert_eq!(session.run(), Err(RunError::NotStaged));
}

#[test]
fn signature_and_probe_are_those_of_the_runner_in_the_child() {
    let model = load(ADD, "m", PATIENT).unwrap();
    assert_eq!(model.signature().inputs[1].name, "b");
    let libraries = nav_runners::Libraries::default();
    let probe = isolated(ADD, PATIENT).probe(&libraries);
    assert_eq!(probe, ADD.probe(&libraries));
    assert!(matches!(probe, Probe::Ready { .. }));
}
