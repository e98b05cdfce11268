use nav_package_format::TensorData;
use proptest::prelude::*;

use super::*;

fn singles(shape: &[usize], numbers: &[f32]) -> TensorData {
    let bytes = numbers.iter().flat_map(|number| number.to_le_bytes());
    TensorData::new(DType::Fp32, Shape::from(shape), bytes.collect()).unwrap()
}

fn tolerance(absolute: f64, relative: f64) -> Tolerance {
    Tolerance {
        name: "test".to_owned(),
        absolute,
        relative,
    }
}

fn breach(found: &[f32], expected: &[f32], absolute: f64, relative: f64) -> Option<String> {
    let shape = [expected.len()];
    let (found, expected) = (singles(&shape, found), singles(&shape, expected));
    let tolerance = tolerance(absolute, relative);
    Difference::between(found.view(), expected.view(), &tolerance).breach
}

#[test]
fn an_element_beyond_the_tolerance_is_named_with_its_place() {
    let check = |found: &[f32], expected: &[f32], breached: Option<&str>| {
        assert_eq!(breach(found, expected, 0.5, 0.0).as_deref(), breached);
    };
    check(&[1.0, 2.5], &[1.0, 2.0], None);
    check(
        &[1.0, 4.0, 9.0],
        &[1.0, 2.0, 3.0],
        Some("9e0 for 3e0 at [2] in 2 of 3 elements"),
    );
    assert_eq!(breach(&[110.0], &[100.0], 0.0, 0.1), None);
}

#[test]
fn what_is_no_number_must_be_none_in_both() {
    let (nan, inf) = (f32::NAN, f32::INFINITY);
    let check = |found: f32, expected: f32, fine: bool| {
        assert_eq!(breach(&[found], &[expected], 1e9, 1e9).is_none(), fine);
    };
    check(nan, nan, true);
    check(inf, inf, true);
    check(-inf, inf, false);
    check(nan, inf, false);
    check(nan, 1.0, false);
    check(1.0, nan, false);
    check(inf, 1.0, false);
}

#[test]
fn an_original_without_a_number_is_told_from_one_with_some() {
    let has_numbers = |numbers: &[f32]| {
        let tensor = singles(&[numbers.len()], numbers);
        Difference::between(tensor.view(), tensor.view(), &tolerance(0.0, 0.0)).has_numbers
    };
    assert!(has_numbers(&[f32::NAN, 0.0]));
    assert!(!has_numbers(&[f32::NAN, f32::INFINITY]));
}

#[test]
fn integers_and_strings_are_exact_however_large() {
    let wide = |number: i64| {
        TensorData::new(
            DType::Int64,
            Shape::from([1]),
            number.to_le_bytes().to_vec(),
        )
        .unwrap()
    };
    let check = |found: &TensorData, expected: &TensorData, breached: Option<&str>| {
        let difference = Difference::between(found.view(), expected.view(), &tolerance(0.0, 0.0));
        assert_eq!(difference.breach.as_deref(), breached);
    };
    check(&wide(i64::MAX), &wide(i64::MAX), None);
    check(
        &wide(i64::MAX),
        &wide(i64::MAX - 1),
        Some("another integer at [0]"),
    );
    check(
        &wide(3),
        &wide(4),
        Some("3e0 for 4e0 at [0] in 1 of 1 elements"),
    );
    let text = |text: &str| {
        let bytes = nav_package_format::strings::encode([text, "same"]).unwrap();
        TensorData::new(DType::Bytes, Shape::from([2, 1]), bytes).unwrap()
    };
    check(&text("a"), &text("a"), None);
    check(
        &text("a"),
        &text("b"),
        Some("\"a\" for \"b\" at [0,0] in 1 of 2 elements"),
    );
}

#[test]
fn places_count_rows_first() {
    let found = place(5, &Shape::from([2, 3]));
    assert_eq!(found, Shape::from([1, 2]));
    assert_eq!(place(0, &Shape::default()), Shape::default());
}

proptest! {
    #[test]
    fn a_tensor_never_differs_from_itself(numbers in prop::collection::vec(any::<f32>(), 1..20)) {
        prop_assert_eq!(breach(&numbers, &numbers, 0.0, 0.0), None);
    }

    #[test]
    fn what_is_within_is_no_breach_and_what_is_beyond_is(
        original in -1e3_f64..1e3,
        off in 0.0_f64..2.0,
        absolute in 0.0_f64..1.0,
        relative in 0.0_f64..1e-2,
    ) {
        let bytes = |number: f64| TensorData::new(DType::Fp64, Shape::default(), number.to_le_bytes().to_vec()).unwrap();
        let found = original + off;
        let (left, right) = (bytes(found), bytes(original));
        let difference = Difference::between(left.view(), right.view(), &tolerance(absolute, relative));
        let is_beyond = (found - original).abs() > absolute + relative * original.abs();
        prop_assert_eq!(difference.breach.is_some(), is_beyond);
    }
}
