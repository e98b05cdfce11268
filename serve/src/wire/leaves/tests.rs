use proptest::prelude::*;

use super::*;

fn parsed(text: &str, dtype: DType, count: usize) -> Result<Bytes, Fault> {
    super::read(&mut Cursor::new(text.as_bytes()), dtype, count)
}

#[test]
fn numbers_are_taken_exactly_or_not_at_all() {
    let check = |text: &str, dtype, expected: Option<&[u8]>| {
        let bytes = parsed(text, dtype, 1).ok();
        assert_eq!(bytes.as_deref(), expected, "{text} as {dtype}");
    };
    check("[255]", DType::Uint8, Some(&[255]));
    check("[256]", DType::Uint8, None);
    check("[-1]", DType::Uint8, None);
    check("[-0]", DType::Uint8, Some(&[0]));
    check("[-128]", DType::Int8, Some(&[128]));
    check("[128]", DType::Int8, None);
    check("[1.0]", DType::Int32, None);
    check("[1e2]", DType::Int32, None);
    check("[true]", DType::Int32, None);
    check("[NaN]", DType::Int32, None);
    check("[18446744073709551615]", DType::Uint64, Some(&[255; 8]));
    check("[18446744073709551616]", DType::Uint64, None);
    check("[1]", DType::Bool, None);
    check("[true]", DType::Bool, Some(&[1]));
    check("[1]", DType::Fp32, Some(&1.0_f32.to_le_bytes()));
    check("[0.1]", DType::Fp32, Some(&0.1_f32.to_le_bytes()));
    check("[3.5e38]", DType::Fp32, None);
    check("[3.5e38]", DType::Fp64, Some(&3.5e38_f64.to_le_bytes()));
    check("[1e400]", DType::Fp64, None);
    check(
        "[-Infinity]",
        DType::Fp32,
        Some(&f32::NEG_INFINITY.to_le_bytes()),
    );
    check("[\"1\"]", DType::Fp32, None);
    check("[\"ab\"]", DType::Bytes, Some(b"\x02\0\0\0ab"));
    check("[1]", DType::Bytes, None);
}

#[test]
fn leaves_are_counted_however_they_are_nested() {
    let check = |text: &str, count, expected: bool| {
        assert_eq!(
            parsed(text, DType::Uint8, count).is_ok(),
            expected,
            "{text}"
        );
    };
    check("[1,2,3,4]", 4, true);
    check("[[1,2],[3,4]]", 4, true);
    check("[[1],[2,[3,4]]]", 4, true);
    check("[]", 0, true);
    check("[1,2]", 3, false);
    check("[1,2]", 1, false);
    check("5", 1, false);
    check("[{}]", 1, false);
}

proptest! {
    #[test]
    fn every_double_comes_back(number in any::<f64>().prop_filter("finite", |it| it.is_finite())) {
        let mut text = String::from("[");
        crate::wire::write::double(&mut text, number);
        text.push(']');
        let expected = Bytes::copy_from_slice(&number.to_le_bytes());
        prop_assert_eq!(parsed(&text, DType::Fp64, 1), Ok(expected));
    }

    #[test]
    fn every_float_comes_back(number in any::<f32>().prop_filter("finite", |it| it.is_finite())) {
        let mut text = String::from("[");
        crate::wire::write::double(&mut text, number.into());
        text.push(']');
        let expected = Bytes::copy_from_slice(&number.to_le_bytes());
        prop_assert_eq!(parsed(&text, DType::Fp32, 1), Ok(expected));
    }
}
